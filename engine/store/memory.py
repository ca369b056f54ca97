"""What one connection remembers: small tables, the last thing mailed about, the counters of what may have changed.

Here: `Memory`. Not here: any query. Invariant: nothing is remembered across a change of the table it came from,
whoever made the change, nor across a rollback.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple, TypeVar, get_args

from msgspec import Struct

from engine.model.changes import Changes, Counter, Key, Versions
from engine.store.database import Database

T = TypeVar("T")

MOST_REMEMBERED = 20_000


class Window(Struct):
    """The decided mails received from `start` up to `end`, counted.

    Of those that came since `start` none came before `first`; of all none came behind `last`.
    """

    start: int
    end: int
    count: int
    first: int | None
    last: int


class Times(Struct):
    """When the decided mails of one sender came that came since `start`, in order."""

    start: int
    at: list[int]


class Letter(NamedTuple):
    """A row of the outbox that counts: when it was written, of which kind, about which item (0: none), and held."""

    at: int
    kind: str
    item: int
    held: bool


COUNTERS: tuple[Counter, ...] = get_args(Counter)
ALL = frozenset(COUNTERS)
NOTHING: frozenset[Counter] = frozenset()


class Memory:
    """Remembers for all parts of a store; whoever writes says so with `touch`."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._writes = 0
        self._whole: dict[Counter, int] = dict.fromkeys(COUNTERS, 0)
        self._partly: dict[Counter, int] = dict.fromkeys(COUNTERS, 0)
        self._keys: dict[Key, int] = {}
        self._others = 0
        self._remembered: dict[tuple[Any, ...], Any] = {}
        self.windows: dict[int, Window] = {}
        self.senders: dict[str, dict[str, Times]] = {}
        self.totals: dict[str, list[int]] = {}
        self.letters: dict[str, list[Letter]] = {}
        database.rolled_back = self._rolled_back  # type: ignore[method-assign]

    def versions(self) -> Versions:
        """Give the present state; an equal one means that no answer about accounts, items or receipts has changed."""
        others = self._database.others()
        if others != self._others:
            self._others = others
            self._forget()
        return Versions(self._writes, others)

    def changed_since(self, before: Versions) -> Changes:
        """Tell what may have changed since `before`; another connection may have changed anything."""
        now, own = self.versions(), before.own
        if now.others != before.others:
            return Changes(ALL, ALL, self._keys, own)
        if now.own == own:
            return Changes(NOTHING, NOTHING, self._keys, own)
        whole = frozenset([counter for counter, written in self._whole.items() if written > own])
        partly = frozenset([counter for counter, written in self._partly.items() if written > own])
        return Changes(whole, partly, self._keys, own)

    def touch(self, *counters: Counter) -> None:
        """Count a write after which anything of these may be another; what was remembered of accounts is forgotten."""
        self._writes += 1
        for counter in counters:
            self._whole[counter] = self._writes
        if "accounts" in counters:
            self._remembered.clear()

    def touch_only(self, counter: Counter, keys: Iterable[Key]) -> None:
        """Count a write that changed only what hangs on these keys."""
        if len(self._keys) > MOST_REMEMBERED:
            self._keys.clear()
            self.touch(*COUNTERS)
        self._writes += 1
        self._partly[counter] = self._writes
        for key in keys:
            self._keys[key] = self._writes

    def _rolled_back(self) -> None:
        self.touch(*COUNTERS)
        self._forget()

    def _forget(self) -> None:
        self._remembered.clear()
        self.windows.clear()
        self.senders.clear()
        self.forget_letters()

    def forget_letters(self) -> None:
        """Forget what was written to whom: a row that counted does so no more, or one that did not does."""
        self.totals.clear()
        self.letters.clear()

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

    def forget(self, *keys: tuple[Any, ...]) -> None:
        """Forget some of it that is right no more."""
        for key in keys:
            self._remembered.pop(key, None)

    def remembered(self, key: tuple[Any, ...]) -> Any:
        """Give what is remembered, None for nothing."""
        return self._remembered.get(key)
