"""What a password must be, and how one is proved."""

from __future__ import annotations

import threading
from typing import Any

import argon2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.desk import passwords
from engine.store.errors import Busy, Refused, StoreError

GOOD = "correct horse battery"
OWN = (("anna.berg", "the login"), ("Test desk", "the name of this installation"), ("", "nothing"))


def refused(password: str) -> str:
    with pytest.raises(Refused) as said:
        passwords.judge(password, OWN)
    return str(said.value)


# ── a new one ─────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "password",
    [GOOD, "8392-0174-8263", "839201748263", "tr0ub4dor&3xx", "ich gehe heim", "пароль для бота", "🐎🔋" * 6,
     "Schrödingers Katze", "x7" * 500],
)  # fmt: skip
def test_a_password_of_twelve_characters_and_more_is_taken(password: str) -> None:
    passwords.judge(password, OWN)


@pytest.mark.parametrize(
    ("password", "said"),
    [
        ("", "0 characters: at least 12"), ("short", "5 characters: at least 12"), ("elevenelev1", "11 characters"),
        ("x7" * 501, "more than 1,000 characters"), ("ﷺ" * 999, "more than 1,000 characters"),
        ("anna.berganna.berg", "the login, or little more"), ("Anna.Berg1999", "the login"),
        ("  anna.berg   ", "the login"), ("TestDesk2026", "the name of this installation"),
        ("passwordpassword", "many people choose"), ("Password 2026", "many people choose"),
        ("123456789012", "many people choose"), ("qwertzuiop12", "many people choose"),
        (" " * 12, "many people choose"), ("aaaaaaaaaaaa", "many people choose"),
        ("administrator", "many people choose"),
        ("iloveyou19991231", "many people choose"), ("ＰＡＳＳＷＯＲＤpassword", "many people choose"),
    ],
)  # fmt: skip
def test_one_that_is_easily_thought_of_is_refused_in_a_sentence_without_it(password: str, said: str) -> None:
    told = refused(password)
    assert said in told
    assert len(password.strip()) < 6 or password not in told


@given(st.sampled_from(sorted(passwords.common())), st.integers(1, 6), st.text("0123456789", max_size=8))
def test_a_common_one_is_refused_however_often_it_is_said_and_whatever_digits_follow(
    word: str, times: int, digits: str
) -> None:
    password = word * times + digits
    if len(password) >= passwords.SHORTEST:
        assert "many people choose" in refused(password.title())


def test_the_list_is_one_of_small_letters_each_word_once() -> None:
    lines = [line for line in passwords.COMMON.read_text("utf-8").splitlines() if not line.startswith("#")]
    assert lines == [line.casefold() for line in lines] and len(lines) == len({*lines}) == len(passwords.common())


# ── proving ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_what_is_kept_is_argon2id_at_the_cost_that_is_said() -> None:
    proof = passwords.proof_of(GOOD)
    assert proof.startswith("$argon2id$v=19$m=19456,t=2,p=1$") and GOOD not in proof
    assert passwords.is_right(GOOD, proof) and not passwords.is_right(f"{GOOD} ", proof)
    assert passwords.proof_of(GOOD) != proof, "each with a salt of its own"


def test_nobodys_proof_costs_what_a_real_one_costs() -> None:
    made, none = (
        argon2.extract_parameters(each) for each in (passwords.proof_of(GOOD), passwords.nobody(passwords.COST))
    )
    assert made == none


@given(st.text(max_size=40))
def test_no_password_fits_where_there_is_none(password: str) -> None:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(passwords, "COST", passwords.Cost(8, 1, 1))
        assert passwords.is_right(password, "") is False
        assert passwords.is_right(password, passwords.nobody(passwords.COST)) is False


@given(st.text(min_size=1, max_size=60))
def test_a_password_is_right_however_a_keyboard_writes_it(password: str) -> None:
    import unicodedata

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(passwords, "COST", passwords.Cost(8, 1, 1))
        proof = passwords.proof_of(password)
        for form in ("NFC", "NFD"):
            assert passwords.is_right(unicodedata.normalize(form, password), proof)
        assert not passwords.is_right(password + "x", proof)


@pytest.mark.usefixtures("cheap")
def test_what_is_far_too_long_is_wrong_and_costs_one_computation(monkeypatch: pytest.MonkeyPatch) -> None:
    proof, seen = passwords.proof_of(""), list[bytes]()
    verify = argon2.PasswordHasher.verify
    monkeypatch.setattr(
        argon2.PasswordHasher, "verify", lambda self, made, given: seen.append(given) or verify(self, made, given)
    )  # fmt: skip
    assert passwords.is_right("x" * 5_000_000, proof) is False
    assert seen == [b""]


@pytest.mark.usefixtures("cheap")
@pytest.mark.parametrize("proof", ["x", "$argon2id$", "$argon2id$v=19$m=8,t=1,p=1$AAAA$", "$2b$12$abcdefghijkl", "é"])
def test_a_proof_that_is_damaged_proves_nothing(proof: str) -> None:
    assert passwords.is_right(GOOD, proof) is False


@pytest.mark.parametrize(
    ("made", "less"),
    [((8, 1, 1), True), ((19 * 1024, 1, 1), True), ((19 * 1024, 2, 1), False), ((32 * 1024, 3, 1), False)],
)
def test_a_proof_costs_less_where_any_part_of_the_cost_grew(made: tuple[int, int, int], less: bool) -> None:
    assert passwords.costs_less(passwords.nobody(passwords.Cost(*made))) is less


def test_no_more_than_two_proofs_are_computed_at_a_time(cheap: None, monkeypatch: pytest.MonkeyPatch) -> None:
    at_it, most, lock, gone = 0, 0, threading.Lock(), threading.Event()
    hash_ = argon2.PasswordHasher.hash

    def slowly(self: Any, password: bytes) -> str:
        nonlocal at_it, most
        with lock:
            at_it += 1
            most = max(most, at_it)
        gone.wait(0.02)
        try:
            return hash_(self, password)
        finally:
            with lock:
                at_it -= 1

    monkeypatch.setattr(argon2.PasswordHasher, "hash", slowly)
    threads = [threading.Thread(target=passwords.proof_of, args=(GOOD,)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == passwords.AT_ONCE


def test_whoever_gets_no_turn_is_sent_away(cheap: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passwords, "PATIENCE_S", 0.01)
    with passwords._turn(), passwords._turn(), pytest.raises(Busy, match="try again in a moment"):
        passwords.proof_of(GOOD)
    assert passwords.proof_of(GOOD), "the turns were given back"


def test_without_the_library_it_is_said_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    passwords._hasher.cache_clear()
    monkeypatch.setitem(__import__("sys").modules, "argon2", None)
    with pytest.raises(StoreError, match=r"pip install 'allegra-mail\[console\]'"):
        passwords.proof_of(GOOD)
    monkeypatch.undo()
    passwords._hasher.cache_clear()
