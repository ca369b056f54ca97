"""How many mails came in a time: of one sender, and of all.

Here: counting, and what is remembered so that the next mail of a pass need not count again. Not here: which limit
stands on a rate (`stages/limits.py`), the mails that are in hand (`run/world.py`).
Invariant: what is remembered is what the database would say: receipts, of this process and others, are counted in
(`Memory.decided`), and where one came without its time, or nobody knows what others wrote, it is forgotten.
"""

from __future__ import annotations

from bisect import bisect_left
from typing import Any

from engine.model.addresses import base_key, key_of
from engine.store import hot, tagged
from engine.store.database import Database
from engine.store.memory import MOST_REMEMBERED, Memory, Times, Window

MOST_TIMES = 5_000
"""Mails of a sender whose times are remembered; of one who sends more they are counted anew for each mail."""


STEP_US = 600_000_000
"""Times are read from the beginning of ten minutes on: all mails of a batch ask the same of their sender."""


def read_from(start: int) -> int:
    """Give from when the times are read that a count since `start` needs."""
    return start - start % STEP_US


def times_of(base: str, separators: str, start: int) -> tuple[str, list[Any]]:
    """Give the statement that tells when mails of a sender came, and its values."""
    texts, values = list[str](), list[Any]()
    for sql, given in tagged.by_address(hot.CAME_AT, [start], "sender", "received_at", base, separators):
        texts.append(f"SELECT received_at FROM ({sql} LIMIT {MOST_TIMES + 1}) AS those{len(texts)}")  # noqa: S608 - our own texts
        values += given
    return " UNION ALL ".join(texts), values


class Rates:
    """Counts decided mails by the time they were received, in microseconds since 1970."""

    def __init__(self, database: Database, memory: Memory) -> None:
        self._database, self._memory = database, memory

    def of_sender(self, address: str, start: int, end: int, separators: str) -> int:
        """Count the mails of a sender, under any tag, from `start` to before `end`."""
        base = base_key(key_of(address), separators)
        known = self._known(base, separators, start) if self._memory.stands_still() else None
        if known is None:
            return tagged.count(self._database, hot.TOTAL_RATE, [start, end], "sender", "received_at", base, separators)
        return bisect_left(known.at, end) - bisect_left(known.at, start)

    def _known(self, base: str, separators: str, start: int) -> Times | None:
        known = self._memory.senders.setdefault(separators, {}).get(base)
        return self._times(base, separators, read_from(start)) if known is None or start < known.start else known

    def _times(self, base: str, separators: str, start: int) -> Times | None:
        """Read when the mails of a sender came, and remember it; None where they are too many."""
        sql, values = times_of(base, separators, start)
        rows = self._database.rows(sql, *values)
        if len(rows) > MOST_TIMES:
            return None
        senders = self._memory.senders[separators]
        if len(senders) >= MOST_REMEMBERED:
            senders.clear()
        known = senders[base] = Times(start, sorted([at for (at,) in rows]))
        return known

    def of_all(self, start: int, end: int) -> int:
        """Count all mails from `start` to before `end`, through a window that moves on from mail to mail.

        Only what enters and leaves it is counted, and only where something can have done so.
        """
        if not self._memory.stands_still():
            return self._count(start, end)
        seconds = end - start
        window = self._memory.windows.get(seconds)
        if window is None or not window.start <= start <= window.end <= end:
            last = self._database.one(hot.LAST_OF_ALL)[0] or 0
            window = Window(start, end, self._count(start, end), self._first(start), last)
            self._memory.windows[seconds] = window
            return window.count
        if window.last >= window.end and (entered := self._count(window.end, end)):
            window.count += entered
            window.first = window.first or self._first(window.start)
        if window.first is not None and window.first < start:
            window.count -= self._count(window.start, start)
            window.first = self._first(start)
        window.start, window.end = start, end
        return window.count

    def _count(self, start: int, end: int) -> int:
        return int(self._database.one(hot.TOTAL_RATE, start, end)[0]) if start < end else 0

    def _first(self, start: int) -> int | None:
        found: int | None = self._database.one(hot.FIRST_SINCE, start)[0]
        return found
