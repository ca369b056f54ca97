"""Upgrades of the schema while a worker works: beside it where the step allows that, else after it has drained."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import closing

import pytest
from worker.office import Office, Working

from engine.store import migrations
from engine.store.connecting import connection
from engine.store.database import Database
from engine.store.place import Url

pytestmark = pytest.mark.server

Start = Callable[..., Working]
MAILS = 300


def later(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Let this process be a release with one step more."""

    def add(database: Database, _told: object) -> None:
        database.run("ALTER TABLE item ADD COLUMN colour TEXT NOT NULL DEFAULT ''")

    monkeypatch.setattr(migrations, "STEPS", (*migrations.STEPS, (name, add)))


def test_a_step_that_is_online_is_taken_under_load_and_the_worker_goes_on(
    office: Office, working: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(MAILS):
        office.mail()
    worker = working(office, "--deciders", "1")
    worker.until(lambda: office.decided)
    with monkeypatch.context() as newer:
        later(newer, "online: items have a colour")
        assert migrations.migrate(Url(office.url), 0).steps == ("online: items have a colour",)
    worker.until(lambda: office.decided == MAILS)
    assert worker.stop() == 0, worker.output
    office.is_sound()


def test_a_step_that_is_taken_alone_gets_its_turn_under_load_and_nothing_is_lost(
    office: Office, working: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(MAILS):
        office.mail()
    over = threading.Event()

    def press() -> None:
        while not over.wait(0.02):
            office.mail()

    worker = working(office, "--deciders", "2")
    worker.until(lambda: office.decided)
    pressing = threading.Thread(target=press)
    pressing.start()
    try:
        with monkeypatch.context() as newer:
            later(newer, "items have a colour")
            assert migrations.migrate(Url(office.url), 60).steps == ("items have a colour",)
        assert worker.process.wait(30) == 75, worker.output
        assert "the schema of the database was upgraded" in worker.output
    finally:
        over.set()
        pressing.join()
    by_hand(office, "DELETE FROM schema_version WHERE name = 'items have a colour'")
    again = working(office)
    again.until(lambda: office.decided == office.written)
    assert again.stop() == 0
    office.is_sound()


def by_hand(office: Office, sql: str) -> None:
    """Run a statement as an administrator would: the schema is not that of this release."""
    with closing(connection(Url(office.url))) as database:
        database.connect()
        database.run(sql)


def test_nothing_new_is_read_or_decided_while_an_upgrade_waits_and_all_of_it_afterwards(
    office: Office, working: Start
) -> None:
    office.mail()
    reading = working(office, "--only", "fetch")
    reading.until(lambda: office.waiting == 1)
    assert reading.stop() == 0, reading.output
    with office.store() as upgrading:
        step = len(migrations.STEPS) + 1
        upgrading.database.run("INSERT INTO schema_version VALUES (?, ?, -1)", step, upgrading.owner)
        office.mail()
        worker = working(office, "--deciders", "1")
        for _ in range(20):
            time.sleep(0.2)
            assert (office.waiting, office.decided) == (1, 0)
    worker.until(lambda: office.decided == 2)
    assert worker.stop() == 0, worker.output
