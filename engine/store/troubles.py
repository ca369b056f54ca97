"""What does not work, and since when: so that it is told aloud once in a while and not in every pass.

Here: `Troubles`, as `engine.ports.Troubles` tells it. Not here: what is wrong, and who is told. Invariant: a trouble
begins with its first note and lasts until it is over; what is said of it is the last that was heard.
"""

from __future__ import annotations

from datetime import datetime

from engine.model.stored import Trouble
from engine.store import hot
from engine.store.database import Database, moment, time, us


class Troubles:
    """Keeps a row for each trouble."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def begin(self, name: str, said: str, now: datetime) -> Trouble:
        with self._database.joining():
            self._database.run(hot.TROUBLE, name, us(now), said)
            found = self.find(name)
        assert found is not None  # noqa: S101 - it was written just now
        return found

    def find(self, name: str) -> Trouble | None:
        row = self._database.one(hot.TROUBLE_SINCE, name)
        return None if row is None else Trouble(name, row[0], time(row[1]), moment(row[2]))

    def told(self, name: str, now: datetime) -> None:
        with self._database.joining():
            self._database.run(hot.TROUBLE_TOLD, us(now), name)

    def over(self, name: str) -> None:
        with self._database.joining():
            self._database.run(hot.TROUBLE_OVER, name)
