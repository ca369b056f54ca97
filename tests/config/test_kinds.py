"""Durations, sizes and the other kinds of values."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.config import kinds
from engine.config.content import Attachments, Body, Threading
from engine.config.gates import Cc, Gates
from engine.config.section import Section, Wrong
from rules.pattern import Pattern, compile_pattern


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("60 s", 60), ("1 hour", 3600), ("90 days", 7_776_000), ("5 years", 157_680_000), ("30 min", 1800), ("1.5h", 5400),
     ("250 ms", 0.25), (90, 90), (0, 0), ("2 weeks", 1_209_600)],
)  # fmt: skip
def test_durations_are_read_as_seconds(text: object, seconds: float) -> None:
    assert kinds.read_duration(text) == seconds


@pytest.mark.parametrize("text", ["", "fast", "5", "-1 s", True, None, "1 parsec", "1 s 2 s", "9" * 40 + " s", -1])
def test_what_is_no_duration_is_refused(text: object) -> None:
    with pytest.raises(Wrong):
        kinds.read_duration(text)


@given(st.integers(0, 10**9))
def test_a_duration_that_is_shown_is_read_back(seconds: int) -> None:
    assert kinds.read_duration(kinds.show_duration(float(seconds))) == seconds


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("10 MB", 10 << 20),
        ("100K", 100 << 10),
        ("3M", 3 << 20),
        ("2G", 2 << 30),
        ("256 kB", 256 << 10),
        (0, 0),
        ("7", 7),
    ],
)
def test_F044_sizes_are_read_in_long_and_short_notation(text: object, size: int) -> None:
    assert kinds.read_size(text) == size


def test_a_text_of_several_lines_has_line_ends_and_no_other_control_character() -> None:
    assert kinds.read_lines("Kind regards\r\n\tAnna") == "Kind regards\n\tAnna"
    for text in ("a\0b", "a\rb", "a\x1bb", "a\u2028b", 7):
        with pytest.raises(Wrong):
            kinds.read_lines(text)


@given(st.integers(0, 1 << 40))
def test_a_size_that_is_shown_is_read_back(size: int) -> None:
    assert kinds.read_size(kinds.show_size(size)) == size


@pytest.mark.parametrize("text", ["a\nb", "a\rb", "a\0b", "a\u2028b", "\x7f", "a\x85b"])
def test_no_text_of_a_setting_can_hold_a_line_end_or_nul(text: str) -> None:
    for read in (kinds.read_text, kinds.read_address, kinds.read_mailbox):
        with pytest.raises(Wrong):
            read(text)


@pytest.mark.parametrize("text", ["help", "a@b@c.example", "a b@example.com", "<a@example.com>", "@example.com", "a@"])
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(Wrong):
        kinds.read_address(text)


@pytest.mark.parametrize("text", ["help@example.com", "Help desk <help@example.com>", ""])
def test_a_mailbox_may_have_a_name(text: str) -> None:
    assert kinds.read_mailbox(text) == text


def test_every_default_pattern_compiles() -> None:
    """Defaults are made without being compiled: what is wrong with one would be found in the middle of a mail."""
    found = [value for section in (Threading(), Body(), Attachments(), Gates(), Cc()) for value in _patterns(section)]
    assert len(found) > 20
    for pattern in found:
        assert compile_pattern(pattern.source).source == pattern.source


def _patterns(section: Section) -> Iterator[Pattern]:
    for name in section.__struct_fields__:
        value = getattr(section, name)
        yield from (each for each in (value if isinstance(value, tuple) else (value,)) if isinstance(each, Pattern))


@pytest.mark.parametrize(
    ("text", "read"), [("07:00", "07:00"), ("7:30", "07:30"), (" 23:59 ", "23:59"), (time(6, 5), "06:05")]
)
def test_a_time_of_the_day_is_read(text: object, read: str) -> None:
    assert kinds.read_time_of_day(text) == read


@pytest.mark.parametrize("text", ["7", "24:00", "07:60", "7 am", "", 7, None])
def test_what_is_no_time_of_the_day_is_refused(text: object) -> None:
    with pytest.raises(Wrong, match="no time of the day"):
        kinds.read_time_of_day(text)
