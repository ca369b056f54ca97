"""From subject to title."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as some

from engine.item.title import LONGEST, title, topic_title


@pytest.mark.parametrize(
    ("subject", "expected"),
    [
        ("Re: Printer", "Re: Printer"),
        ("RE: re: Re[3]: AW: SV: RIF: Antwort: Ответ: Printer", "Re: Printer"),
        ("Re (2) : Printer", "Re: Printer"),
        ("回复：打印机", "Re: 打印机"),
        ("Fwd: Printer", "Fwd: Printer"),
        ("Reply: Printer", "Reply: Printer"),
        ("Regarding: the printer", "Regarding: the printer"),
    ],
)
def test_F105_leading_replies_become_one(subject: str, expected: str) -> None:
    assert title(subject) == expected


def test_F092_the_marker_of_a_topic_goes() -> None:
    assert topic_title("Re: [support - Printers - msg42] Which one?") == "Re: Which one?"


def test_F092_what_cannot_be_printed_goes() -> None:
    assert title("Prin\x07ter\r\n on \u202efire") == "Printer on fire"


def test_a_long_row_of_replies_is_read_in_linear_time() -> None:
    started = time.process_time()
    title("re:" * 10_000 + "x" * 10_000)
    title("re " * 10_000)
    title("[" * 30_000)
    topic_title("[" * 30_000)
    assert time.process_time() - started < 1


@given(some.text(max_size=400), some.text(max_size=20))
def test_a_title_is_one_printable_line_of_bounded_length(subject: str, prefix: str) -> None:
    made = title(subject, " ".join(prefix.split()).strip())
    assert made
    assert len(made) <= LONGEST
    assert "\n" not in made
