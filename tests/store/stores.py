"""Every store there is, opened anew for each test: another one joins the contract with a row of `STORES`.

Here: how each is opened. Not here: the desk in it (`desk.py`), fixtures (`conftest.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from store.desk import Desk, furnish

from engine import ports
from engine.store.place import Url
from engine.store.store import Store

Clock = Callable[[], datetime]
Opened = Callable[[Clock], AbstractContextManager[ports.Store]]


def in_memory(_: Any) -> Opened:
    return lambda clock: Store.open(":memory:", clock=clock)


def in_a_file(request: Any) -> Opened:
    folder: Path = request.getfixturevalue("tmp_path")
    return lambda clock: Store.open(folder / "state" / "db.sqlite3", clock=clock)


def on_postgresql(request: Any) -> Opened:
    url = Url(request.getfixturevalue("postgres_url"))
    return lambda clock: Store.open(url, clock=clock)


STORES: dict[str, Callable[[Any], Opened]] = {
    "sqlite in memory": in_memory,
    "sqlite in a file": in_a_file,
    "postgresql": on_postgresql,
}

SHARED = ("sqlite in a file", "postgresql")
"""Those that a second process can open."""

KINDS = ("sqlite in memory", "postgresql")
"""One of each database."""


def rows(names: Iterable[str]) -> list[Any]:
    """Write these stores as values of a parameter; what needs a server says so."""
    return [pytest.param(each, marks=pytest.mark.server if each == "postgresql" else ()) for each in names]


def desks(opened: Opened) -> Iterator[Desk]:
    """A furnished desk whose clock stands still."""
    made: list[Desk] = []
    with opened(lambda: made[0].now) as store:
        made.append(Desk(store))
        furnish(store)
        yield made[0]
