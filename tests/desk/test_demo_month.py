"""A month of mail for the demo: spread as mail comes, decided by the engine at the time it came."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest
from console.pictures import END, FOLDER, month, pages, words

from engine.config import load
from engine.desk import demo, demo_month
from engine.desk.demo_month import DAYS
from engine.store.store import Store


def test_a_month_is_played_and_the_pictures_of_the_readme_show_it(tmp_path: Path) -> None:
    """One test of all there is to say of it, because to play it takes seconds."""
    with month(tmp_path / "demo") as (played, made):
        for name, address in pages(made).items():
            shown, kept = words(made.get(address).get_data(as_text=True)), (FOLDER / f"{name}.txt").read_text("utf-8")
            assert shown == kept, "take new pictures: PYTHONPATH=tests:. python tests/console/pictures.py"
            assert (FOLDER / f"{name}.png").read_bytes().startswith(b"\x89PNG")
        with made.installation.store() as store:
            _is_spread_as_mail_comes(store, played)
            _is_decided_by_the_engine(store)
            _was_worked_on(store)
    alone = demo.play(tmp_path / "alone")
    assert [(line.outcome, line.code) for line in played.lines] == [(line.outcome, line.code) for line in alone.lines]
    assert [said.words for said in played.conversation] == [said.words for said in alone.conversation]


def _is_spread_as_mail_comes(store: Store, played: demo.Played) -> None:
    rows = store.archive.mails("", 5000)
    assert 600 <= len(rows) <= 1000
    assert len(rows) == played.before + len(played.lines) + 1, "and a reply of the customer"
    assert all(END - timedelta(days=DAYS, hours=5) < row.received_at <= END + timedelta(minutes=2) for row in rows)
    times = [row.received_at for row in rows]
    assert times == sorted(times, reverse=True)
    days = Counter(row.received_at.date() for row in rows)
    work = [many for day, many in days.items() if day.weekday() < 5]
    rest = [many for day, many in days.items() if day.weekday() >= 5]
    assert len(days) >= DAYS and sum(work) / len(work) > 3 * sum(rest) / len(rest)
    hours = Counter(row.received_at.hour for row in rows)
    assert hours[9] > 10 * hours[2] + 10, "by day and not by night"


def _is_decided_by_the_engine(store: Store) -> None:
    rows = store.archive.mails("", 5000)
    outcomes = Counter(row.outcome for row in rows)
    assert outcomes["created"] > 200 and outcomes["comment"] > 80 and 5 < outcomes["held"] < 40
    assert set(outcomes) >= {"rejected", "discarded", "note", "duplicate"}
    assert len({row.code for row in rows}) >= 10 and {row.home for row in rows} >= {"support", "finance"}
    assert {row.by.kind for row in rows} >= {"rule", "gate", "hook", "person"}
    assert len({row.sender for row in rows}) >= 15 and all(store.archive.receipts(row.mail) for row in rows)


def _was_worked_on(store: Store) -> None:
    items, _ = store.items.found("", 1000)
    closed = [each for each in items if each.status == "Closed"]
    assert len(items) > 200 and len(items) / 4 < len(closed) < len(items)
    assert all(each.changed_at <= END + timedelta(minutes=2) for each in items)
    events, _ = store.history.events("event:item.answered", 1000)
    assert len(events) > 100 and {each.actor for each in events} == {"anna", "bob"}


def test_where_there_is_no_disk_in_memory_it_is_played_where_it_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(demo, "MEMORY", tmp_path / "none")
    monkeypatch.setattr(demo_month, "WORKDAY", (1, 1))
    monkeypatch.setattr(demo_month, "WEEKEND", (0, 0))
    played = demo.play(tmp_path / "demo", month=END)
    assert 10 < played.before < 30
    file = demo.open_to_all(tmp_path / "demo", "127.0.0.1:1")
    assert load(file).console.auth == "none" and load(file).console.listen == "127.0.0.1:1"
    assert not list((tmp_path / "demo" / "mail" / "system" / "new").iterdir())
