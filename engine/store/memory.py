"""What one connection remembers of small tables, and the counters that tell when an answer may have changed.

Here: `Memory`. Not here: any query. Invariant: nothing is remembered across a change of the table it came from,
whoever made the change, nor across a rollback.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeVar

from engine.model.stored import Versions
from engine.store.database import Database

T = TypeVar("T")

MOST_REMEMBERED = 20_000


@dataclass(slots=True)
class Window:
    """The decided mails received from `start` up to `end`, counted."""

    start: int
    end: int
    count: int


DEPENDS_ON: dict[str, tuple[str, ...]] = {
    "account": ("accounts",),
    "login": ("accounts",),
    "person": ("accounts",),
    "group": ("accounts",),
    "may": ("accounts",),
    "catalog": ("accounts",),
    "item": ("items",),
    "topic": ("items",),
    "item_by_field": ("items",),
    "item_by_message_ids": ("items", "receipts"),
    "duplicate": ("receipts",),
}
"""Which counters a question depends on; `others` counts for all. Workspaces and fields are counted as accounts."""


@lru_cache(maxsize=16)
def _doubtful(accounts: bool, items: bool, receipts: bool, others: bool) -> frozenset[str]:
    """Name the questions whose answers may be others, by the counters that moved."""
    if others:
        return frozenset(DEPENDS_ON)
    moved = {name for name, has in (("accounts", accounts), ("items", items), ("receipts", receipts)) if has}
    return frozenset(question for question, counters in DEPENDS_ON.items() if moved.intersection(counters))


class Memory:
    """Remembers for all parts of a store; whoever writes says so with `touch`."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._changes = {"accounts": 0, "items": 0, "receipts": 0}
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

    def changed_since(self, before: Versions) -> frozenset[str]:
        """Name the questions whose answers may have changed since `before`."""
        return _doubtful(*[now != then for now, then in zip(self.versions(), before, strict=True)])

    def touch(self, *counters: str) -> None:
        """Count a write; what was remembered of accounts is forgotten with it."""
        for counter in counters:
            self._changes[counter] += 1
        if "accounts" in counters:
            self._remembered.clear()

    def _rolled_back(self) -> None:
        self.touch("accounts", "items", "receipts")
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
