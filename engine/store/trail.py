"""What each transaction touched, left for the other processes: they forget that, and not all they remember.

Here: the row that a commit leaves, and reading those of others where one transaction comes after the other
(`Numbered`). Not here: the same where they run beside each other (`snapshots.py`), who notes what is touched and makes
of it what is to be forgotten (`memory.py`), when a row is left (`database.py`).
Invariant: a row is written with what it tells of, by everyone who writes through a store. What is not told in full
(a row without notes, one that is missing, a change without a row) may be anything.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any, Protocol

import msgspec

from engine.model.changes import Counter, Key
from engine.store import hot

if TYPE_CHECKING:
    from engine.store.database import Database

MOST_LEFT, LEFT_AT_ONCE = 96, 32
"""So many rows stay, at least; whoever did not look for longer than that forgets all. So many go at once."""

NOT_LOOKED = -1


class Notes(msgspec.Struct, array_like=True):
    """What a transaction touched: counters of which anything may have changed, the keys of others, what to forget.

    `decided` are mails, by the time they were received and their sender; `wrote` are rows of the outbox that count, the
    address and the values of a `Counted`. What was taken back in the middle of a transaction makes them `unsure`.
    """

    whole: list[Counter] = []
    keys: list[tuple[Counter, tuple[Key, ...]]] = []
    forgotten: list[tuple[str, ...]] = []
    decided: list[tuple[int | None, str]] = []
    wrote: list[tuple[str, int, str, int, bool]] = []
    unsure: bool = False


class Left(Protocol):
    """What others are told of this connection's transactions, and what it reads of theirs."""

    notes: Notes

    in_order: bool
    """Whether a row may be left only where all that others left was read."""

    def leave(self, in_full: bool) -> None:
        """Leave a row at the end of a transaction; `in_full` if `notes` tell all that it touched."""

    def left_by_others(self) -> list[Notes] | None:
        """Read what others touched since this was asked last; None where that may be anything."""

    def taken_back(self, whole: bool) -> None:
        """Hear of a rollback, of the `whole` transaction or of a part of it."""


_encode = msgspec.msgpack.Encoder().encode
decode = msgspec.msgpack.Decoder(Notes).decode


def told(notes: Notes, in_full: bool) -> bytes | None:
    """Write notes down; None where they do not tell all."""
    if in_full and not notes.unsure:
        with suppress(UnicodeEncodeError):  # half a letter in a Message-ID
            return _encode(notes)
    return None


class Numbered:
    """Rows with numbers one after the other: none is left while another transaction writes."""

    in_order = True

    def __init__(self, database: Database) -> None:
        self._database = database
        self._seen = NOT_LOOKED
        self.notes = Notes()

    def leave(self, in_full: bool) -> None:
        self._seen = number = self._seen + 1
        self._database.mark(hot.LEAVE, number, told(self.notes, in_full))
        self.notes = Notes()
        if number % LEFT_AT_ONCE == 0:
            self._database.mark(hot.LEFT_LONG_AGO, number - MOST_LEFT)

    def left_by_others(self) -> list[Notes] | None:
        rows: list[tuple[int, Any]] = []
        if self._seen != NOT_LOOKED:
            rows = self._database.rows(hot.LEFT_SINCE, self._seen)
        if not rows:
            self._seen = self._database.one(hot.LAST_LEFT)[0] or 0
            return None
        before, self._seen = self._seen, rows[-1][0]
        if self._seen != before + len(rows) or any(notes is None for _, notes in rows):
            return None
        return [decode(notes) for _, notes in rows]

    def taken_back(self, whole: bool) -> None:
        self.notes = Notes(unsure=not whole)
        self._seen = NOT_LOOKED
