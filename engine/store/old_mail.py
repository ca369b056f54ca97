"""What lies in mailboxes and is older than they are read from: how many mails, since when, and which it cost to know.

Here: `OldMail`, as `engine.ports.OldMail` tells it. Not here: what is old (`run/since.py`), what is known of a mailbox
(`listing.py`, `lease.py`). Invariant: a row tells of the last pass; nothing of it is in the ledger.
"""

from __future__ import annotations

from datetime import datetime

from engine.model.stored import LeftAlone
from engine.store import hot
from engine.store.database import Database, moment, time, us


class OldMail:
    """Keeps a row for each mailbox in which old mail lies."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def first_read(self, mailbox: str) -> datetime | None:
        row = self._database.one(hot.FIRST_READ, mailbox)
        return moment(row[0]) if row else None

    def left_alone(self, mailbox: str) -> LeftAlone | None:
        row = self._database.one(hot.LEFT_ALONE, mailbox)
        if row is None:
            return None
        since, mails, keys = row
        return LeftAlone(time(since), mails, frozenset(keys.split("\n")) if keys else frozenset())

    def leave_alone(self, mailbox: str, left: LeftAlone | None) -> None:
        if left == self.left_alone(mailbox):
            return
        with self._database.joining():
            self._database.run(hot.NOT_LEFT_ALONE, mailbox)
            if left is not None:
                told = us(left.since), left.mails, "\n".join(sorted(left.keys))
                self._database.run(hot.LEAVE_ALONE, *told, mailbox)
