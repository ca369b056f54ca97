"""What directories said of addresses, kept for a while; `engine.ports.ListedAddresses` tells what each method does.

Here: its rows. Not here: how old an answer may be, who is asked (`run/directories.py`). Invariant: a row is one answer
of one directory about one address; nothing hangs on it, and all of them may go at any time.
"""

from __future__ import annotations

from datetime import datetime

from engine.store import hot
from engine.store.database import Database, time, us


class ListedAddresses:
    """Keeps a row for each address that was looked up."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def find(self, directory: str, address: str) -> tuple[datetime, str] | None:
        row = self._database.one(hot.LISTED, directory, address)
        return None if row is None else (time(row[0]), row[1])

    def keep(self, directory: str, address: str, answer: str) -> None:
        with self._database.joining():
            self._database.run(hot.KEEP_LISTED, directory, address, self._database.now(), answer)

    def let_go(self, before: datetime) -> None:
        with self._database.joining():
            self._database.run(hot.LISTED_TOO_OLD, us(before))
