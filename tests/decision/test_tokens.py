"""Signed tokens: nobody finds an item that was not given one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.decision import tokens

SECRET = b"k" * 32
NUMBERS = st.integers(0, 10**12)


@given(NUMBERS, st.sampled_from("it"))
def test_a_token_is_read_back_from_a_tag_an_address_and_capitals(number: int, kind: str) -> None:
    token = tokens.sign(number, SECRET, kind)
    for text in (token, f"help+{token}", f"help+{token}@example.com", f"HELP+{token.upper()}@EXAMPLE.COM"):
        assert tokens.read(text, SECRET, kind) == number


def test_a_token_looks_as_it_is_documented() -> None:
    token = tokens.sign(4711, SECRET)
    assert token.startswith("i4711.") and token == token.lower() and len(token) <= 25


@given(st.integers(1, 10**6), st.integers(1, 10**6))
def test_G24_a_token_of_one_item_opens_no_other(mine: int, other: int) -> None:
    mac = tokens.sign(mine, SECRET).partition(".")[2]
    assert tokens.read(f"i{other}.{mac}", SECRET) == (mine if mine == other else None)


def test_a_token_of_an_item_is_none_of_a_topic() -> None:
    token = tokens.sign(7, SECRET)
    assert tokens.read(token, SECRET, "t") is None
    assert tokens.read("t" + token[1:], SECRET, "t") is None


def test_another_secret_signs_other_tokens() -> None:
    assert tokens.read(tokens.sign(7, SECRET), b"x" * 32) is None


@given(st.text(max_size=300))
def test_no_text_is_a_token_by_chance_or_breaks_the_reader(text: str) -> None:
    assert tokens.read(text, SECRET) is None
    assert tokens.read_message_id(text, SECRET) is None


@pytest.mark.parametrize(
    "text", ["i7.", "i.aaaa", "i7.aaaaaaaaaaaaaaaa", "i٧.aaaaaaaaaaaaaaaa", "xi7.aaaaaaaaaaaaaaaa"]
)
def test_what_only_looks_like_a_token_is_none(text: str) -> None:
    assert tokens.read(text, SECRET) is None


@given(st.text(max_size=40), NUMBERS)
def test_a_message_id_is_stable_and_read_back(key: str, number: int) -> None:
    made = tokens.message_id(key, number, SECRET, "example.com")
    assert made == tokens.message_id(key, number, SECRET, "example.com")
    assert tokens.read_message_id(made, SECRET) == number
    assert tokens.read_message_id(made.strip("<>").upper(), SECRET) == number
    assert tokens.ours(made, SECRET)


def test_two_mails_about_one_item_have_two_message_ids() -> None:
    assert tokens.message_id("a", 7, SECRET, "example.com") != tokens.message_id("b", 7, SECRET, "example.com")


def test_a_forged_message_id_is_not_ours() -> None:
    made = tokens.message_id("a", 7, SECRET, "example.com")
    assert not tokens.ours(made.replace(".i7.", ".i8."), SECRET)
    assert not tokens.ours("<m1@bigcorp.example>", SECRET)


def test_a_reply_token_and_a_message_id_are_not_exchangeable() -> None:
    made = tokens.message_id("a", 7, SECRET, "example.com")
    mac = made.rpartition(".")[0].rpartition("@")[0].rpartition(".")[2]
    assert tokens.read(f"i7.{mac}", SECRET) is None
