"""Held mail is told: to the owner, else the admins, at once and then every few hours, once whoever looks."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from manned import CONFIG, an_engine, read

from engine.config import load
from engine.model.events import Why
from engine.outbox.compose import compose
from engine.outbox.contents import letter
from engine.outbox.templates import Templates
from engine.run.digests import held
from engine.run.engine import Engine
from engine.store.store import Store

OWNED = CONFIG.replace('name = "Support"', 'name = "Support"\nowner = "Olga <olga@example.com>"')


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    yield from an_engine(tmp_path, OWNED)


@pytest.fixture
def alone(tmp_path: Path) -> Iterator[Engine]:
    """A desk without an owner."""
    yield from an_engine(tmp_path)


def stranger(engine: Engine, name: str = "max") -> None:
    outcome = read(
        engine, f"From: {name}@elsewhere.example\nTo: help@example.com\nSubject: Help {name}\n\nHello\n"
    ).outcome
    assert outcome == "held"


def told(engine: Engine) -> list[tuple[str, str]]:
    rows = engine.store.database.rows("SELECT address_key, why FROM outbox WHERE event = 'desk.held' ORDER BY id")
    return [(key, why) for key, why in rows]


def test_the_owner_hears_of_the_first_held_mail_at_once_and_once(engine: Engine) -> None:
    now = datetime.now(UTC)
    held(engine, now)
    assert told(engine) == [], "nothing is held"
    stranger(engine)
    held(engine, now)
    held(engine, now + timedelta(minutes=5))
    assert told(engine) == [("olga@example.com", "")]


def test_more_held_mail_is_told_after_four_hours_and_what_is_not_new_is_not(engine: Engine) -> None:
    now = datetime.now(UTC)
    stranger(engine)
    held(engine, now)
    stranger(engine, "moritz")
    held(engine, now + timedelta(hours=3))
    assert len(told(engine)) == 1
    held(engine, now + timedelta(hours=4, minutes=1))
    assert len(told(engine)) == 2
    held(engine, now + timedelta(hours=12))
    assert len(told(engine)) == 2, "nothing new, and nothing has waited for a day"
    held(engine, now + timedelta(hours=29))
    assert len(told(engine)) == 3, "once a day while something waits"


def test_two_processes_that_look_at_once_tell_once(engine: Engine, tmp_path: Path) -> None:
    stranger(engine)
    other = Engine(load(tmp_path / "allegra.toml"), Store.open(tmp_path / "allegra.sqlite3"))
    now = datetime.now(UTC)
    held(engine, now)
    held(other, now)
    other.close()
    other.store.close()
    assert len(told(engine)) == 1


def test_without_an_owner_the_admins_hear_and_without_any_a_row_says_so(alone: Engine) -> None:
    engine = alone
    stranger(engine)
    held(engine, datetime.now(UTC))
    assert told(engine) == [("", Why.NOBODY)]
    engine.store.directory.put_account("ada", emails=["ada@example.com"], admin=True)
    stranger(engine, "moritz")
    held(engine, datetime.now(UTC) + timedelta(hours=5))
    assert told(engine)[1:] == [("ada@example.com", "")]
    engine.store.directory.put_preferences("ada", "", {"held": "no"})
    stranger(engine, "lena")
    held(engine, datetime.now(UTC) + timedelta(hours=10))
    assert told(engine)[2:] == [("ada@example.com", "prefers_not"), ("", "nobody")]


def test_the_mail_lists_what_is_held_when_it_is_sent_the_oldest_first(engine: Engine) -> None:
    now = datetime.now(UTC)
    for number in range(53):
        stranger(engine, f"n{number}")
    held(engine, now)
    (row,) = engine.store.outbox.claim(1, now + timedelta(hours=2, minutes=5), "me")
    made = letter(row, engine.store, engine.config, now + timedelta(hours=2, minutes=5))
    content = compose(made, Templates(None)).content.decode()
    assert "Subject: 53 waiting for somebody: Support" in content
    assert content.index("n0@elsewhere.example") < content.index("n1@elsewhere.example")
    assert "n50@elsewhere.example" not in content
    assert "and 3 more" in content
    assert "gate.unknown_sender, since 2 hours" in content.replace("=\r\n", "")
