"""A month of mail for the demo: spread as mail comes, decided by the engine at the time it came."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from engine.config import load
from engine.desk import demo
from engine.desk.demo_month import DAYS
from engine.store.store import Store

END = datetime(2026, 11, 27, 15, 24, tzinfo=UTC)
"""A Friday."""


@pytest.fixture(scope="module")
def month(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[demo.Played, Store]]:
    folder = tmp_path_factory.mktemp("month") / "demo"
    played = demo.play(folder, month=END)
    with Store.open(load(folder / "allegra.toml").store.where) as store:
        yield played, store


def test_a_month_is_some_hundred_mails_on_each_of_thirty_days(month: tuple[demo.Played, Store]) -> None:
    played, store = month
    rows = store.archive.mails("", 5000)
    assert 600 <= len(rows) <= 1000 and len(rows) == played.before + len(played.lines) + 1, (
        "and a reply of the customer"
    )
    assert all(END - timedelta(days=DAYS, hours=1) < row.received_at <= END + timedelta(minutes=2) for row in rows)
    assert [row.row for row in rows] == [row.row for row in sorted(rows, key=lambda row: (row.received_at, row.row))][
        ::-1
    ]
    days = Counter(row.received_at.date() for row in rows)
    assert len(days) >= DAYS
    work = [many for day, many in days.items() if day.weekday() < 5]
    rest = [many for day, many in days.items() if day.weekday() >= 5]
    assert sum(work) / len(work) > 3 * sum(rest) / len(rest)
    hours = Counter(row.received_at.hour for row in rows)
    assert hours[9] > 10 * hours[2] + 10, "by day and not by night"


def test_all_ends_of_a_mail_and_many_reasons_are_there_and_the_engine_gave_them(
    month: tuple[demo.Played, Store],
) -> None:
    _, store = month
    rows = store.archive.mails("", 5000)
    outcomes = Counter(row.outcome for row in rows)
    assert set(outcomes) >= {"created", "comment", "held", "rejected", "discarded"}
    assert outcomes["created"] > 200 and outcomes["comment"] > 80 and 5 < outcomes["held"] < 40
    assert len({row.code for row in rows}) >= 10
    assert {row.home for row in rows} >= {"support", "finance"}
    assert {row.by.kind for row in rows} >= {"rule", "gate", "hook", "person"}
    assert len({row.sender for row in rows}) >= 15
    assert all(store.archive.receipts(row.mail) for row in rows)
    assert store.queue.due_mailboxes(END + timedelta(days=9)) in ((), [], set()), "nothing waits"


def test_colleagues_answered_and_closed_much_of_it_when_it_came(month: tuple[demo.Played, Store]) -> None:
    _, store = month
    items, _ = store.items.found("", 1000)
    closed = [each for each in items if each.status == "Closed"]
    assert len(items) > 200 and len(items) / 4 < len(closed) < len(items)
    assert all(each.changed_at <= END + timedelta(minutes=2) for each in items)
    events, _ = store.history.events("event:item.answered", 1000)
    assert len(events) > 100 and {each.actor for each in events} == {"anna", "bob"}


def test_the_demo_itself_comes_after_the_month_as_it_does_alone(
    month: tuple[demo.Played, Store], tmp_path: Path
) -> None:
    played, _ = month
    alone = demo.play(tmp_path / "demo")
    assert [(line.outcome, line.code) for line in played.lines] == [(line.outcome, line.code) for line in alone.lines]
    assert [said.words for said in played.conversation] == [said.words for said in alone.conversation]


def test_where_there_is_no_disk_in_memory_it_is_played_where_it_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from engine.desk import demo_month

    monkeypatch.setattr(demo, "MEMORY", tmp_path / "none")
    monkeypatch.setattr(demo_month, "WORKDAY", (1, 1))
    monkeypatch.setattr(demo_month, "WEEKEND", (0, 0))
    played = demo.play(tmp_path / "demo", month=END)
    assert 10 < played.before < 30
    file = demo.open_to_all(tmp_path / "demo", "127.0.0.1:1")
    assert load(file).console.auth == "none" and load(file).console.listen == "127.0.0.1:1"
    assert not list((tmp_path / "demo" / "mail" / "system" / "new").iterdir())
