"""The installation of the end-to-end tests, for what needs a whole one; a gate, for who is let in."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import databases
import pytest
from builders import config
from end_to_end.conftest import desk as desk
from end_to_end.conftest import loaded as loaded

from engine.config import Config
from engine.desk import passwords
from engine.store.store import Store


@dataclass
class Gate:
    """A store with people, some of whom have a password, and a clock that is set."""

    config: Config
    store: Any = None
    now: datetime = datetime(2026, 11, 20, 10, 31, tzinfo=UTC)

    def later(self, **time: float) -> datetime:
        self.now += timedelta(**time)
        return self.now

    def logged(self) -> str:
        return self.config.log.file.read_text() if self.config.log.file.exists() else ""

    def events(self) -> list[tuple[str, str, str]]:
        """What is written down for good: the event, who did it, what it says."""
        rows, _ = self.store.history.events("")
        return [(row.name, row.actor, row.detail["said"]) for row in rows]


@pytest.fixture
def cheap(monkeypatch: pytest.MonkeyPatch) -> None:
    """Proofs cost nearly nothing; all else about them is as it is."""
    monkeypatch.setattr(passwords, "COST", passwords.Cost(8, 1, 1))


@pytest.fixture
def gate(tmp_path: Any, cheap: None) -> Iterator[Gate]:
    told = (
        f'[instance]\nname = "Test desk"\nsecret_file = "{tmp_path / "secret"}"\n[log]\nfile = "{tmp_path / "log"}"\n'
    )
    made = Gate(config(told))
    with Store.open(databases.fresh(), clock=lambda: made.now) as made.store:
        put = made.store.directory.put_account
        put("anna", name="Anna Berg", emails=["anna.berg@example.com", "ab@example.com"], admin=True)
        put("bob", emails=["bob@example.com"])
        for status in ("locked", "registered", "guest"):
            put(status, status=status, emails=[f"{status}@example.com"])
        yield made
