"""Who is let in, and who is not: passwords, tries, sessions."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import argon2
import databases
import pytest
from desk.conftest import Gate

from engine.desk import access, passwords
from engine.store.errors import Busy, NotFound, Refused
from engine.store.store import Store

GOOD, OTHER = "correct horse battery", "wrong camel dynamo"
HERE, THERE = "192.0.2.7", "198.51.100.9"
BROWSER = "Mozilla/5.0 (a browser)"


@pytest.fixture(autouse=True)
def with_passwords(gate: Gate) -> None:
    """Everybody has the same password, whatever their account is; the guest's was set before it was one."""
    for login in ("anna", "bob", "locked", "registered"):
        access.set_password(gate.store, gate.config, login, GOOD, "root")
    gate.store.access.put_credential(gate.store.directory.login("guest").id, passwords.proof_of(GOOD), "root")


@pytest.fixture
def computed(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int, int]]:
    """What proofs that were computed cost, one after the other."""
    costs: list[tuple[int, int, int]] = []
    verify, make = argon2.PasswordHasher.verify, argon2.PasswordHasher.hash

    def noted(proof: Any) -> Any:
        text = proof.decode() if isinstance(proof, bytes) else proof
        told = argon2.extract_parameters(text)
        costs.append((told.memory_cost, told.time_cost, told.parallelism))
        return proof

    monkeypatch.setattr(argon2.PasswordHasher, "verify", lambda self, proof, given: verify(self, noted(proof), given))
    monkeypatch.setattr(argon2.PasswordHasher, "hash", lambda self, given: noted(make(self, given)))
    return costs


def sign_in(gate: Gate, who: str = "anna", password: str = GOOD, ip: str = HERE, **more: Any) -> access.SignedIn:
    return access.sign_in(gate.store, gate.config, who, password, ip, BROWSER, **more)


def asked(gate: Gate, cookie: str) -> access.SignedIn | None:
    return access.session(gate.store, cookie, gate.now)


def refused(gate: Gate, who: str = "anna", password: str = OTHER, ip: str = HERE) -> str:
    with pytest.raises(Refused) as said:
        sign_in(gate, who, password, ip)
    return type(said.value).__name__ + ": " + str(said.value)


NOT_LET_IN = f"Refused: {access.WRONG}"

# ── passwords ─────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("password", "said"),
    [
        ("too short", "at least 12"), ("anna1234567890", "the login"), ("anna.berg@example.com", "an address"),
        ("ab@example.com20", "an address"), ("anna.berg2026", "before the @"), ("Test desk 2026", "this installation"),
        ("letmein letmein", "many people choose"),
    ],
)  # fmt: skip
def test_a_password_is_no_word_of_the_account_or_the_installation(gate: Gate, password: str, said: str) -> None:
    with pytest.raises(Refused, match=said):
        access.set_password(gate.store, gate.config, "anna", password, "root")
    assert sign_in(gate).account.login == "anna", "the old one is in force"


def test_strangers_have_no_password_and_nobody_has_none(gate: Gate) -> None:
    with pytest.raises(Refused, match="stands for strangers"):
        access.set_password(gate.store, gate.config, "guest", GOOD, "root")
    with pytest.raises(NotFound, match='no user "zoe"'):
        access.set_password(gate.store, gate.config, "zoe", GOOD, "root")
    with pytest.raises(NotFound, match='no user "zoe"'):
        access.remove_password(gate.store, gate.config, "zoe", "root")


def test_a_new_password_counts_at_once_and_ends_all_other_sessions(gate: Gate) -> None:
    mine, other, bobs = sign_in(gate), sign_in(gate, ip=THERE), sign_in(gate, "bob")
    ended = access.set_password(gate.store, gate.config, "ab@example.com", OTHER, "anna", keep=mine.cookie)
    assert ended == 1
    assert [asked(gate, each.cookie) is not None for each in (mine, other, bobs)] == [True, False, True]
    assert refused(gate, password=GOOD) == NOT_LET_IN
    assert sign_in(gate, password=OTHER).account.login == "anna"


def test_of_two_who_change_a_password_at_once_the_slower_one_is_out(gate: Gate) -> None:
    mine, thief = sign_in(gate), sign_in(gate, ip=THERE)
    access.sudo(gate.store, gate.config, thief.cookie, GOOD, THERE, gate.now)  # proved, when the owner is faster
    access.set_password(gate.store, gate.config, "anna", OTHER, "anna", keep=mine.cookie)
    with pytest.raises(Refused, match="nobody is signed in here any more"):
        access.set_password(gate.store, gate.config, "anna", OTHER + " of a thief", "anna", keep=thief.cookie)
    assert asked(gate, mine.cookie) is not None and sign_in(gate, password=OTHER).account.login == "anna"


def test_without_a_password_nobody_comes_in_and_nobody_is_in(gate: Gate) -> None:
    mine = sign_in(gate)
    assert access.remove_password(gate.store, gate.config, "anna", "root") is True
    assert (asked(gate, mine.cookie), refused(gate, password=GOOD)) == (None, NOT_LET_IN)
    assert access.remove_password(gate.store, gate.config, "anna", "root") is False


def test_what_is_done_about_passwords_is_written_down_with_who_did_it(gate: Gate) -> None:
    access.remove_password(gate.store, gate.config, "bob", "root")
    assert gate.events()[0] == ("password.set", "root", "anna")
    assert gate.events()[-1] == ("password.removed", "root", "bob")
    assert "password.set by root: anna" in gate.logged() and "password.removed by root: bob" in gate.logged()


# ── who comes in ──────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("who", ["anna", " anna ", "anna.berg@example.com", "AB@Example.COM"])
def test_a_login_or_an_address_and_the_password_let_somebody_in(gate: Gate, who: str) -> None:
    mine = sign_in(gate, who)
    again = asked(gate, mine.cookie)
    assert again is not None
    assert (again.account.login, again.ref, again.csrf, again.cookie) == ("anna", mine.ref, mine.csrf, "")


@pytest.mark.parametrize(
    ("who", "password"),
    [
        ("anna", OTHER), ("anna", ""), ("anna", GOOD.upper()), ("Anna", GOOD), ("Anna Berg", GOOD), ("zoe", GOOD),
        ("zoe@example.com", GOOD), ("ab+x@example.com", GOOD), ("", GOOD), ("", ""), ("\0", GOOD), ("\ud800", "\ud800"),
        ("locked", GOOD), ("registered", GOOD), ("guest", GOOD), ("guest@example.com", GOOD), ("x" * 100_000, GOOD),
        ("anna", "x" * 100_000), ("anna' OR '1'='1", GOOD), ("%", GOOD), ("an_a", GOOD),
    ],
)  # fmt: skip
def test_whoever_is_not_let_in_hears_one_sentence_and_costs_one_computation(
    gate: Gate, computed: list[Any], who: str, password: str
) -> None:
    assert refused(gate, who, password) == NOT_LET_IN
    assert computed == [tuple(passwords.COST)]
    assert gate.store.access.sessions(1) == []


@pytest.mark.parametrize("who", ["locked", "registered", "guest"])
def test_the_password_of_whoever_may_not_come_in_is_not_even_looked_at(
    gate: Gate, computed: list[Any], who: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(passwords, "COST", passwords.Cost(16, 1, 1))
    assert refused(gate, who, GOOD) == NOT_LET_IN
    assert computed == [(16, 1, 1)], "theirs was proved at another cost"


def test_a_password_that_was_proved_at_a_lower_cost_is_proved_anew_when_it_is_given(
    gate: Gate, computed: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def proof() -> str:
        return str(gate.store.access.credential(1).hash)

    before = proof()
    monkeypatch.setattr(passwords, "COST", passwords.Cost(16, 2, 1))
    assert refused(gate) == NOT_LET_IN and proof() == before
    sign_in(gate)
    assert computed == [(8, 1, 1), (8, 1, 1), (16, 2, 1)] and proof() != before
    sign_in(gate)
    assert computed[3:] == [(16, 2, 1)]
    monkeypatch.setattr(passwords, "COST", passwords.Cost(8, 1, 1))
    after = proof()
    assert sign_in(gate) and proof() == after, "a higher cost is kept"


def test_somebody_is_let_in_where_there_is_no_time_for_a_better_proof(
    gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(passwords, "COST", passwords.Cost(16, 2, 1))

    def busy(_: str) -> str:
        raise Busy("too many")

    monkeypatch.setattr(passwords, "proof_of", busy)
    assert asked(gate, sign_in(gate).cookie) is not None


def test_a_try_that_found_no_turn_is_none(gate: Gate, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passwords, "PATIENCE_S", 0.0)
    with passwords._turn(), passwords._turn():
        for _ in range(30):
            with pytest.raises(Busy):
                sign_in(gate)
    assert sign_in(gate).account.login == "anna"


def test_whose_password_changes_while_it_is_proved_is_not_let_in_by_the_old_one(
    gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    right = passwords.is_right

    def meanwhile(password: str, proof: str) -> bool:
        access.set_password(gate.store, gate.config, "anna", OTHER, "root")
        return right(password, proof)

    monkeypatch.setattr(passwords, "is_right", meanwhile)
    assert refused(gate, password=GOOD) == NOT_LET_IN
    assert gate.store.access.sessions(1) == []


# ── tries ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def guess(gate: Gate, who: str, times: int, ip: str = HERE) -> float:
    """Give wrong passwords as quickly as one may; gives how many seconds that took."""
    began, tried = gate.now, 0
    while tried < times:
        with pytest.raises(Refused) as said:
            sign_in(gate, who, f"{OTHER} {tried}", ip)
        if isinstance(said.value, access.Wait):
            gate.later(seconds=said.value.seconds)
        else:
            tried += 1
    return (gate.now - began).total_seconds()


@pytest.mark.parametrize("who", ["anna", "zoe"])
def test_a_thousand_guesses_take_as_long_as_the_waits_whether_there_is_somebody_or_not(
    gate: Gate, computed: list[Any], who: str
) -> None:
    waits = 2 + 4 + 8 + 16 + 32 + 64 + 128 + 256 + 512 + 900 * (1000 - 5 - 9)
    assert guess(gate, who, 1000) == waits
    assert len(computed) == 1000, "nothing is computed for whoever waits"
    assert gate.store.database.one("SELECT count(*) FROM login_failure")[0] <= 24 * 4 + 1


def test_a_thousand_guesses_of_many_addresses_at_one_account_take_no_less(gate: Gate) -> None:
    began = gate.now
    for each in range(1000):
        guess(gate, "anna", 1, f"2001:db8:{each:x}::1")
    assert (gate.now - began).total_seconds() >= 900 * 980


def test_a_thousand_names_tried_from_one_network_take_as_long_as_the_waits(gate: Gate) -> None:
    began = gate.now
    for each in range(1000):
        guess(gate, f"name{each}", 1, f"2001:db8::{each:x}")
    assert (gate.now - began).total_seconds() == 600 * (1000 // 20 - 1)


def test_many_guesses_at_the_same_time_are_no_more_than_one_after_the_other(
    gate: Gate, tmp_path: Any, computed: list[Any]
) -> None:
    where, said = databases.place(tmp_path / "many.sqlite3"), list[str]()
    with Store.open(where, clock=lambda: gate.now) as store:
        store.directory.put_account("anna")
        access.set_password(store, gate.config, "anna", GOOD, "root")
    computed.clear()

    def guessing() -> None:
        with Store.open(where, clock=lambda: gate.now) as store:
            for _ in range(4):
                try:
                    access.sign_in(store, gate.config, "anna", OTHER, HERE, BROWSER)
                except Refused as error:
                    said.append(type(error).__name__)

    threads = [threading.Thread(target=guessing) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (said.count("Refused"), said.count("Wait"), len(computed)) == (5, 19, 5)


def test_who_waits_is_told_how_long_and_the_right_password_does_not_help(gate: Gate) -> None:
    guess(gate, "anna", 6)
    with pytest.raises(access.Wait, match="try again in 4 s") as said:
        sign_in(gate)
    assert said.value.seconds == 4
    gate.later(seconds=4)
    assert sign_in(gate).account.login == "anna"
    guess(gate, "bob", 13, THERE)
    assert refused(gate, "bob", GOOD, THERE) == "Wait: too many wrong passwords: try again in 9 minutes"


def test_nobody_is_kept_out_of_where_they_signed_in_lately_by_failures_of_others(gate: Gate) -> None:
    sign_in(gate)
    guess(gate, "anna", 40, THERE)
    for each in range(20):
        guess(gate, f"name{each}", 1)
    assert refused(gate, "bob", GOOD).startswith("Wait: "), "who was never here"
    assert refused(gate, "anna", GOOD, THERE).startswith("Wait: "), "and where she never was"
    assert sign_in(gate).account.login == "anna"


def test_nothing_tells_whether_there_is_somebody_by_how_long_they_wait(gate: Gate) -> None:
    """Two names of one account are counted apart, as two names of nobody are."""
    said = []
    for names in (("anna", "anna.berg@example.com"), ("zoe", "zoe@example.com")):
        said.append([refused(gate, name, ip=f"192.0.2.{each}") for each in range(4) for name in names])
    assert said[0] == said[1] == [NOT_LET_IN] * 8


def test_an_address_is_counted_however_it_is_written(gate: Gate) -> None:
    for each in range(5):
        written = "".join(char.upper() if each >> at & 1 else char for at, char in enumerate("ab@example.com"))
        assert refused(gate, f" {written}", ip=f"192.0.2.{each}") == NOT_LET_IN
    assert refused(gate, "ab@example.com").startswith("Wait: ")


def test_no_word_that_was_typed_is_kept_where_nobody_is_called_so(gate: Gate) -> None:
    typed = "my secret password in the wrong field"
    refused(gate, typed, typed)
    kept = str([gate.store.database.rows(f"SELECT * FROM {table}") for table in ("login_failure", "event")])  # noqa: S608
    assert typed not in kept and typed not in gate.logged()
    assert "warning security.login nobody here, from 192.0.2.7" in gate.logged()


def test_failures_and_waits_are_lines_of_the_log(gate: Gate) -> None:
    guess(gate, "anna", 6)
    lines = [line.split(" ", 1)[1] for line in gate.logged().splitlines() if "security." in line]
    assert lines[0] == "warning security.login anna, from 192.0.2.7"
    assert lines[5] == "warning security.wait anna, from 192.0.2.7: 2 s"


# ── sessions ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_each_session_has_a_cookie_and_a_token_of_its_own_and_the_database_has_no_cookie(gate: Gate) -> None:
    one, two = sign_in(gate), sign_in(gate)
    secrets = {one.cookie, two.cookie, one.csrf, two.csrf}
    assert len(secrets) == 4 and min(map(len, secrets)) == 43, "256 bits each"
    everything = str([gate.store.database.rows(f"SELECT * FROM {table}") for table in ("session", "event")])  # noqa: S608
    said = everything + gate.logged() + repr(one) + repr(gate.store.access.sessions(1))
    assert [each for each in (one.cookie, two.cookie, GOOD) if each in said] == []


def test_a_cookie_that_was_there_before_lets_nobody_in_afterwards(gate: Gate) -> None:
    planted = sign_in(gate, "bob")
    mine = sign_in(gate, cookie=planted.cookie)
    assert mine.cookie != planted.cookie
    assert asked(gate, planted.cookie) is None
    assert sign_in(gate, cookie="made up").cookie != "made up" and asked(gate, "made up") is None


@pytest.mark.parametrize("cookie", ["", "x", "x" * 10_000, "\ud800", "\0", "é"])
def test_what_is_no_cookie_of_ours_is_nobody(gate: Gate, cookie: str) -> None:
    sign_in(gate)
    assert asked(gate, cookie) is None and access.sign_out(gate.store, gate.config, cookie) is False


def test_who_signs_out_is_out(gate: Gate) -> None:
    mine, other = sign_in(gate), sign_in(gate)
    assert access.sign_out(gate.store, gate.config, mine.cookie) is True
    assert access.sign_out(gate.store, gate.config, mine.cookie) is False
    assert asked(gate, mine.cookie) is None and asked(gate, other.cookie) is not None
    assert gate.events()[-1] == ("session.ended", "anna", f"anna: {mine.ref}")
    assert "session.begun by anna: from 192.0.2.7" in gate.logged() and "session.ended by anna" in gate.logged()


def test_a_session_in_which_nobody_was_seen_is_over(gate: Gate) -> None:
    mine = sign_in(gate)
    for _ in range(4):
        gate.later(seconds=access.IDLE_S)
        assert asked(gate, mine.cookie) is not None
    gate.later(seconds=access.IDLE_S + 1)
    assert asked(gate, mine.cookie) is None and access.sessions_of(gate.store, "anna", gate.now) == []
    short = sign_in(gate)
    gate.later(seconds=61)
    assert access.session(gate.store, short.cookie, gate.now, idle_s=60) is None


def test_what_a_page_asks_by_itself_keeps_nobody_in(gate: Gate) -> None:
    mine = sign_in(gate)
    gate.later(seconds=access.IDLE_S)
    assert access.session(gate.store, mine.cookie, gate.now, by_itself=True) is not None
    gate.later(seconds=1)
    assert access.session(gate.store, mine.cookie, gate.now, by_itself=True) is None


def test_a_session_ends_in_time_however_often_somebody_is_seen(gate: Gate) -> None:
    mine = sign_in(gate)
    hours = 0
    while asked(gate, mine.cookie) is not None:
        gate.later(hours=1)
        hours += 1
    assert hours == access.MOST_S / 3600 + 1


def test_that_somebody_was_seen_is_written_once_a_minute(gate: Gate) -> None:
    mine, written = sign_in(gate), 0
    for _ in range(240):
        before = gate.store.access.sessions(1)[0].seen_at
        gate.later(seconds=1)
        asked(gate, mine.cookie)
        written += gate.store.access.sessions(1)[0].seen_at != before
    assert written == 4


@pytest.fixture
def others(gate: Gate, tmp_path: Any) -> Iterator[tuple[Gate, Store]]:
    """The gate of another process beside ours."""
    where = databases.place(tmp_path / "shared.sqlite3")
    with Store.open(where, clock=lambda: gate.now) as mine, Store.open(where, clock=lambda: gate.now) as theirs:
        mine.directory.put_account("anna", emails=["anna@example.com"])
        access.set_password(mine, gate.config, "anna", GOOD, "root")
        yield Gate(gate.config, mine, gate.now), theirs


def test_who_is_locked_by_another_process_is_out_at_once_and_stays_out(others: tuple[Gate, Store]) -> None:
    gate, theirs = others
    mine = sign_in(gate)
    assert access.session(gate.store, mine.cookie, gate.now) is not None
    theirs.directory.put_account("anna", status="locked")
    assert access.session(gate.store, mine.cookie, gate.now) is None
    assert refused(gate, password=GOOD) == NOT_LET_IN
    theirs.directory.put_account("anna", status="active")
    assert access.session(gate.store, mine.cookie, gate.now) is None, "nobody gets back in by an old cookie"
    assert sign_in(gate).account.login == "anna"


def test_an_account_that_is_locked_behind_our_back_is_out_too(others: tuple[Gate, Store]) -> None:
    """Another release, which does not know of sessions, leaves them where they are."""
    gate, theirs = others
    mine = sign_in(gate)
    assert access.session(gate.store, mine.cookie, gate.now) is not None
    with theirs.writing():
        theirs.database.run("UPDATE account SET status = 'locked' WHERE login = 'anna'")
    assert access.session(gate.store, mine.cookie, gate.now) is None
    assert len(gate.store.access.sessions(1)) == 1


def test_somebody_sees_and_ends_their_own_sessions_and_no_others(gate: Gate) -> None:
    mine, other, bobs = sign_in(gate), sign_in(gate, ip=THERE), sign_in(gate, "bob")
    listed = access.sessions_of(gate.store, "anna", gate.now)
    assert {each.ref for each in listed} == {mine.ref, other.ref}
    assert {(each.ip, each.agent, each.csrf) for each in listed} == {(HERE, BROWSER, ""), (THERE, BROWSER, "")}
    with pytest.raises(NotFound, match="anna has no session"):
        access.end_session(gate.store, gate.config, "anna", bobs.ref, "anna")
    access.end_session(gate.store, gate.config, "anna", other.ref, "anna")
    assert [asked(gate, each.cookie) is not None for each in (mine, other, bobs)] == [True, False, True]
    assert gate.events()[-1] == ("session.ended", "anna", f"anna: {other.ref}")


def test_what_a_browser_calls_itself_is_cut_and_made_plain(gate: Gate) -> None:
    access.sign_in(gate.store, gate.config, "anna", GOOD, "not an\naddress", "x\x1b[31m\n\u202e" * 1000)
    (listed,) = access.sessions_of(gate.store, "anna", gate.now)
    assert len(listed.agent) == 200 and listed.agent.isprintable() and listed.ip == "not an address"


# ── the password again ────────────────────────────────────────────────────────────────────────────────────────────


def test_the_password_that_was_given_counts_for_ten_minutes_and_can_be_given_again(gate: Gate) -> None:
    mine = sign_in(gate)

    def fresh() -> bool:
        there = asked(gate, mine.cookie)
        assert there is not None
        return there.sudo

    assert mine.sudo and fresh()
    gate.later(minutes=10)
    assert not fresh()
    with pytest.raises(Refused, match=access.WRONG):
        access.sudo(gate.store, gate.config, mine.cookie, OTHER, HERE, gate.now)
    assert not fresh()
    assert access.sudo(gate.store, gate.config, mine.cookie, GOOD, HERE, gate.now).sudo and fresh()


def test_giving_it_again_is_throttled_as_signing_in_is_and_needs_a_session(gate: Gate) -> None:
    mine = sign_in(gate)
    for _ in range(5):
        with pytest.raises(Refused, match=access.WRONG):
            access.sudo(gate.store, gate.config, mine.cookie, OTHER, HERE, gate.now)
    with pytest.raises(access.Wait):
        access.sudo(gate.store, gate.config, mine.cookie, GOOD, HERE, gate.now)
    with pytest.raises(access.Wait):
        sign_in(gate)
    with pytest.raises(Refused, match="sign in again"):
        access.sudo(gate.store, gate.config, "no cookie", GOOD, HERE, gate.now)
