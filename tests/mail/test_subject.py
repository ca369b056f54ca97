"""Subjects of one conversation: what is the same, and what shows that a reply is about something else."""

from __future__ import annotations

import time

import pytest

from engine.mail.subject import bare, changed


@pytest.mark.parametrize(
    ("subject", "title"),
    [
        ("Re: Lift", "Lift"),
        ("AW: RE: [#7] Lift", "Lift"),
        ("[EXT] Re: [Example #7] lift", "Lift"),
        ("Fwd: Lift", "[Support] Lift"),
        ("Re: Lift", "Help desk: Lift"),
        ("Re[2]: Lift", "Lift"),
        ("Re: " + "word " * 60, ("word " * 60)[:254] + "…"),
        ("", "Lift"),
        ("Re:", "Lift"),
        ("回复： 电梯", "电梯"),
    ],
)
def test_same_words_are_no_change_whatever_stands_around_them(subject: str, title: str) -> None:
    assert changed(subject, title) == ""


@pytest.mark.parametrize("subject", ["New chairs for B12", "Re: New chairs for B12", "Lift and chairs", "Uplift"])
def test_other_words_are_told_as_they_were_written(subject: str) -> None:
    assert changed(subject, "Lift") == subject
    assert changed(subject, "Lift", subject) == ""


def test_subject_of_any_length_is_read_in_linear_time() -> None:
    started = time.process_time()
    bare("[" * 30_000 + "re:" * 30_000 + "re (" * 30_000)
    assert time.process_time() - started < 1
