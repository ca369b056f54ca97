"""Counting what a condition finds, and reading how far back to look."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from builders import config
from deciding import NOW

from engine.rulebook.book import load_rules
from engine.workbench.rule_usage import Match, Tally, condition_file, on_files, since


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


def test_a_condition_is_asked_about_mails_in_files_each_part_of_it(tmp_path: Path) -> None:
    vocabulary = load_rules(config()).vocabulary
    file = condition_file('subject contains "printer" and size > 0', None, vocabulary.schema)
    for name, subject in (("a.eml", "The printer"), ("b.eml", "Lunch")):
        (tmp_path / name).write_bytes(f"From: ann@example.com\nSubject: {subject}\n\nbody\n".encode())
    one, other = on_files(config(), vocabulary, file, [tmp_path / "a.eml", tmp_path / "b.eml"])
    assert [bool(each.trace.hits) for each in (one, other)] == [True, False]
    assert [[held for held, _ in each.leaves[1]] for each in (one, other)] == [[True, True], [False, True]]
    assert [hit.effects for hit in one.trace.hits] == [()]
    assert other.mail.subject == "Lunch"
