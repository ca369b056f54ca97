"""A store with a few people and items, and files as other systems write them."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import databases
import pytest

from engine.store.load import LoadError, load
from engine.store.store import Store

DATA = """
groups = [{ name = "staff" }]
fields = [{ name = "Old number" }]
[[users]]
login  = "anna"
name   = "Anna Berg"
emails = ["anna@example.com"]
groups = ["staff"]
[[users]]
login  = "lou"
emails = ["lou@example.com"]
status = "locked"
[[workspaces]]
identifier = "support"
[[items]]
id        = 1002
workspace = "support"
title     = "The printer"
author    = "anna"
fields    = { "Old number" = "2" }
[[items]]
id        = 1003
workspace = "support"
title     = "The router"
author    = "anna"
"""


@pytest.fixture
def store() -> Iterator[Store]:
    with Store.open(databases.fresh()) as opened:
        load(opened, tomllib.loads(DATA))
        yield opened


@pytest.fixture
def file(tmp_path: Path) -> Callable[..., Path]:
    """Write a file and give its path."""

    def write(content: str | bytes, name: str = "export.csv") -> Path:
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return write


@pytest.fixture
def wrong() -> Callable[..., list[tuple[str, int, str]]]:
    """What is wrong with a file: code, line and sentence of each problem."""

    def collect(what: Callable[..., Any], *words: Any, **named: Any) -> list[tuple[str, int, str]]:
        with pytest.raises(LoadError) as caught:
            what(*words, **named)
        return [(each.code, each.line, each.message) for each in caught.value.problems]

    return collect
