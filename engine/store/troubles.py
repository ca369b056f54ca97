"""What does not work, and since when: so that it is told aloud once in a while, and not tried in every pass.

Here: `Troubles` and `Setbacks`, as `engine.ports` tells them. Not here: what is wrong, and who is told; how long a
mailbox waits (`run/backoff.py`), what a row of failures means (`run/breaker.py`).
Invariant: a trouble begins with its first note and lasts until it is over; what is said of it is the last that was
heard. A row of mails that broke the machine is of one fault; one that did not break it ends the row.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from engine.model.stored import BROKEN, Standing, Trouble
from engine.store import hot
from engine.store.database import Database, moment, time, us
from engine.store.listing import Listing
from engine.store.queue import note_alike

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
        if row is None:
            return None
        said, since, told, refused, settings = row
        return Trouble(name, said, time(since), moment(told), tuple(map(time, map(int, refused.split()))), settings)

    def refused(self, name: str, times: Sequence[datetime], settings: str) -> None:
        with self._database.joining():
            self._database.run(hot.TROUBLE_REFUSED, " ".join([str(us(each)) for each in times]), settings, name)

    def all(self) -> dict[str, Trouble]:
        rows = self._database.rows(hot.TROUBLES)
        return {name: Trouble(name, said, time(since), moment(told)) for name, said, since, told in rows}

    def may_be(self, now: datetime, silences_s: Sequence[float]) -> bool:
        quiet_s = min([LEAST_SILENCE_S, *filter(None, silences_s)])
        since = us(now) - int(quiet_s * 1_000_000)
        return self._database.one(hot.AMISS, since, since) is not None

    def told(self, name: str, now: datetime) -> None:
        with self._database.joining():
            self._database.run(hot.TROUBLE_TOLD, us(now), name)

    def over(self, name: str) -> None:
        with self._database.joining():
            self._database.run(hot.TROUBLE_OVER, name)


class Setbacks:
    """Knows what keeps a mailbox from being read."""

    def __init__(self, database: Database, listing: Listing) -> None:
        self._database, self._listing = database, listing

    def standing(self, name: str) -> Standing:
        row = self._database.one(hot.STANDING, name)
        return Standing() if row is None else standing_of(row)

    def try_again(self, name: str) -> None:
        with self._database.joining():
            self._database.run(hot.TRY_AGAIN, self._listing.number(name))

    def doubtful(self, now: datetime) -> list[str]:
        return [name for (name,) in self._database.rows(hot.DOUBTFUL, BROKEN, us(now), BROKEN)]

    def stands_as(self, name: str, standing: Standing) -> None:
        since, retry_at = (0 if at is None else us(at) for at in (standing.failing_since, standing.retry_at))
        with self._database.joining():
            self._database.run(
                hot.STANDS_AS, standing.failures, since, standing.code, standing.sentence, retry_at, standing.settings,
                self._listing.number(name),
            )  # fmt: skip

    # ── mails that break the machine in a row ─────────────────────────────────────────────────────────────────

    def broke_alike(self, name: str, fault: str, rows: Sequence[int]) -> None:
        note_alike(self._database, self._listing.number(name), fault, rows)

    def goes_well(self, name: str) -> None:
        with self._database.joining():
            self._database.run(hot.GOES_WELL, self._listing.number(name))

    def alike(self, fault: str) -> list[int]:
        return [int(each) for (rows,) in self._database.rows(hot.ALIKE, fault) for each in rows.split()]

    def refund(self, charged: Mapping[int, int]) -> None:
        with self._database.joining():
            for row, times in charged.items():
                self._database.run(hot.REFUND, times, times, row)


def standing_of(row: Sequence[Any]) -> Standing:
    """Read how a mailbox stands from what `hot.STANDING` names, in that order."""
    paused, failures, since, code, sentence, retry_at, refused, settings, fault, faulty = row
    return Standing(
        paused, failures, moment(since), code, sentence, moment(retry_at),
        tuple([time(int(each)) for each in refused.split()]), settings, fault, tuple(map(int, faulty.split())),
    )  # fmt: skip
