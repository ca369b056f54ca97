"""Do the items of a data file hold only what their workspace offers, and fields only what they choose from?

Here: `unknown_values`, `unknown_default`, asked once the workspaces and fields of the file are there. Not here: the
rows (`load_items.py`).
Invariant: a value is doubted as it would be stored, case and all; fields that nobody declared are free.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from engine.model.desk import Catalog
from engine.model.fields import COMMON, Field
from rules.near import near_names

Unknown = tuple[tuple[str, ...], str, str]
"""The keys that lead to a value, what is wrong with it, and a way out."""


def unknown_values(entry: Mapping[str, Any], catalog: Catalog) -> Iterator[Unknown]:
    """Give what an item of this workspace cannot have."""
    for field in COMMON.rows:
        value = entry.get(field.name)
        if field.choices and value is not None and (value or field.needed):
            yield from _unknown((field.name,), value, field.name, _offered(field, catalog), catalog.workspace)
    for own in catalog.fields:
        held = entry.get("fields", {}).get(own.name)
        if own.kind != "list" or not held:
            continue
        for value in held if isinstance(held, list) else (held,):
            yield from _unknown(("fields", own.name), value, own.name, own.values, catalog.workspace)


def unknown_default(entry: Mapping[str, Any]) -> Iterator[Unknown]:
    """Give the default of a field that chooses from a list and cannot choose it."""
    given = entry.get("default")
    if entry.get("kind") == "list" and given not in (None, ""):
        for value in given if isinstance(given, list) else (given,):
            yield from _unknown(("default",), value, "value", tuple(entry.get("values", ())), entry["name"])


def _offered(field: Field, catalog: Catalog) -> tuple[str, ...]:
    if field.choices == "statuses":
        return tuple(status.name for status in catalog.statuses)
    offered: tuple[str, ...] = getattr(catalog, field.choices)
    return offered


def _unknown(
    path: tuple[str, ...], value: str, what: str, offered: tuple[str, ...], workspace: str
) -> Iterator[Unknown]:
    if value in offered:
        return
    near = near_names(value, offered, 1) if isinstance(value, str) else []
    there = f"there are {', '.join(offered)}" if offered else f"{workspace} has none yet"
    yield path, f'"{value}" is no {what} of {workspace}', f"did you mean {near[0]} ?" if near else there
