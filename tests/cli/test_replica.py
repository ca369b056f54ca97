"""Lists are read from a standby where one is configured, say of when they are, and do without it where it is away."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from deciding import CONFIG, DATA
from store.desk import Desk, furnish

from engine.cli.main import allegra
from engine.store.errors import StoreError
from engine.store.load import load
from engine.store.place import Url
from engine.store.replica import open_to_read
from engine.store.store import Store

Run = Callable[..., Any]


@pytest.fixture(scope="module")
def standby(postgres_server: Any) -> Iterator[Any]:
    from servers.postgres import Postgres

    if isinstance(postgres_server, str):
        yield None
        return
    made = Postgres(of=postgres_server)
    yield made
    made.stop()


@pytest.fixture
def caught_up(postgres: Any, standby: Any) -> Callable[[], None]:
    def wait() -> None:
        (lsn,) = postgres.run("SELECT pg_current_wal_lsn()")[0]
        while not standby.run(f"SELECT pg_last_wal_replay_lsn() >= '{lsn}'")[0][0]:
            time.sleep(0.02)

    return wait


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, postgres_url: str, standby: Any) -> Run:
    name = Url(postgres_url).name.partition(" ")[0]
    store = f'[store]\ndriver = "postgresql"\nurl = "{postgres_url}"\nreplica_url = "{standby.url_of(name)}"\n'
    (tmp_path / "allegra.toml").write_text(CONFIG + store)
    (tmp_path / "allegra.toml").chmod(0o600)
    monkeypatch.chdir(tmp_path)
    return lambda *words: CliRunner().invoke(allegra, words)


@pytest.fixture
def desk(postgres_url: str) -> Iterator[Desk]:
    with Store.open(Url(postgres_url), clock=lambda: datetime.now(UTC)) as store:
        furnish(store)
        yield Desk(store)


def titles(result: Any) -> list[str]:
    assert result.exit_code == 0, result.output
    return [json.loads(line)["title"] for line in result.stdout.splitlines()]


def test_lists_are_those_of_the_standby_and_say_until_when(
    run: Run, desk: Desk, standby: Any, caught_up: Callable[[], None]
) -> None:
    desk.item("Printer")
    caught_up()
    standby.run("SELECT pg_wal_replay_pause()")
    try:
        while standby.run("SELECT pg_get_wal_replay_pause_state()")[0][0] != "paused":
            time.sleep(0.02)
        mail = desk.item("Scanner").mail
        listed = run("item", "list", "--json")
        assert titles(listed) == ["Printer"] and f"as of {datetime.now(UTC):%Y-%m-%d}" in listed.stderr
        for words in (("mail", "list"), ("log",), ("stats",), ("topic", "list"), ("outbox", "list")):
            told = run(*words)
            assert told.exit_code == 0 and "as of 2" in told.stderr, told.output
        assert mail[:8] not in run("mail", "list").stdout
        for own in (("mail", "show", mail), ("item", "show", "2"), ("held", "list")):
            told = run(*own)
            assert told.exit_code == 0 and "as of" not in told.stderr, told.output
    finally:
        standby.run("SELECT pg_wal_replay_resume()")
    caught_up()
    assert sorted(titles(run("item", "list", "--json"))) == ["Printer", "Scanner"]
    assert "as of" not in run("-q", "item", "list").stderr


def test_where_the_standby_is_away_the_database_is_read(run: Run, desk: Desk, standby: Any) -> None:
    desk.item("Printer")
    standby.halt()
    try:
        told = run("item", "list", "--json")
        assert titles(told) == ["Printer"] and told.stderr.startswith("allegra: the replica is not read: the database")
    finally:
        standby.start()


def test_a_replica_that_is_none_is_not_read(desk: Desk, postgres_url: str) -> None:
    store, at, said = open_to_read(Url(postgres_url), Url(postgres_url))
    with store:
        assert at is None and said.endswith("is no standby")


def test_nothing_is_written_through_a_standby(
    desk: Desk, postgres_url: str, standby: Any, caught_up: Callable[[], None]
) -> None:
    load(desk.store, DATA)
    caught_up()
    replica = Url(standby.url_of(Url(postgres_url).name.partition(" ")[0]))
    store, _, said = open_to_read(Url(postgres_url), replica)
    with store:
        assert said == "" and store.versions() != store.versions()
        with pytest.raises(StoreError, match="is read-only: a standby"):
            store.directory.put_group("late")
        assert store.directory.login("anna").name == "Anna Berg"
