"""What does not work, and since when: so that it is told aloud once in a while and not in every pass.

Here: `Troubles`, as `engine.ports.Troubles` tells it. Not here: what is wrong, and who is told. Invariant: a trouble
begins with its first note and lasts until it is over; what is said of it is the last that was heard.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from engine.model.stored import Trouble
from engine.store import hot
from engine.store.database import Database, moment, time, us

LEAST_SILENCE_S = 12 * 3600.0
"""No mail for less than that is no silence, where nobody says otherwise."""


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

    def all(self) -> dict[str, Trouble]:
        rows = self._database.rows(hot.TROUBLES)
        return {name: Trouble(name, said, time(since), moment(told)) for name, said, since, told in rows}

    def may_be(self, now: datetime, silences_s: Sequence[float]) -> bool:
        quiet_s = min([LEAST_SILENCE_S, *filter(None, silences_s)])
        return self._database.one(hot.AMISS, us(now) - int(quiet_s * 1_000_000)) is not None

    def told(self, name: str, now: datetime) -> None:
        with self._database.joining():
            self._database.run(hot.TROUBLE_TOLD, us(now), name)

    def over(self, name: str) -> None:
        with self._database.joining():
            self._database.run(hot.TROUBLE_OVER, name)
