"""Literals found in patterns: a filter must never hide a match."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.config.content import Body
from engine.mail.reply import cut
from engine.mail.reply_patterns import needle_of, prepare
from rules.pattern import PatternError, compile_pattern


@pytest.mark.parametrize(
    ("source", "needle"),
    [
        (r"/\RFrom: .+\RSent: .+\R/m", "From: "),
        (r"/\R_+\R/m", "_"),
        (r"/^-{3,} ?Reply above this line/i", "Reply above this line"),
        (r"/a|b/", ""),
        (r"/colou?r/", "colo"),
        (r"/(abc)+def/", "def"),
        (r"/[abc]d{2,3}e/", "e"),
        ("{?|}2", ""),
        (r"/\x41bc/", ""),
        (r"/end\./", "end."),
        ("--Truncate here--", "--Truncate here--"),
    ],
)
def test_the_longest_sure_literal_is_found(source: str, needle: str) -> None:
    assert needle_of(source) == needle


@given(st.text("ab.*+?[]()|^$ {2}x", max_size=12), st.text("ab x", max_size=12))
def test_a_match_always_holds_the_needle(source: str, text: str) -> None:
    try:
        pattern = compile_pattern(source)
    except PatternError:
        return
    if pattern.search(text) is not None:
        assert needle_of(source) in text


def test_a_section_is_prepared_once() -> None:
    body = Body()
    assert prepare(body) is prepare(body)


def test_a_line_of_ours_that_is_quoted_above_an_answer_cuts_no_answer():
    text = "On Fri, Nov 20, 2026 at 10:31 AM Anna wrote:\n> --- Reply above this line ---\n> Which one?\n\nThe second."
    assert cut(text, Body()).new == "The second."
    assert cut(f"The second.\n\n{text}", Body()).new == "The second."
