"""Strangers' text made fit for a mail."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.outbox.plain import BODY_CHARS, one_line, text

ANY = st.text(st.characters(codec=None))


@pytest.mark.parametrize(
    ("value", "line"),
    [("a\r\nBcc: x", "a Bcc: x"), ("a\u2028b\u2029c", "a b c"), ("\u202eevil\u202c", "evil"), ("a\0\x85b", "a b"),
     ("  a \t b ", "a b"), ("\ud800a", "?a"), ("ä\u2066x\u2069", "ä x"), ("x" * 10_000, "x" * 20)],
)  # fmt: skip
def test_a_line_holds_no_line_end_no_control_character_and_nothing_that_turns_the_direction(
    value: str, line: str
) -> None:
    assert one_line(value, 20) == line


@given(ANY, st.integers(1, 300))
def test_a_line_is_a_line(value: str, limit: int) -> None:
    line = one_line(value, limit)
    assert len(line) <= limit and line.rstrip() == " ".join(line.split())
    assert len(line.splitlines()) <= 1
    line.encode("utf-8")
    assert one_line(line, limit) == line.strip()


@given(ANY)
def test_a_body_has_plain_line_ends_and_keeps_its_words(value: str) -> None:
    body = text(value)
    assert not {*body} & {chr(code) for code in (*range(0x20), *range(0x7F, 0xA0)) if chr(code) not in "\t\n"}
    body.encode("utf-8")
    assert text(body) == body
    kept = [char for char in value if char.isalnum() and char.isascii()]
    assert kept == [char for char in body if char.isalnum() and char.isascii()]


def test_a_body_is_cut_where_it_is_too_long() -> None:
    assert len(text("ä" * 300_000)) == len(text("a" * 300_000)) == BODY_CHARS
    assert text("a\r\nb\rc\x1b[31m\td\x7f") == "a\nb\nc[31m\td"
    assert text("ä\r\nb\rc\x1b[31m\td\x85") == "ä\nb\nc[31m\td"
