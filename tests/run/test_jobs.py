"""Whose turn it is: what a pass does itself, what it leaves to helpers, and when it calls for one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from deciding import CONFIG

from engine.config import load
from engine.run.crew import MUCH, Crew
from engine.run.jobs import News, Orders, Told
from engine.run.report import Listener, MailboxReport
from engine.stop import Stop

NOWHERE = Orders(b"nowhere.toml", "", 0, 0.0, True)


@pytest.fixture
def crew(tmp_path: Path) -> Callable[..., Crew]:
    """A function that makes the crew of a pass over as many mailboxes of one kind."""
    (tmp_path / "allegra.toml").write_text(CONFIG)
    (box,) = load(tmp_path / "allegra.toml").mailboxes

    def made(mailboxes: int, **options: Any) -> Crew:
        return Crew([box] * mailboxes, Stop(), Listener(), lambda: NOWHERE, **options)

    return made


def test_one_process_takes_every_turn_in_its_order(crew: Callable[..., Crew]) -> None:
    with crew(3) as alone:
        taken = [turn for turn in alone if alone.mailbox_started(turn.report, 10 * MUCH) is None]
    assert (taken, alone._helpers) == (alone.turns, [])


@pytest.mark.parametrize(("mails", "left", "called"), [(MUCH - 1, 2, False), (MUCH, 2, True), (9 * MUCH, 1, False)])
def test_help_is_called_where_there_is_much_to_do_and_something_left(
    crew: Callable[..., Crew], mails: int, left: int, called: bool
) -> None:
    with crew(left, jobs=2) as two:
        turns = iter(two)
        two.mailbox_started(next(turns).report, mails)
        assert bool(two._helpers) == called
        rest = list(turns)
    assert len(rest) == left - 1
    told = [note for _, report in two.begun for note in report.notes]
    assert told == [] or told == ["a second process could not help (nowhere.toml does not load any more); "
                                  "the first did it all"]  # fmt: skip


def test_a_pass_that_was_asked_to_stop_begins_nothing_and_calls_nobody(crew: Callable[..., Crew]) -> None:
    with crew(2, jobs=2) as two:
        first = next(iter(two))
        two._stop.set()
        two.mailbox_started(first.report, 10 * MUCH)
        assert (list(two), two._helpers) == ([], [])
    assert len(two.begun) == 1


def test_news_carry_a_report_with_the_lines_that_are_new() -> None:
    report, told = MailboxReport("system", "host"), MailboxReport("system", "host", new=3, notes=["odd"])
    news = msgspec.json.decode(msgspec.json.encode(News("mails", Told.of(told))), type=News)
    assert news.report is not None
    report.take(news.report)
    assert (report.new, report.notes, report.lines) == (3, ["odd"], [])
