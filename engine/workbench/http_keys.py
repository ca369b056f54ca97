"""The keys of [http], looked at before a program shows one.

Here: whether each can be had, and is no other one's. Not here: the door that reads them (`engine/doors`), what else is
checked (`checks.py`).
Invariant: no key is in a problem.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from engine.config import SecretError
from rules.problem import Problem, Severity

if TYPE_CHECKING:
    from engine.config.doors import HttpKey

GOOD = "openssl rand -hex 32 makes a good one"


def looked_at(keys: Mapping[str, HttpKey], *, written: bool) -> Iterator[tuple[str, Problem | None]]:
    """Read keys, those `written` in the file or those that stand elsewhere; gives what is wrong with each, if any."""
    seen: dict[str, str] = {}
    for name, key in sorted(keys.items(), key=lambda each: not each[1].key):
        if key.key or not written:  # what stands elsewhere is held against all of them
            problem = _problem(name, key, seen)
            if bool(key.key) is written:
                yield name, problem


def _problem(name: str, key: HttpKey, seen: dict[str, str]) -> Problem | None:
    at = f"[http.keys.{name}]"
    try:
        other = seen.setdefault(key.secret(name), name)
    except SecretError as error:
        return Problem("C201", f'{error}; who shows it hears "later"', at, help=GOOD)
    if other == name:
        return None
    said = f"http key {name}: it is the same as that of {other}: who shows it may do what both may"
    return Problem("C202", said, at, help=GOOD, severity=Severity.WARNING)
