"""Which mailbox a worker reads next, and when.

Here: `Visiting`, as `engine.ports.Visiting` tells it. Not here: the lease that keeps two visits apart (`lease.py`), the
visit (`run/visit.py`), how long one waits (`run/lookout.py`). Invariant: a mailbox that was handed out is due again by
itself, should nobody ever say when; nobody remembers anything of what is written here.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import TYPE_CHECKING

from engine.store import hot
from engine.store.database import Database, us
from engine.store.listing import Listing

if TYPE_CHECKING:
    from engine.model.stored import Taken
    from engine.store.lease import Leases

HOLD_S = 60.0
"""When a mailbox that was handed out is due again, should nobody say; as long as its lease stands nobody takes it."""


class Visiting:
    """Hands out mailboxes that are due."""

    def __init__(self, database: Database, listing: Listing, leases: Leases) -> None:
        self._database, self._listing, self._leases = database, listing, leases

    def take_due(self, owner: str, limit: int, now: datetime, names: Collection[str] = ()) -> list[Taken]:
        return self._leases.take_due(owner, limit, now, HOLD_S, names)

    def is_due(self, now: datetime) -> bool:
        return self._database.one(hot.DUE_TO_READ, us(now), us(now)) is not None

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
            self._database.many(hot.FREE_OF, [(us(now), name, owner) for name, owner in sorted(left)])
        return len(left)
