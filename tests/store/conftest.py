"""A desk in a store of SQLite, in memory and in a file."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from store.desk import Desk, attachment, furnish

from engine.model.mail import Attachment
from engine.store.store import Store


@pytest.fixture
def attached() -> Callable[..., Attachment]:
    return attachment


@pytest.fixture
def desk() -> Iterator[Desk]:
    with Store.open(":memory:") as store:
        made = Desk(store)
        store.database.clock = made.clock
        furnish(store)
        yield made


@pytest.fixture
def file_desk(tmp_path: Path) -> Iterator[Desk]:
    """The same in a real file."""
    with Store.open(tmp_path / "state" / "db.sqlite3") as store:
        made = Desk(store)
        store.database.clock = made.clock
        furnish(store)
        yield made
