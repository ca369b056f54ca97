"""Signed tokens: nobody finds an item that was not given one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.decision import tokens
from engine.decision.tokens import Token

SECRET = b"k" * 32
NUMBERS = st.integers(0, 10**12)


@given(NUMBERS, st.sampled_from("itn"), st.integers(0, 10**12))
def test_a_token_is_read_back_from_a_tag_an_address_and_capitals(number: int, kind: str, account: int) -> None:
    account = account or int(kind == "n")  # there is no note without somebody who writes it
    token = tokens.sign(number, SECRET, kind, account)
    wanted = Token(number, topic=kind == "t", account=account, private=kind == "n")
    for text in (token, f"help+{token}", f"help+{token}@example.com", f"HELP+{token.upper()}@EXAMPLE.COM"):
        assert tokens.read(text, SECRET) == wanted


def test_a_token_looks_as_it_is_documented() -> None:
    token = tokens.sign(4711, SECRET)
    assert token.startswith("i4711.") and token == token.lower() and len(token) <= 25
    assert tokens.sign(4711, SECRET, account=7).startswith("i4711-7.")
    assert tokens.sign(4711, SECRET, "n", 7).startswith("n4711-7.")


NAMES = st.tuples(st.sampled_from("itn"), st.integers(1, 10**6), st.integers(0, 10**6))


@given(NAMES, NAMES)
def test_G24_a_token_opens_nothing_but_what_it_was_signed_for(
    mine: tuple[str, int, int], other: tuple[str, int, int]
) -> None:
    """Not another item, not the same as somebody else or as everybody, not as a note, not a topic of that number."""
    kind, number, account = mine
    mac = tokens.sign(number, SECRET, kind, account).rpartition(".")[2]
    letter, another, person = other
    forged = f"{letter}{another}-{person}.{mac}" if person else f"{letter}{another}.{mac}"
    if mine != other:
        assert tokens.read(forged, SECRET) is None


@pytest.mark.parametrize(
    "forged",
    ["i7.{}", "i7-4.{}", "i8-3.{}", "n7-3.{}", "t7-3.{}", "i7-03.{}x", "i73.{}", "i7-.{}", "i7--3.{}", "-3.{}"],
)
def test_G24_a_personal_token_cannot_be_made_into_another(forged: str) -> None:
    mac = tokens.sign(7, SECRET, account=3).rpartition(".")[2]
    assert tokens.read(forged.format(mac), SECRET) is None
    assert tokens.read(f"i7-3.{mac}", SECRET) == Token(7, account=3)


def test_a_token_that_anybody_has_makes_no_note() -> None:
    mac = tokens.sign(7, SECRET, "n").rpartition(".")[2]
    assert tokens.read(f"n7.{mac}", SECRET) is None


def test_a_token_of_an_item_is_none_of_a_topic() -> None:
    token = tokens.sign(7, SECRET)
    assert tokens.read("t" + token[1:], SECRET) is None
    assert tokens.read(tokens.sign(7, SECRET, "t"), SECRET) == Token(7, topic=True)


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


def test_all_mail_about_one_item_refers_to_one_root_that_is_ours() -> None:
    root = tokens.root_id(7, SECRET, "example.com")
    assert root == tokens.root_id(7, SECRET, "example.com") != tokens.root_id(8, SECRET, "example.com")
    assert tokens.read_message_id(root, SECRET) == 7
    topic = tokens.root_id(7, SECRET, "example.com", "t")
    assert (tokens.read_message_id(topic, SECRET), tokens.read_message_id(topic, SECRET, "t")) == (None, 7)


def test_a_forged_message_id_is_not_ours() -> None:
    made = tokens.message_id("a", 7, SECRET, "example.com")
    assert not tokens.ours(made.replace(".i7.", ".i8."), SECRET)
    assert not tokens.ours("<m1@bigcorp.example>", SECRET)


def test_a_reply_token_and_a_message_id_are_not_exchangeable() -> None:
    made = tokens.message_id("a", 7, SECRET, "example.com")
    mac = made.rpartition(".")[0].rpartition("@")[0].rpartition(".")[2]
    assert tokens.read(f"i7.{mac}", SECRET) is None
