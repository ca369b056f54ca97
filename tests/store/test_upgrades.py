"""Upgrades of the schema while others work, on each database."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from store.stores import rows

from engine.store import migrations
from engine.store.database import Database
from engine.store.errors import Busy, StoreError
from engine.store.place import Url, Where
from engine.store.store import Store

NOW = len(migrations.STEPS)
BOTH = pytest.mark.parametrize("where", rows(("sqlite in a file", "postgresql")), indirect=True)


@pytest.fixture
def where(request: Any, tmp_path: Path) -> Where:
    """A database with our tables."""
    if request.param == "postgresql":
        return Url(request.getfixturevalue("postgres_url"), tmp_path / "beside")
    Store.open(tmp_path / "a.db").close()
    return tmp_path / "a.db"


@pytest.fixture
def nothing(postgres: Any) -> Iterator[Url]:
    """A database without tables."""
    name = postgres.empty()
    yield Url(postgres.url_of(name))
    postgres.drop(name)


def later(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Be a release with one step more."""

    def add(database: Database, _told: object) -> None:
        database.run("CREATE TABLE colour (name TEXT NOT NULL)")

    monkeypatch.setattr(migrations, "STEPS", (*migrations.STEPS[:NOW], (name, add)))


@BOTH
def test_a_step_that_is_online_waits_for_nobody_and_disturbs_nobody(
    where: Where, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Store.open(where) as old:
        lock = old.database.pass_lock(shared=True)
        assert lock is not None and lock.acquire()
        with monkeypatch.context() as newer:
            later(newer, "online: colours")
            assert migrations.migrate(where, 0).steps == ("online: colours",)
        migrations.check_version(old.database)
        assert not old.upgrade_wanted()
        old.directory.put_group("goes on")
    with Store.open(where, migrate=False) as again:
        assert migrations.version(again.database) == NOW
        assert again.database.one("SELECT count(*) FROM schema_version") == (NOW + 1,)


@BOTH
def test_an_upgrade_asks_those_who_work_to_leave_and_then_is_done(
    where: Where, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[Any] = []
    with Store.open(where) as worker:
        lock = worker.database.pass_lock(shared=True)
        assert lock is not None and lock.acquire()
        assert not worker.upgrade_wanted()
        later(monkeypatch, "colours")
        thread = threading.Thread(target=lambda: done.append(migrations.migrate(where, 30)))
        thread.start()
        while not (wanted := migrations._taken(worker.database)[1]) and thread.is_alive():
            thread.join(0.01)
        assert worker.database.is_alive(wanted) and migrations._taken(worker.database)[0] == NOW
        lock.release()
        thread.join()
        assert done[0].steps == ("colours",) and migrations._taken(worker.database) == (NOW + 1, "")


def in_vain(where: Where) -> None:
    with pytest.raises(Busy, match="a pass is running"):
        migrations.migrate(where, 1.0)


@BOTH
def test_who_works_on_hears_of_an_upgrade_until_it_gives_up(where: Where, monkeypatch: pytest.MonkeyPatch) -> None:
    with Store.open(where) as worker:
        lock = worker.database.pass_lock(shared=True)
        assert lock is not None and lock.acquire()
        with monkeypatch.context() as newer:
            later(newer, "colours")
            asking = threading.Thread(target=in_vain, args=(where,))
            asking.start()
            while not migrations._taken(worker.database)[1] and asking.is_alive():
                asking.join(0.01)
        assert worker.upgrade_wanted()
        asking.join()
        assert not worker.upgrade_wanted()
        migrations.check_version(worker.database)


@BOTH
def test_an_upgrade_that_was_killed_wants_nothing_any_more(where: Where) -> None:
    with Store.open(where) as worker:
        with Store.open(where) as upgrading:
            owner = upgrading.owner
            upgrading.database.run("INSERT INTO schema_version VALUES (?, ?, -1)", NOW + 1, owner)
            assert worker.upgrade_wanted()
        if isinstance(where, Path):  # there it is the process that lives
            worker.database.run("UPDATE schema_version SET name = ? WHERE applied_at < 0", f"{owner[:-9]}/1")
        until = time.monotonic() + 10
        while worker.upgrade_wanted():  # a server notices that a session is over, if at once
            assert time.monotonic() < until
            time.sleep(0.01)


@BOTH
def test_after_an_upgrade_whoever_still_works_leaves(where: Where, monkeypatch: pytest.MonkeyPatch) -> None:
    with Store.open(where) as worker:
        with monkeypatch.context() as newer:
            later(newer, "colours")
            migrations.migrate(where)
        assert worker.upgrade_wanted()
        with pytest.raises(StoreError, match="was upgraded meanwhile: run again"):
            migrations.check_version(worker.database)
    with pytest.raises(StoreError, match=f"has schema {NOW + 1}, this release knows {NOW}"):
        Store.open(where)


@BOTH
def test_two_upgrades_at_once_take_a_step_once(where: Where, monkeypatch: pytest.MonkeyPatch) -> None:
    later(monkeypatch, "online: colours")
    assert sorted(len(each.steps) for each in at_once(where)) == [0, 0, 0, 1]


def test_four_that_find_an_empty_database_make_it_once(nothing: Url) -> None:
    assert sorted(len(each.steps) for each in at_once(nothing)) == [0, 0, 0, NOW]


def at_once(where: Where) -> list[migrations.Migrated]:
    done: list[migrations.Migrated] = []
    errors: list[Exception] = []

    def upgrade() -> None:
        try:
            done.append(migrations.migrate(where))
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=upgrade) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    return done


def test_a_schema_that_no_release_made_on_a_server_is_not_upgraded(postgres_url: str) -> None:
    with Store.open(Url(postgres_url)) as store:
        store.database.run("DELETE FROM schema_version WHERE version >= 3")
    with pytest.raises(StoreError, match="has schema 2: no release made one older than 3 on a server"):
        migrations.migrate(Url(postgres_url))


def test_tables_of_something_else_are_left_alone(postgres: Any, nothing: Url) -> None:
    postgres.run("CREATE TABLE schema_of_others (id int)", nothing.name.partition(" ")[0])
    with pytest.raises(StoreError, match="is a database of something else: it has tables, but not ours"):
        migrations.migrate(nothing)


def test_a_role_without_rights_is_told_so(postgres: Any, nothing: Url, postgres_url: str) -> None:
    postgres.run("DROP ROLE IF EXISTS guest")
    postgres.run("CREATE ROLE guest LOGIN")
    for each in (nothing.secret, postgres_url):
        with pytest.raises(StoreError, match="gives this user too few rights"):
            migrations.migrate(Url(each.replace("test@", "guest@")))
