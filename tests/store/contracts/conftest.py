"""Every store there is, opened anew for each test: another one joins the contract with a row of `STORES`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from store.desk import Desk, furnish

from engine import ports
from engine.store.store import Store

Clock = Callable[[], datetime]


def in_memory(_: Path, clock: Clock) -> AbstractContextManager[ports.Store]:
    return Store.open(":memory:", clock=clock)


def in_a_file(folder: Path, clock: Clock) -> AbstractContextManager[ports.Store]:
    return Store.open(folder / "db.sqlite3", clock=clock)


STORES: dict[str, Callable[[Path, Clock], AbstractContextManager[ports.Store]]] = {
    "sqlite in memory": in_memory,
    "sqlite in a file": in_a_file,
}

SHARED = ("sqlite in a file",)
"""Those that a second process can open."""


def desks(name: str, folder: Path) -> Iterator[Desk]:
    made: list[Desk] = []
    with STORES[name](folder, lambda: made[0].now) as store:
        made.append(Desk(store))
        furnish(store)
        yield made[0]


@pytest.fixture(params=list(STORES))
def desk(request: Any, tmp_path: Path) -> Iterator[Desk]:
    yield from desks(request.param, tmp_path)


@pytest.fixture
def store(desk: Desk) -> ports.Store:
    return desk.store


@pytest.fixture(params=SHARED)
def shared(request: Any, tmp_path: Path) -> Iterator[tuple[Desk, ports.Store]]:
    """A desk, and another process's view of the same store."""
    for desk in desks(request.param, tmp_path):
        with STORES[request.param](tmp_path, desk.clock) as other:
            yield desk, other
