"""A desk on PostgreSQL, and workers that end with the test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from worker.office import Office, Working


@pytest.fixture
def office(tmp_path: Path, postgres_url: str) -> Office:
    """A desk with one mailbox, ticking every second."""
    return Office(tmp_path, postgres_url)


@pytest.fixture
def working() -> Iterator[Callable[..., Working]]:
    """A function that starts a worker for an office."""
    started: list[Working] = []

    def start(office: Office, *words: str, **environ: str) -> Working:
        started.append(Working(office, *words, **environ))
        return started[-1]

    yield start
    for each in started:
        each.end()
