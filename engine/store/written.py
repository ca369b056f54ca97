"""What mails of ours were written lately: of a kind to everybody in an hour, and to one address.

Here: counting rows of the outbox for the caps, and what is remembered so that the next mail of a pass need not count
again. Not here: which cap stands on a count (`decision/not_told.py`), the rows (`dispatches.py`).
Invariant: what is remembered is what the database would say: rows, of this process and others, are counted in
(`Memory.wrote`); where nobody knows what others wrote, or a row was changed that counts or does not any more, it is
forgotten.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable
from typing import Any

from engine.model.events import Kind
from engine.store import hot
from engine.store.database import Database
from engine.store.memory import MOST_REMEMBERED, Counted, Memory
from engine.store.queue import CLOCK_JUMP_S

HOUR_US = 3_600_000_000
"""The time in which the caps count."""

KEPT_US = 4 * HOUR_US
"""The time in which mails to one address are looked at: as many mails in it that all say the same, each after one of
ours, are a loop, too, which passes by cron make slow (`scene.py`)."""

MOST_COUNTED = 5_000
"""Rows that a count looks at: above this number it is more than any cap allows."""


class Written:
    """Counts rows by the time at which they were written, in microseconds since 1970."""

    def __init__(self, database: Database, memory: Memory) -> None:
        self._database, self._memory, self._latest = database, memory, 0
        self._foreseen: dict[str, tuple[int, int]] = {}

    def of(self, kind: Kind) -> int:
        """Count the rows of a kind of the last hour, whomever they are to."""
        now = self._now()
        is_kept = self._memory.stands_still()
        times = self._memory.totals.get(kind) if is_kept else None
        if times is None:
            rows = self._asked(str(kind))(hot.WRITTEN, str(kind), *_span(now, HOUR_US), MOST_COUNTED)
            times = [at for (at,) in reversed(rows)]
            if is_kept:
                self._memory.totals[kind] = times
        return len(times) - bisect_left(times, now - HOUR_US)

    def to(self, address_key: str) -> list[Counted]:
        """Give what was written to an address by itself in the time that is kept, in order."""
        now = self._now()
        is_kept = self._memory.stands_still()
        known = self._memory.letters.get(address_key) if is_kept else None
        if known is None:
            span = self._foreseen.pop(address_key, None) or _span(now, KEPT_US)
            rows = self._asked(address_key)(hot.WRITTEN_TO, address_key, *span, MOST_COUNTED)
            known = [Counted(at, kind, item or 0, bool(held)) for at, kind, item, held in reversed(rows)]
            if len(self._memory.letters) >= MOST_REMEMBERED:
                self._memory.letters.clear()
            if is_kept:
                self._memory.letters[address_key] = known
        if known and known[0].at < now - KEPT_US:
            del known[: bisect_left(known, (now - KEPT_US,))]
        return known

    def foresee(self, address_key: str) -> None:
        """Hear that an address will most likely be written to."""
        known = self._memory.letters.get(address_key) is not None or address_key in self._foreseen
        if not known and address_key not in self._memory.unread:
            span = self._foreseen[address_key] = _span(self._now(), KEPT_US)
            self._database.foresee(hot.WRITTEN_TO, address_key, *span, MOST_COUNTED)

    def forget_foreseen(self) -> None:
        """Hear that all is told: what is asked from now on is asked as of then."""
        self._foreseen.clear()

    def count(self, kind: Kind, address_key: str, item: int = 0) -> int:
        """Count the rows of a kind to an address of the last hour, on one item or any."""
        letters = self.to(address_key)
        late = letters[bisect_left(letters, (self._latest - HOUR_US,)) :]
        return len([each for each in late if each.kind == kind and (not item or each.item == item)])

    def wrote(self, kind: Kind, address_key: str, item: int, now: int, *, held: bool) -> None:
        """Hear that a row was written that counts."""
        self._memory.wrote(address_key, Counted(now, str(kind), item, held))

    def _asked(self, about: str) -> Callable[..., list[tuple[Any, ...]]]:
        """Ask what is stored where nothing was put about it."""
        return self._database.rows if about in self._memory.unread else self._database.stored

    def _now(self) -> int:
        """The time; where a clock was put back, another hour counts than the one that is remembered."""
        now = self._database.now()
        if now < self._latest:
            self._memory.forget_letters()
        self._latest = now
        return now


def _span(now: int, kept: int) -> tuple[int, int]:
    """Between which times what was written counts: a clock that ran ahead wrote what is of a time to come."""
    return now - kept, now + CLOCK_JUMP_S * 1_000_000
