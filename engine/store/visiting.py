"""Which mailbox a worker reads next, and when.

Here: `Visiting`, as `engine.ports.Visiting` tells it. Not here: the lease that keeps two visits apart (`lease.py`), the
visit (`run/visit.py`), how long one waits (`run/lookout.py`). Invariant: a mailbox that was handed out is due again by
itself, should nobody ever say when; nobody remembers anything of what is written here.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime

from engine.store import hot
from engine.store.bells import Bell
from engine.store.database import Database, us
from engine.store.listing import Listing

HOLD_S = 60.0
"""How long nobody else takes a mailbox that was handed out; a visit that lasts longer is kept alone by its lease."""


class Visiting:
    """Hands out mailboxes that are due."""

    def __init__(self, database: Database, listing: Listing) -> None:
        self._database, self._listing = database, listing

    def take_due(self, limit: int, now: datetime, names: Collection[str] = ()) -> list[str]:
        database, until = self._database, us(now) + int(HOLD_S * 1_000_000)
        with database.joining(noted=True):
            here = f" AND name IN ({','.join('?' * len(names))})" if names else ""
            sql = f"{hot.DUE_TO_READ}{here} ORDER BY next_at, id LIMIT ?{database.unlocked('mailbox')}"
            rows = database.rows(sql, us(now), *names, limit)
            database.many(hot.READ_NEXT, [(until, name) for _, name in rows])
            if len(rows) == limit:
                database.ring(Bell.FETCH)
        return [name for _, name in rows]

    def is_due(self, now: datetime) -> bool:
        return bool(self._database.rows(f"{hot.DUE_TO_READ} LIMIT 1", us(now)))

    def read_next(self, when: Iterable[tuple[str, datetime]]) -> None:
        with self._database.joining(noted=True):
            self._database.many(hot.READ_NEXT, [(us(at), name) for name, at in when])

    def read_soon(self, names: Collection[str], at: datetime) -> None:
        with self._database.joining(noted=True):
            self._database.many(hot.READ_SOON, [(us(at), name, us(at)) for name in sorted(names)])

    def expect(self, names: Collection[str]) -> None:
        with self._database.joining():
            for name in names:
                self._listing.number(name)

    def leave_for_dead(self, now: datetime) -> int:
        """Take back what dead processes were reading; gives how many mailboxes."""
        left = [
            (name, owner) for name, owner in self._database.rows(hot.LEFT_BY) if self._database.is_alive(owner) is False
        ]
        with self._database.joining(noted=True):
            for name, owner in left:
                self._database.run(hot.RELEASE, name, owner)
            self._database.many(hot.READ_NEXT, [(us(now), name) for name, _ in left])
        return len(left)
