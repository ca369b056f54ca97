"""What one connection remembers of small tables, and the counters that tell when an answer may have changed.

Here: `Memory`. Not here: any query. Invariant: nothing is remembered across a change of the table it came from,
whoever made the change, nor across a rollback.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, get_args

from msgspec import Struct

from engine.model.stored import Counter, Versions
from engine.store.database import Database

T = TypeVar("T")

MOST_REMEMBERED = 20_000


class Window(Struct):
    """The decided mails received from `start` up to `end`, counted."""

    start: int
    end: int
    count: int


COUNTERS: tuple[Counter, ...] = get_args(Counter)
ALL = frozenset(COUNTERS)


class Memory:
    """Remembers for all parts of a store; whoever writes says so with `touch`."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._changes: dict[Counter, int] = dict.fromkeys(COUNTERS, 0)
        self._others = 0
        self._remembered: dict[tuple[Any, ...], Any] = {}
        self.windows: dict[int, Window] = {}
        database.rolled_back = self._rolled_back  # type: ignore[method-assign]

    def versions(self) -> Versions:
        """Give the counters; equal counters mean that no answer about accounts, items or receipts has changed."""
        others = self._database.others()
        if others != self._others:
            self._others = others
            self._forget()
        return Versions(**self._changes, others=others)

    def changed_since(self, before: Versions) -> frozenset[Counter]:
        """Name what may have changed since `before`; another connection may have changed anything."""
        now = self.versions()
        if now.others != before.others:
            return ALL
        return frozenset([each for each, new, old in zip(COUNTERS, now, before, strict=False) if new != old])

    def touch(self, *counters: Counter) -> None:
        """Count a write; what was remembered of accounts is forgotten with it."""
        for counter in counters:
            self._changes[counter] += 1
        if "accounts" in counters:
            self._remembered.clear()

    def _rolled_back(self) -> None:
        self.touch(*COUNTERS)
        self._forget()

    def _forget(self) -> None:
        self._remembered.clear()
        self.windows.clear()

    def remember(self, key: tuple[Any, ...], find: Callable[[], T]) -> T:
        """Answer from memory, or find out and remember: for small tables that decisions ask again and again."""
        try:
            return self._remembered[key]  # type: ignore[no-any-return]
        except KeyError:
            found = find()
            if len(self._remembered) >= MOST_REMEMBERED:
                self._remembered.clear()
            self._remembered[key] = found
            return found
