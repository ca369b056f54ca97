"""The table of modules a script may import.

Here: which there are, what each needs to be loaded, and what `import` does. Not here: what is in them (`facades/`).
Invariant: a module is loaded before the fences close, and only if a script names it.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any

from hooks.denied import DeniedAttribute, near
from hooks.facade import Module

TABLE: dict[str, tuple[str, str]] = {
    "re": ("hooks.facades.regex", "MODULE"),
    "datetime": ("hooks.facades.dates", "MODULE"),
    "json": ("hooks.facades.data", "MODULE"),
    "math": ("hooks.facades.numbers", "MODULE"),
    "string": ("hooks.facades.characters", "STRING"),
    "unicodedata": ("hooks.facades.characters", "UNICODEDATA"),
    "email": ("hooks.facades.addresses", "MODULE"),
    "email.utils": ("hooks.facades.addresses", "UTILS"),
}
"""Name for a script: the file and the name in it."""

NAMES = ", ".join(name for name in TABLE if name != "email")
_loaded: dict[str, Module] = {}


def load(names: Mapping[str, Any] | frozenset[str] | set[str]) -> None:
    """Load these modules (of those in the table) while files can still be read."""
    for name in TABLE:
        if name.partition(".")[0] in names:
            path, attribute = TABLE[name]
            _loaded[name] = getattr(importlib.import_module(path), attribute)


def mentioned(source: str) -> set[str]:
    """Name the modules that a source may be about to import: every word counts, wherever it stands."""
    return {name for name in TABLE if name in source and "." not in name}


def members(name: str) -> frozenset[str]:
    """Name what a script may import from a loaded module."""
    return frozenset(_loaded[name]._members)


def known(name: str) -> bool:
    """Tell whether a script may import this module."""
    return name in _loaded


def suggestion(name: str) -> str:
    """Give the nearest module a script may import."""
    return near(name, TABLE)


def bring(name: str, scope: Any = None, local: Any = None, names: Any = (), level: int = 0) -> Module:
    """Do what `__import__` does, for the modules of the table."""
    if level or name not in _loaded:
        raise DeniedAttribute(f"hooks cannot import {name!r}; they have {NAMES}")
    if names:
        return _loaded[name]
    return _loaded[name.partition(".")[0]]
