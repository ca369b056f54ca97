"""What a store promises of passwords, tries, sessions and tokens."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from store.desk import Desk

from engine import ports
from engine.model.access import Arrival
from engine.model.throttle import AN_HOUR, FREE, KNOWN, LOG_INS, MANY, REMEMBERED, SPAN

HERE, THERE = "192.0.2.7", "2001:db8:1:2::/64"
MOST_S = 7 * 86400.0


@pytest.fixture
def access(store: Any) -> Any:
    return store.access


def number(store: Any, login: str) -> int:
    return int(store.directory.login(login).id)


def arrival(account: int, network: str = HERE, who: str = "typed", proof: str = "proof") -> Arrival:
    return Arrival(account, proof, "csrf", who, network, network, "a browser")


def come_in(store: Any, login: str = "anna", key: str = "a" * 64, network: str = HERE, who: str = "typed") -> bool:
    account = number(store, login)
    if store.access.credential(account) is None:
        store.access.put_credential(account, "proof", "root")
    return bool(store.access.begin_session(key, arrival(account, network, who), MOST_S))


def told(store: Any) -> list[tuple[str, str, str, str]]:
    """The events of access: name, by whom, by which way, what they say."""
    rows, _ = store.history.events("")
    return [(row.name, row.actor, row.via, row.detail["said"]) for row in rows]


def fail(store: Any, times: int, who: str = "typed", account: int = 0, network: str = HERE) -> None:
    for _ in range(times):
        assert store.access.count_try(who, account, network).wait_s == 0


# ── passwords ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_password_is_what_was_set_last_by_whom_and_when(desk: Desk, access: Any) -> None:
    anna = number(desk.store, "anna")
    assert access.credential(anna) is None
    access.put_credential(anna, "first", "root")
    desk.later(hours=1)
    access.put_credential(anna, "second", "anna", "console")
    found = access.credential(anna)
    assert (found.hash, found.set_by, found.set_at) == ("second", "anna", desk.now)
    assert access.credential(number(desk.store, "bob")) is None
    assert told(desk.store) == [
        ("password.set", "root", "command", "anna"), ("password.set", "anna", "console", "anna"),
    ]  # fmt: skip


def test_what_proves_a_password_is_in_no_text_that_people_read(desk: Desk, access: Any) -> None:
    come_in(desk.store)
    found = (access.credential(number(desk.store, "anna")), access.session("a" * 64), arrival(1))
    assert [each for each in found if "proof" in repr(each) or "csrf" in repr(each)] == []


def test_a_new_password_ends_all_sessions_of_the_account_but_one(desk: Desk, access: Any) -> None:
    anna = number(desk.store, "anna")
    for key in ("a", "b", "c"):
        come_in(desk.store, key=key * 64)
    come_in(desk.store, "bob", "d" * 64)
    assert access.put_credential(anna, "new", "anna", keep="b" * 64) == 2
    assert [each.ref for each in access.sessions(anna)] == [f"s-{'b' * 12}"]
    assert access.put_credential(anna, "newer", "root") == 1
    assert access.session("d" * 64) is not None, "somebody else's"


def test_whose_session_ended_meanwhile_sets_no_password(desk: Desk, access: Any) -> None:
    anna = number(desk.store, "anna")
    come_in(desk.store, key="a" * 64)
    come_in(desk.store, "bob", "d" * 64)
    for gone in ("b" * 64, "d" * 64):
        assert access.put_credential(anna, "thief", "anna", keep=gone) is None
    assert access.credential(anna).hash == "proof" and len(access.sessions(anna)) == 1


def test_a_password_is_taken_away_once_and_ends_all_sessions(desk: Desk, access: Any) -> None:
    anna = number(desk.store, "anna")
    come_in(desk.store)
    assert access.remove_credential(anna, "root") is True
    assert access.remove_credential(anna, "root") is False
    assert (access.credential(anna), access.sessions(anna)) == (None, [])
    assert [name for name, *_ in told(desk.store)] == ["password.set", "password.removed"]


def test_a_proof_is_replaced_only_where_it_is_still_the_one(desk: Desk, access: Any) -> None:
    anna = number(desk.store, "anna")
    access.put_credential(anna, "old", "root")
    assert access.prove_anew(anna, "old", "better") is True
    assert access.prove_anew(anna, "old", "another") is False
    assert (access.credential(anna).hash, access.credential(anna).set_by) == ("better", "root")
    assert len(told(desk.store)) == 1, "the password is the same"


# ── tries ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_account_waits_longer_after_each_failure_and_a_wait_counts_for_nothing(desk: Desk, access: Any) -> None:
    fail(desk.store, FREE)
    waits = []
    for _ in range(11):
        waits.append(access.count_try("typed", 0, THERE).wait_s)
        assert access.count_try("typed", 0, THERE).wait_s == waits[-1], "asking does not make it longer"
        desk.later(seconds=waits[-1])
        fail(desk.store, 1, network=THERE)
    assert waits == [2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900]
    assert access.count_try("another", 0, "192.0.2.8").wait_s == 0


def test_failures_of_an_account_are_forgotten_after_a_day(desk: Desk, access: Any) -> None:
    fail(desk.store, FREE)
    assert access.count_try("typed", 0, THERE).wait_s == 2
    desk.now += REMEMBERED
    fail(desk.store, FREE)
    assert desk.count("login_failure") == FREE, "the old ones are gone"


def test_an_address_waits_after_many_failures_whoever_they_are_of(desk: Desk, access: Any) -> None:
    for each in range(MANY):
        fail(desk.store, 1, f"name {each}")
        desk.later(seconds=10)
    wait = access.count_try("somebody", 0, HERE).wait_s
    assert wait == SPAN.total_seconds() - MANY * 10
    assert access.count_try("somebody", 0, THERE).wait_s == 0
    desk.later(seconds=wait)
    fail(desk.store, 1, "somebody")


def test_where_an_account_is_known_it_does_not_wait_for_failures_of_others(desk: Desk, access: Any) -> None:
    anna = number(desk.store, "anna")
    come_in(desk.store, who="anna's")
    fail(desk.store, FREE, "anna's", anna, THERE)
    for each in range(MANY):
        fail(desk.store, 1, f"name {each}")
    assert access.count_try("anna's", anna, THERE).wait_s == 2
    fail(desk.store, FREE, "anna's", anna)
    assert access.count_try("anna's", anna, HERE).wait_s == 2, "her own count"
    desk.now += KNOWN
    for each in range(MANY):
        fail(desk.store, 1, f"name {each}")
    assert access.count_try("anna's", anna, HERE).wait_s > 0, "too long ago"


def test_people_have_us_log_in_somewhere_so_often_in_an_hour_all_of_them_together(desk: Desk, access: Any) -> None:
    for _ in range(LOG_INS):
        assert access.count_log_in("mailbox support").wait_s == 0
        desk.later(minutes=1)
    wait = access.count_log_in("mailbox support").wait_s
    assert wait == AN_HOUR.total_seconds() - LOG_INS * 60
    assert access.count_log_in("mailbox support").wait_s == wait, "asking does not make it longer"
    assert access.count_log_in("mailbox other").wait_s == 0
    assert access.count_try("typed", 0, "").wait_s == 0, "it is no wrong password of anybody"
    desk.later(seconds=wait)
    again = access.count_log_in("mailbox support")
    assert again.wait_s == 0 and access.count_log_in("mailbox support").wait_s == 60
    access.take_back(again.number)
    assert access.count_log_in("mailbox support").wait_s == 0


def test_a_try_that_was_none_counts_no_more(desk: Desk, access: Any) -> None:
    tries = [access.count_try("typed", 0, HERE) for _ in range(FREE)]
    access.take_back(tries[2].number)
    assert access.count_try("typed", 0, HERE).wait_s == 0


def test_who_comes_in_is_forgiven_what_they_mistyped_there_and_nothing_else(desk: Desk, access: Any) -> None:
    fail(desk.store, 2, "anna's")
    fail(desk.store, 3, "anna's", network=THERE)
    fail(desk.store, 1, "bob's")
    come_in(desk.store, who="anna's")
    left = desk.store.database.rows("SELECT who, network FROM login_failure ORDER BY id")
    assert left == [("anna's", THERE)] * 3 + [("bob's", HERE)]


def test_there_is_a_limit_to_failures_however_many_addresses_they_come_from(
    desk: Desk, access: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.store.access.MOST_FAILURES", 10)
    for each in range(25):
        fail(desk.store, 1, f"name {each}", network=f"192.0.2.{each}")
    assert desk.count("login_failure") == 10


def test_a_clock_that_ran_ahead_keeps_nobody_out(desk: Desk, access: Any) -> None:
    desk.now += timedelta(days=400)
    fail(desk.store, FREE)
    desk.now -= timedelta(days=400)
    assert access.count_try("typed", 0, HERE).wait_s == 0


def test_another_process_counts_the_same_tries(shared: tuple[Desk, ports.Store]) -> None:
    desk, other = shared
    fail(desk.store, FREE)
    assert other.access.count_try("typed", 0, THERE).wait_s == 2


# ── sessions ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_who_comes_in_has_a_session_of_that_moment(desk: Desk, access: Any) -> None:
    assert come_in(desk.store)
    found = access.session("a" * 64)
    assert (found.account, found.csrf, found.ip, found.agent) == (number(desk.store, "anna"), "csrf", HERE, "a browser")
    assert found.made_at == found.seen_at == found.sudo_at == desk.now
    assert access.session("b" * 64) is None


def test_nobody_comes_in_whose_password_was_changed_or_account_locked_meanwhile(desk: Desk, access: Any) -> None:
    anna = number(desk.store, "anna")
    access.put_credential(anna, "another", "root")
    assert access.begin_session("a" * 64, arrival(anna), MOST_S) is False
    access.put_credential(anna, "proof", "root")
    desk.store.directory.put_account("anna", status="locked")
    assert access.begin_session("a" * 64, arrival(anna), MOST_S) is False
    access.remove_credential(anna, "root")
    desk.store.directory.put_account("anna", status="active")
    assert access.begin_session("a" * 64, arrival(anna), MOST_S) is False
    assert desk.count("session") == desk.count("known_network") == 0


def test_sessions_are_listed_by_when_somebody_was_seen_and_only_those_of_the_account(desk: Desk, access: Any) -> None:
    for key in ("a", "b"):
        come_in(desk.store, key=key * 64)
        desk.later(minutes=1)
    come_in(desk.store, "bob", "c" * 64)
    assert [each.ref[2] for each in access.sessions(number(desk.store, "anna"))] == ["b", "a"]
    access.seen("a" * 64)
    assert [each.ref[2] for each in access.sessions(number(desk.store, "anna"))] == ["a", "b"]
    assert access.session("a" * 64).seen_at == desk.now


def test_that_it_is_them_is_noted_with_the_time_and_the_try_is_over(desk: Desk, access: Any) -> None:
    come_in(desk.store)
    desk.later(hours=1)
    tried = access.count_try("anna's", 0, HERE)
    assert access.confirmed("a" * 64, tried.number) is True
    assert (access.session("a" * 64).sudo_at, desk.count("login_failure")) == (desk.now, 0)
    assert access.confirmed("b" * 64, 0) is False


def test_a_session_is_ended_by_its_name_if_it_is_of_that_account(desk: Desk, access: Any) -> None:
    anna, bob = number(desk.store, "anna"), number(desk.store, "bob")
    come_in(desk.store)
    ref = access.session("a" * 64).ref
    assert access.end_session(bob, ref, "bob") is False
    assert access.end_session(anna, "", "anna") is False
    assert access.end_session(anna, ref, "anna") is True
    assert access.end_session(anna, ref, "anna") is False
    assert told(desk.store)[1:] == [("session.ended", "anna", "console", f"anna: {ref}")]


def test_old_sessions_go_when_somebody_comes_in_and_of_many_the_one_seen_longest_ago(
    desk: Desk, access: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.store.access.MOST_SESSIONS", 2)
    come_in(desk.store, "bob", "b" * 64)
    desk.later(seconds=MOST_S + 1)
    for key in ("1", "2", "3"):
        come_in(desk.store, key=key * 64)
        desk.later(minutes=1)
    assert access.session("b" * 64) is None
    assert [each.ref[2] for each in access.sessions(number(desk.store, "anna"))] == ["3", "2"]


# ── tokens ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_token_is_found_listed_used_and_ended_by_its_account_alone(desk: Desk, access: Any) -> None:
    anna, bob, later = number(desk.store, "anna"), number(desk.store, "bob"), desk.now + timedelta(days=30)
    ref = access.put_token("a" * 64, anna, "backup", later, "anna")
    access.put_token("b" * 64, bob, "backup", later, "bob")
    found = access.token("a" * 64)
    assert (found.ref, found.account, found.name, found.expires_at, found.used_at) == (ref, anna, "backup", later, None)
    access.used("a" * 64)
    assert access.token("a" * 64).used_at == desk.now
    assert [each.ref for each in access.tokens(anna)] == [ref]
    assert (access.end_token(bob, ref, "bob"), access.end_token(anna, ref, "anna")) == (False, True)
    assert (access.token("a" * 64), len(access.tokens(bob))) == (None, 1)
    assert told(desk.store) == [
        ("token.made", "anna", "console", f"anna: backup, {ref}"),
        ("token.made", "bob", "console", f"bob: backup, t-{'b' * 12}"),
        ("token.ended", "anna", "console", f"anna: {ref}"),
    ]  # fmt: skip


def test_tokens_that_are_over_go_with_the_next_one(desk: Desk, access: Any) -> None:
    anna = number(desk.store, "anna")
    access.put_token("a" * 64, anna, "old", desk.now + timedelta(days=1), "anna")
    desk.later(days=1)
    access.put_token("b" * 64, anna, "new", desk.now + timedelta(days=1), "anna")
    assert [each.name for each in access.tokens(anna)] == ["new"]


# ── with the account ──────────────────────────────────────────────────────────────────────────────────────────────


def furnished(store: Any, login: str) -> None:
    """An account with a row of everything."""
    come_in(store, login, login[0] * 64)
    store.access.put_token(login[0].upper() * 64, number(store, login), "backup", store.database.clock(), login)
    fail(store, 1, f"{login}'s", number(store, login))


ROWS = ("credential", "session", "known_network", "login_failure", "token")


@pytest.mark.parametrize("status", ["locked", "registered", "guest"])
def test_sessions_and_tokens_end_when_an_account_is_active_no_more(desk: Desk, access: Any, status: str) -> None:
    furnished(desk.store, "jane"), furnished(desk.store, "bob")
    desk.store.directory.put_account("jane", name="Jane D.")
    assert len(access.sessions(number(desk.store, "jane"))) == 1
    desk.store.directory.put_account("jane", status=status)
    desk.store.directory.put_account("jane", status="active")
    jane, bob = number(desk.store, "jane"), number(desk.store, "bob")
    assert (access.sessions(jane), access.tokens(jane)) == ([], [])
    assert access.credential(jane) is not None, "the password is the same when they are let in again"
    assert (len(access.sessions(bob)), len(access.tokens(bob))) == (1, 1)


def test_all_of_it_goes_with_an_account_that_is_removed(desk: Desk) -> None:
    furnished(desk.store, "jane"), furnished(desk.store, "bob")
    desk.store.directory.remove_account("jane")
    assert [desk.count(table) for table in ROWS] == [1] * len(ROWS)


def test_all_of_it_goes_with_an_account_that_is_forgotten(desk: Desk) -> None:
    furnished(desk.store, "jane"), furnished(desk.store, "bob")
    desk.store.access.put_credential(number(desk.store, "bob"), "proof", "jane")
    desk.store.access.put_credential(number(desk.store, "jane"), "proof", "root")
    desk.store.archive.forget("jane@example.com", "anna")
    assert [desk.count(table) for table in ROWS] == [1, 0, 1, 1, 1]
    assert desk.store.access.credential(number(desk.store, "bob")).set_by == "", "who set it is forgotten, too"
    rows, _ = desk.store.history.events("")
    naming = [row for row in rows if "jane" in f"{row.actor} {row.detail}"]
    assert (naming, {row.name for row in rows}) == ([], {"password.set", "token.made", "person.forgotten"})


def test_what_others_remember_of_people_and_items_they_need_not_forget(shared: tuple[Desk, ports.Store]) -> None:
    desk, other = shared
    before = other.versions()
    come_in(desk.store)
    desk.store.access.seen("a" * 64)
    fail(desk.store, 1)
    changed = other.changed_since(before)
    assert (changed.whole, changed.partly) == (frozenset(), frozenset())
