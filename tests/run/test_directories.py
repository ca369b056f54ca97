"""A directory is asked no more than need be, and one that is away is left alone."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import databases
import pytest
from builders import config

from engine.directories import Away
from engine.model.answers import Listed, Standing
from engine.run import directories
from engine.run.directories import LEFT_ALONE_S, PASS_S, Directories
from engine.store.store import Store

TOML = """
[people]
directory = "staff"
[directory.staff]
kind = "ldap"
server = "ldaps://ldap.example.com"
base = "dc=example"
pass_timeout = 10
"""
JANE = Listed(Standing.KNOWN, "staff", "jane")


class Fake:
    """A directory that says what it is told to, and writes down who was asked about."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.away = ""
        self.knows = {"jane@x.example": JANE}
        self.takes_s, self.now, self.closed = 0.0, 1000.0, False

    def find(self, address: str) -> Listed:
        self.asked.append(address)
        self.now += self.takes_s
        if self.away:
            raise Away(self.away)
        return self.knows.get(address, Listed(directory="staff"))

    def close(self) -> None:
        self.closed = True


class Bench:
    """Directories on a store, with clocks that a test sets."""

    def __init__(self, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
        self.store, self.fake, self.at = store, Fake(), datetime(2026, 11, 20, tzinfo=UTC)
        monkeypatch.setattr(directories, "open_directory", lambda own: self.fake)
        monkeypatch.setattr(store.database, "clock", lambda: self.at)
        monkeypatch.setattr(store.database, "now", lambda: int(self.at.timestamp() * 1_000_000))
        self.of = self.opened()

    def opened(self, toml: str = TOML) -> Directories:
        """What another pass has."""
        self.of = Directories(config(toml), self.store, lambda: self.fake.now)
        return self.of

    def committed(self) -> None:
        with self.store.writing():
            self.of.keep(self.at)
        self.of.kept()

    def find(self, address: str = "jane@x.example") -> Listed:
        return self.of.find("staff", address)


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    with Store.open(databases.fresh()) as store:
        yield Bench(store, monkeypatch)


def test_an_address_is_asked_about_once_in_a_pass_and_once_while_the_answer_is_young(bench: Bench) -> None:
    assert bench.find() == bench.find() == JANE
    bench.committed()
    bench.opened()
    assert bench.find() == JANE and bench.fake.asked == ["jane@x.example"]
    bench.at += timedelta(days=1)
    bench.opened()
    assert bench.find() == JANE and len(bench.fake.asked) == 2


def test_that_nobody_is_known_counts_for_a_shorter_time(bench: Bench) -> None:
    assert bench.find("eve@x.example").standing is Standing.UNKNOWN
    bench.committed()
    bench.at += timedelta(minutes=14)
    bench.opened()
    bench.find("eve@x.example")
    assert len(bench.fake.asked) == 1
    bench.at += timedelta(minutes=2)
    bench.opened()
    bench.find("eve@x.example")
    assert len(bench.fake.asked) == 2


def test_an_answer_of_a_clock_that_ran_ahead_is_not_believed(bench: Bench) -> None:
    bench.find()
    bench.committed()
    bench.at -= timedelta(hours=1)
    bench.opened()
    bench.find()
    assert len(bench.fake.asked) == 2


def test_deciding_alone_stores_nothing(bench: Bench) -> None:
    bench.find()
    bench.opened()
    bench.find()
    assert len(bench.fake.asked) == 2


def test_with_other_settings_it_is_another_directory(bench: Bench) -> None:
    bench.find()
    bench.committed()
    bench.opened(TOML.replace("dc=example", "dc=other"))
    bench.find()
    assert len(bench.fake.asked) == 2


def test_one_that_is_away_is_left_alone_for_a_minute_and_is_a_trouble_until_it_answers(bench: Bench) -> None:
    bench.fake.away = "directory staff: it is away\x1b[31m"
    found = bench.find()
    assert found.standing is Standing.AWAY and "it is away" in found.said and "\x1b" not in found.said
    assert bench.find("a@x.example").standing is Standing.AWAY and len(bench.fake.asked) == 1
    bench.committed()
    assert "it is away" in bench.store.troubles.all()["directory staff"].said
    bench.fake.away = ""
    bench.fake.now += LEFT_ALONE_S + 1
    assert bench.find() == JANE
    bench.committed()
    assert bench.store.troubles.all() == {}


def test_a_slow_one_is_asked_for_as_long_as_a_pass_may_take(bench: Bench) -> None:
    bench.fake.takes_s = 4.0
    found = [bench.find(f"u{number}@x.example").standing for number in range(100)]
    assert found[:3] == [Standing.UNKNOWN] * 3 and set(found[3:]) == {Standing.AWAY}
    assert len(bench.fake.asked) == 3
    bench.fake.now += PASS_S
    assert bench.find("again@x.example").standing is Standing.UNKNOWN


def test_a_transaction_that_was_taken_back_leaves_what_was_learned_for_the_next(bench: Bench) -> None:
    bench.find()
    with pytest.raises(RuntimeError), bench.store.writing():
        bench.of.keep(bench.at)
        raise RuntimeError
    bench.committed()
    bench.opened()
    assert bench.find() == JANE and len(bench.fake.asked) == 1


def test_what_was_opened_is_closed(bench: Bench) -> None:
    bench.find()
    bench.of.close()
    assert bench.fake.closed


def test_where_no_directory_is_configured_nothing_is_asked_and_no_statement_more_is_run(
    engine: Any, tmp_path: Path
) -> None:
    from deciding import NOW, raw

    from engine.run.process import process

    engine.store.ledger.spool([raw(sender="eve@x.example")], "here")
    claimed = engine.store.ledger.claim("system", 10, NOW, "here", 5, tried=False, after_crash=("", ""))
    process(engine, claimed.mails, NOW)
    assert "directories" not in engine.__dict__
