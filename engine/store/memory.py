"""What one connection remembers: small tables, the last thing mailed about, the counters of what may have changed.

Here: `Memory`. Not here: any query, the rows in which processes tell each other what they touched (`trail.py`).
Invariant: nothing is remembered across a change of the table it came from, whoever made the change, nor across a
rollback. What was counted is remembered only inside a transaction (`stands_still`): what others write is added to it.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple, TypeVar, get_args

from msgspec import Struct

from engine.model.addresses import base_key
from engine.model.changes import Changes, Counter, Key, Versions
from engine.store.database import Database
from engine.store.trail import Notes

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


class Counted(NamedTuple):
    """A row of the outbox that counts: when it was written, of which kind, about which item (0: none), and held."""

    at: int
    kind: str
    item: int
    held: bool


COUNTERS: tuple[Counter, ...] = get_args(Counter)
ALL = frozenset(COUNTERS)
NOTHING: frozenset[Counter] = frozenset()

LETTERS = ("letters",)
"""Stands among the keys to forget for all that was written to anybody."""

MARKERS = ("markers",)
"""Stands there for whether there are markers of another system."""

NOBODY = 0
"""No connection is told that of the others: nobody was looked for yet."""


class Memory:
    """Remembers for all parts of a store; whoever writes says so with `touch`, `touch_only`, `decided` or `wrote`."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._trail = database.left()
        self._writes = 0
        self._whole: dict[Counter, int] = dict.fromkeys(COUNTERS, 0)
        self._partly: dict[Counter, int] = dict.fromkeys(COUNTERS, 0)
        self._keys: dict[Key, int] = {}
        self._others, self._heard = NOBODY, 0
        self._remembered: dict[tuple[Any, ...], Any] = {}
        self.windows: dict[int, Window] = {}
        self.senders: dict[str, dict[str, Times]] = {}
        self.totals: dict[str, list[int]] = {}
        self.letters: dict[str, list[Counted]] = {}
        self.unread: set[str] = set()
        """Kinds and addresses of which rows were written since all was forgotten."""
        self.markers: bool | None = None
        database.rolled_back = self._rolled_back  # type: ignore[method-assign]
        database.leaving = self._leaving  # type: ignore[method-assign]

    # ── what changed ──────────────────────────────────────────────────────────────────────────────────────────

    def versions(self) -> Versions:
        """Give the present state; an equal one means that no answer about accounts, items or receipts has changed."""
        others = self._database.others()
        if others != self._others:
            self._others = others
            self._hear_of_others()
        return Versions(self._writes, self._heard)

    def changed_since(self, before: Versions) -> Changes:
        """Tell what may have changed since `before`."""
        now, since = self.versions().writes, before.writes
        if now == since:
            return Changes(NOTHING, NOTHING, self._keys, since)
        whole = frozenset([counter for counter, written in self._whole.items() if written > since])
        partly = frozenset([counter for counter, written in self._partly.items() if written > since])
        return Changes(whole, partly, self._keys, since)

    def stands_still(self) -> bool:
        """Tell whether nobody else's write can come between what is counted now and what is heard of others next."""
        if not self._database.stands_still:
            return False
        self.versions()
        return True

    def _hear_of_others(self) -> None:
        if self._database.beside_others:  # what was counted may have held what is told now
            self._forget_counts()
        told = self._trail.left_by_others()
        self._heard += told != []
        if told is None:
            self._touch(COUNTERS)
            self._forget()
        for notes in told or ():
            self._take(notes)

    def _take(self, notes: Notes) -> None:
        """Do after somebody else's write what was done after it there."""
        for received_at, sender in notes.decided:
            self._decided(received_at, sender)
        for address_key, at, kind, item, held in notes.wrote:
            self._wrote(address_key, Counted(at, kind, item, held))
        for counter, keys in notes.keys:
            self._touch_only(counter, keys)
        if notes.whole:
            self._touch(notes.whole)
        for key in notes.forgotten:
            self._remembered.pop(key, None)
        if LETTERS in notes.forgotten:
            self._forget_letters()
        if MARKERS in notes.forgotten:
            self.markers = None

    # ── writes of this process ────────────────────────────────────────────────────────────────────────────────

    def touch(self, *counters: Counter) -> None:
        """Count a write after which anything of these may be another; what was remembered of accounts is forgotten."""
        self._trail.notes.whole += counters
        self._touch(counters)

    def touch_only(self, counter: Counter, keys: tuple[Key, ...]) -> None:
        """Count a write that changed only what hangs on these keys."""
        self._trail.notes.keys.append((counter, keys))
        self._touch_only(counter, keys)

    def decided(self, received_at: int | None, sender: str) -> None:
        """Hear that a mail was decided for the first time; without its time nothing that is remembered is sure."""
        self._trail.notes.decided.append((received_at, sender))
        self._decided(received_at, sender)

    def wrote(self, address_key: str, letter: Counted) -> None:
        """Hear that a row of the outbox was written that counts, so that the next count need not read them all."""
        self._trail.notes.wrote.append((address_key, *letter))
        self._wrote(address_key, letter)

    def forget_letters(self) -> None:
        """Forget what was written to whom: a row that counted does so no more, or one that did not does."""
        self._trail.notes.forgotten.append(LETTERS)
        self._forget_letters()

    def forget(self, *keys: tuple[str, ...]) -> None:
        """Forget some of it that is right no more."""
        self._trail.notes.forgotten += keys
        for key in keys:
            self._remembered.pop(key, None)
        if MARKERS in keys:
            self.markers = None

    def _leaving(self, noted: bool) -> None:
        if self._trail.in_order:
            self.versions()  # what others left before: behind our own row nobody looks for it
        self._trail.leave(noted)

    def _rolled_back(self) -> None:
        self._trail.taken_back(not self._database.is_writing)
        self._others = NOBODY
        self._touch(COUNTERS)
        self._forget()

    # ── what is remembered ────────────────────────────────────────────────────────────────────────────────────

    def _touch(self, counters: Iterable[Counter]) -> None:
        self._writes += 1
        for counter in counters:
            self._whole[counter] = self._writes
        if "accounts" in counters:
            self._remembered.clear()

    def _touch_only(self, counter: Counter, keys: Iterable[Key]) -> None:
        if len(self._keys) > MOST_REMEMBERED:
            self._keys.clear()
            self._touch(COUNTERS)
        self._writes += 1
        self._partly[counter] = self._writes
        for key in keys:
            self._keys[key] = self._writes

    def _decided(self, received_at: int | None, sender: str) -> None:
        if received_at is None:
            self.windows.clear()
            self.senders.clear()
            return
        for window in self.windows.values():
            window.last = max(window.last, received_at)
            if window.start <= received_at < window.end:
                window.count += 1
                window.first = received_at if window.first is None else min(window.first, received_at)
        for separators, senders in self.senders.items():
            known = senders.get(base_key(sender, separators))
            if known is not None and received_at >= known.start:
                insort(known.at, received_at)

    def _wrote(self, address_key: str, letter: Counted) -> None:
        times, known = self.totals.get(letter.kind), self.letters.get(address_key)
        if times is not None:
            insort(times, letter.at)
        if known is not None:
            insort(known, letter)
        self.unread |= {letter.kind, address_key}

    def _forget(self) -> None:
        self._remembered.clear()
        self.markers = None
        self._forget_counts()

    def _forget_counts(self) -> None:
        self.windows.clear()
        self.senders.clear()
        self._forget_letters()

    def _forget_letters(self) -> None:
        self.totals.clear()
        self.letters.clear()
        self.unread.clear()

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

    def remembered(self, key: tuple[Any, ...]) -> Any:
        """Give what is remembered, None for nothing."""
        return self._remembered.get(key)
