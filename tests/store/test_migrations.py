"""From any schema to that of today, while nobody else is at work."""

from __future__ import annotations

from pathlib import Path

import pytest
from store.older import database

from engine.run.lease import Lease
from engine.store import migrations
from engine.store.errors import Busy, StoreError
from engine.store.file import pass_file
from engine.store.locks import FileLock
from engine.store.migrations import version
from engine.store.sqlite import Sqlite
from engine.store.store import Store

RECORDED = Path(__file__).with_name("schema_6.sql")
NOW = len(migrations.STEPS)


def schema(database: Sqlite) -> str:
    rows = database.rows("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY type DESC, name")
    return "".join(f"{sql};\n" for (sql,) in rows)


@pytest.fixture
def extended(monkeypatch):
    """A later release with one step more."""

    def add_colour(database: Sqlite, _told: object) -> None:
        database.run("ALTER TABLE item ADD COLUMN colour TEXT NOT NULL DEFAULT ''")

    monkeypatch.setattr(migrations, "STEPS", (*migrations.STEPS, ("items have a colour", add_colour)))


def test_tables_change_only_with_a_step():
    """If this fails you have changed a table: write a step in migrations.py and record the schema of its version."""
    with Store.open(":memory:") as store:
        assert len(migrations.STEPS) == 6, "record schema_7.sql, and test that step 7 leads from 6 to 7"
        assert schema(store.database) == RECORDED.read_text(encoding="utf-8")


def test_a_new_database_has_taken_every_step(tmp_path):
    with Store.open(tmp_path / "db") as store:
        assert version(store.database) == len(migrations.STEPS)
        assert store.database.rows("SELECT version, name FROM schema_version") == [
            (1, "first version"),
            (2, "numbers above a mark"),
            (3, "events and who hears of them"),
            (4, "traces apart, and counts"),
            (5, "online: who is let in"),
            (6, "online: versions of rule files, and measures"),
        ]


def test_the_steps_lead_from_the_first_schema_to_that_of_today(tmp_path):
    with database(tmp_path / "db", 1) as first:
        first.commit()
    first.close()
    with Store.open(tmp_path / "db") as store:
        taken = sorted(schema(store.database).split(";\n"))
    assert taken == sorted(RECORDED.read_text(encoding="utf-8").split(";\n"))


def test_an_older_database_is_upgraded_and_keeps_what_is_in_it(file_desk, request):
    receipt = file_desk.item("Printer")
    path = file_desk.store.path
    file_desk.store.close()
    request.getfixturevalue("extended")
    with Store.open(path) as store:
        assert version(store.database) == NOW + 1
        assert store.database.one("SELECT title, colour FROM item") == ("Printer", "")
        assert store.archive.mail(receipt.mail).outcome == "created"


def test_an_upgrade_that_breaks_leaves_the_database_as_it_was(file_desk, monkeypatch):
    def breaks(database: Sqlite, _told: object) -> None:
        database.run("ALTER TABLE item ADD COLUMN colour TEXT NOT NULL DEFAULT ''")
        raise RuntimeError("half way")

    path = file_desk.store.path
    file_desk.store.close()
    monkeypatch.setattr(migrations, "STEPS", (*migrations.STEPS, ("breaks", breaks)))
    with pytest.raises(RuntimeError):
        Store.open(path)
    monkeypatch.undo()
    with Store.open(path) as store:
        assert version(store.database) == NOW
        with pytest.raises(StoreError):
            store.database.one("SELECT colour FROM item")


def test_a_newer_database_is_refused_in_a_sentence(file_desk, request):
    path = file_desk.store.path
    file_desk.store.database.run("INSERT INTO schema_version VALUES (8, 'the future', 0)")
    with pytest.raises(StoreError, match=f"has schema 8, this release knows {NOW}"):
        Store.open(path)


def test_an_upgrade_that_was_not_asked_for_is_refused(file_desk, request):
    path = file_desk.store.path
    file_desk.store.close()
    request.getfixturevalue("extended")
    with pytest.raises(StoreError, match="allegra db migrate"):
        Store.open(path, migrate=False)


def test_an_upgrade_waits_for_a_running_pass_and_a_pass_for_an_upgrade(file_desk, request):
    path = file_desk.store.path
    with Lease(file_desk.store, "system", lambda: file_desk.now):
        request.getfixturevalue("extended")
        with pytest.raises(Busy, match="a pass is running"):
            Store.open(path, upgrade_wait_s=0.01)
    lock = FileLock(pass_file(path))
    assert lock.acquire()
    with Lease(file_desk.store, "system", lambda: file_desk.now) as lease:
        assert not lease.held
    lock.release()
    Store.open(path, upgrade_wait_s=0.01).close()


def test_two_processes_make_one_database(tmp_path):
    import threading

    errors = []

    def start():
        try:
            Store.open(tmp_path / "db").close()
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=start) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    with Store.open(tmp_path / "db") as store:
        assert store.database.rows("SELECT version FROM schema_version") == [(step + 1,) for step in range(NOW)]


def test_a_database_is_made_by_its_path_and_migrating_again_takes_no_step(tmp_path):
    path = tmp_path / "allegra.sqlite3"
    made = migrations.migrate(path)
    assert (made.version, made.steps) == (len(migrations.STEPS), tuple(name for name, _ in migrations.STEPS))
    assert migrations.migrate(path).steps == ()


# ── a database that is gone ───────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("empty", [False, True])
def test_a_database_that_is_gone_is_not_made_anew_in_silence(file_desk, empty):
    path = file_desk.store.path
    file_desk.item("Printer")
    file_desk.store.close()
    for each in path.parent.glob(f"{path.name}*"):
        if each.name in (path.name, f"{path.name}-wal", f"{path.name}-shm"):
            each.unlink()
    if empty:
        path.touch()
    with pytest.raises(StoreError, match=r"is gone or empty, and there was one: restore a backup"):
        Store.open(path)
    database = Sqlite(path)
    database.connect()
    assert migrations.bring_up_to_date(database, anew=True)
    database.close()
    with Store.open(path) as store:
        assert store.database.one("SELECT count(*) FROM item") == (0,)
