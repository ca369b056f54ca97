"""Strangers' text on a terminal."""

from __future__ import annotations

from engine import plain_text


def test_a_line_of_strangers_keeps_its_blanks_but_no_control_characters() -> None:
    assert plain_text.safe_line("  a\x1b[31m\tb\u202e") == "  a·[31m\tb·"
