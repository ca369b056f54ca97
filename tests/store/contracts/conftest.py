"""The same tests for every store, and for every one that two processes can open at once."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from store.desk import Desk
from store.stores import SHARED, STORES, desks, rows

from engine import ports


@pytest.fixture(params=rows(STORES))
def desk(request: Any) -> Iterator[Desk]:
    yield from desks(STORES[request.param](request))


@pytest.fixture
def store(desk: Desk) -> ports.Store:
    return desk.store


@pytest.fixture(params=rows(SHARED))
def shared(request: Any) -> Iterator[tuple[Desk, ports.Store]]:
    """A desk, and another process's view of the same store."""
    opened = STORES[request.param](request)
    for desk in desks(opened):
        with opened(desk.clock) as other:
            yield desk, other
