"""One office for all tests that only look, one of their own for those that change something; a browser."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from console.offices import HOSTILE, PASSWORD, Office, hostile, office, served
from servers.chromium import browser, missing

from engine.desk import access, passwords


@pytest.fixture(scope="session")
def quiet_office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    """The demo and hostile mail; nobody changes it."""
    with office(tmp_path_factory.mktemp("office") / "demo") as made:
        made.take(*[hostile(number, text) for number, text in enumerate(HOSTILE)])
        for ref in made.evil()[-3:]:
            assert made.post(f"/held/{ref}", act="release", reason="a hostile item").status_code == 303
        yield made


@pytest.fixture
def own_office(tmp_path: Path) -> Iterator[Office]:
    """The demo, to be changed."""
    with office(tmp_path / "demo") as made:
        yield made


@pytest.fixture
def gate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Office]:
    """An office where anna and bob have passwords; proving one costs little."""
    monkeypatch.setattr(passwords, "COST", passwords.Cost(8, 1, 1))
    with office(tmp_path / "demo", "accounts") as made:
        with made.installation.store() as store:
            for login in ("anna", "bob"):
                access.set_password(store, made.installation.config, login, PASSWORD, "anna")
        yield made


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    """A real Chromium. Skips without one, fails if CI=true.

    Of a module alone: its driver keeps an event loop running, beside which others cannot run theirs.
    """
    if absent := missing():
        if os.environ.get("CI") == "true":
            pytest.fail(f"not installed: {absent}")
        pytest.skip(f"not installed: {absent}")
    with browser() as started:
        yield started


@pytest.fixture
def own_host(own_office: Office) -> Iterator[str]:
    with served(own_office.app) as host:
        yield host


@pytest.fixture(scope="session")
def quiet_host(quiet_office: Office) -> Iterator[str]:
    with served(quiet_office.app) as host:
        yield host
