"""Bringing in what another system knows: people, workspaces, items and topics out of a file.

Here: reading the file, and putting it into the store or only trying to. Not here: what may stand in it
(`store/load.py`), the places of its problems (`store/places.py`).
Invariant: with anything wrong in the file nothing is loaded.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from engine.store import places
from engine.store.load import LoadError, Tally
from engine.store.load import load as load_into

if TYPE_CHECKING:
    from engine.store.store import Store


class Data(Struct, frozen=True):
    """The tables of a data file, and its text for the places of problems."""

    tables: Mapping[str, Any]
    text: places.Text


def read(file: Path) -> Data:
    """Read a data file: TOML, or JSON where its name ends so. Raises LoadError."""
    tables, text, problems = places.read(file)
    if problems:
        raise LoadError(tuple(problems))
    return Data(tables, text)


def load(store: Store, data: Data, *, dry_run: bool = False) -> dict[str, Tally]:
    """Put all of it into the store and tell of each table what was new; a dry run takes it back. Raises LoadError."""
    with store.rehearsal() if dry_run else nullcontext():
        return load_into(store, data.tables, data.text)
