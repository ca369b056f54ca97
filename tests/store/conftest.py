"""A desk in a store: of each database, and in a file of SQLite's where a test is about that.

A file whose tests are about SQLite alone says so: `pytestmark = pytest.mark.sqlite`; one test by the same mark. What is
PostgreSQL's own has the mark `server`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from store.desk import Desk, attachment
from store.stores import KINDS, STORES, desks, in_a_file, rows

from engine.model.mail import Attachment


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run what asks for a desk on each database, unless it is one's own."""
    if "desk" in metafunc.fixturenames and "contracts" not in metafunc.definition.path.parts:
        marked = metafunc.definition.get_closest_marker
        kinds = KINDS[:1] if marked("sqlite") else KINDS[1:] if marked("server") else KINDS
        metafunc.parametrize("desk", rows(kinds), indirect=True)


@pytest.fixture
def attached() -> Callable[..., Attachment]:
    return attachment


@pytest.fixture
def desk(request: Any) -> Iterator[Desk]:
    yield from desks(STORES[request.param](request))


@pytest.fixture
def file_desk(request: Any) -> Iterator[Desk]:
    """The same in a real file."""
    yield from desks(in_a_file(request))
