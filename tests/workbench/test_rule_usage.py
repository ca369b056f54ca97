"""Counting what a condition finds, and reading how far back to look."""

from __future__ import annotations

from datetime import timedelta

import pytest
from deciding import NOW

from engine.workbench.rule_usage import Match, Tally, since


def test_matches_are_counted_by_week_the_oldest_first() -> None:
    tally = Tally()
    for days, matched in ((0, True), (6, True), (7, False), (15, True)):
        tally.count(Match("m", NOW - timedelta(days=days), "a@b", "s"), matched, NOW)
    assert (tally.mails, tally.matches, tally.by_week) == (4, 3, [1, 0, 2])
    assert Tally().by_week == [0]


@pytest.mark.parametrize(("last", "hours"), [("12h", 12), ("30d", 720), ("8 w", 1344), ("6m", 4380), ("1y", 8766)])
def test_a_time_is_so_long_ago(last: str, hours: int) -> None:
    assert NOW - since(last, NOW) == timedelta(hours=hours)


@pytest.mark.parametrize("last", ["", "d", "1", "1.5d", "-1d", "1 day", "999999d"])
def test_what_is_no_time_says_what_would_be(last: str) -> None:
    with pytest.raises(ValueError, match="write 12h, 30d"):
        since(last, NOW)


def test_a_time_before_all_mail_is_only_long_ago() -> None:
    assert since("99999y", NOW).year > 1900
