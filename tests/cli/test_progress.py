"""The line that says how far a pass has come."""

from __future__ import annotations

import io
from collections.abc import Iterator
from itertools import count

import pytest

from engine.cli.progress import CLEAR, Drawn, Progress, Work
from engine.run.passing import MailboxReport


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def drawn(stream: io.StringIO, step_s: float) -> str:
    ticks: Iterator[float] = (number * step_s for number in count())
    progress = Progress(stream, lambda: next(ticks))
    report = MailboxReport("system", "imap.example.com")
    progress.mailbox_started(report, 4)
    progress.mails_done(report, [None, None])  # type: ignore[list-item]
    progress.mailbox_done(report)
    return stream.getvalue()


def test_a_long_pass_draws_a_line_and_takes_it_away() -> None:
    told = drawn(Terminal(), 3.0)
    assert "system     ██████████░░░░░░░░░░ 2/4" in told
    assert told.endswith(CLEAR)


def test_a_short_pass_draws_nothing() -> None:
    assert drawn(Terminal(), 0.1) == ""


def test_nothing_is_drawn_where_nobody_looks() -> None:
    assert drawn(io.StringIO(), 3.0) == ""


def test_mailboxes_of_two_processes_are_one_line() -> None:
    stream = Terminal()
    ticks: Iterator[float] = (number * 3.0 for number in count())
    progress = Progress(stream, lambda: next(ticks))
    one, two = MailboxReport("system", "a.example.com"), MailboxReport("support", "b.example.com")
    progress.mailbox_started(one, 4)
    progress.mailbox_started(two, 6)
    progress.mails_done(two, [None] * 5)  # type: ignore[list-item]
    assert stream.getvalue().endswith("system + support ██████████░░░░░░░░░░ 5/10")
    progress.mailbox_done(one)
    progress.mails_done(two, [None])  # type: ignore[list-item]
    assert stream.getvalue().endswith("support    ████████████████████ 6/6")


def test_work_of_unknown_length_tells_a_number_and_is_gone_when_it_breaks() -> None:
    ticks: Iterator[float] = (number * 3.0 for number in count())
    stream = Terminal()
    with pytest.raises(ZeroDivisionError), Work("letting go", Drawn(stream, lambda: next(ticks))) as told:
        told(100, 0)
        told(2, 4)
        raise ZeroDivisionError
    assert "letting go 100" in stream.getvalue() and "letting go ██████████░░░░░░░░░░ 2/4" in stream.getvalue()
    assert stream.getvalue().endswith(CLEAR)
