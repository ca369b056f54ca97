"""A time until now, in hours, days, weeks or months, as pictures count it.

Here: `Period`: its slots, in which of them a moment lies, the words of a search for one. Not here: what is counted
(`numbers.py`).
Invariant: slots follow each other without a gap, the last of them is the one of now; hours and days are those of the
zone, weeks and months are of days in UTC, for a long time is counted by these.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from functools import cached_property
from typing import Self

from msgspec import Struct

from engine.model.figures import Span

HOUR, DAY, WEEK, MONTH = "hour", "day", "week", "month"

MOST_HOURS, MOST_DAYS, MOST_WEEKS = timedelta(hours=48), timedelta(days=35), timedelta(weeks=26)
"""What is longer is told by days, by weeks, by months."""


class Slot(Struct, frozen=True):
    """An hour, a day, a week or a month: its key, its name, and the words of a search for the mails of it."""

    key: datetime | date
    name: str
    words: tuple[str, ...] = ()


class Period(Struct, frozen=True, dict=True):
    """So long until now; `zone` is that in which its slots begin."""

    last: timedelta
    now: datetime
    step: str
    zone: tzinfo

    @classmethod
    def of(cls, last: timedelta, now: datetime, zone: tzinfo) -> Self:
        """Give the period of this length."""
        step = HOUR if last <= MOST_HOURS else DAY if last <= MOST_DAYS else WEEK if last <= MOST_WEEKS else MONTH
        return cls(last, now.astimezone(UTC), step, UTC if step in (WEEK, MONTH) else zone)

    @property
    def span(self) -> Span:
        """By what mails are counted, so that each lies in one slot."""
        return Span.DAY if self.step in (WEEK, MONTH) else Span.QUARTER

    @cached_property
    def slots(self) -> tuple[Slot, ...]:
        """Its slots, the oldest first."""
        return tuple(self._slots())

    @cached_property
    def begins(self) -> tuple[datetime, ...]:
        """When each slot begins."""
        keys = [slot.key for slot in self.slots]
        return tuple([
            key if isinstance(key, datetime) else datetime.combine(key, time(), self.zone).astimezone(UTC)
            for key in keys
        ])  # fmt: skip

    @property
    def since(self) -> datetime:
        """When the first slot begins."""
        return self.begins[0]

    def slot(self, at: datetime) -> int:
        """In which slot a moment lies, -1 for none."""
        return self._numbers.get(self._key(at), -1)

    @cached_property
    def _numbers(self) -> dict[datetime | date, int]:
        return {slot.key: number for number, slot in enumerate(self.slots)}

    def _key(self, at: datetime) -> datetime | date:
        local = at.astimezone(self.zone)
        if self.step == HOUR:
            part = timedelta(minutes=local.minute, seconds=local.second, microseconds=local.microsecond)
            return at.astimezone(UTC) - part
        if self.step == MONTH:
            return local.date().replace(day=1)
        return local.date() - timedelta(days=local.weekday() if self.step == WEEK else 0)

    def _slots(self) -> Iterator[Slot]:
        end = self._key(self.now)
        if isinstance(end, datetime):
            for before in reversed(range(max(int(self.last.total_seconds() // 3600), 1))):
                key = end - timedelta(hours=before)
                yield Slot(key, f"{key.astimezone(self.zone):%H:%M}")
            return
        if self.step == MONTH:
            yield from _months(end, max(round(self.last.days / 30.44), 1))
            return
        days = 7 if self.step == WEEK else 1
        for before in reversed(range(max(-(-self.last.days // days), 1))):
            first = end - timedelta(days=before * days)
            yield _of_days(first, days)


def _of_days(first: date, days: int) -> Slot:
    name = f"{first.day} {first:%b}"
    if days == 1:
        return Slot(first, name, (f"on:{first}",))
    return Slot(first, f"week of {name}", _between(first, first + timedelta(days=days)))


def _months(last: date, many: int) -> Iterator[Slot]:
    for before in reversed(range(many)):
        first = _month(last, -before)
        yield Slot(first, f"{first:%b %Y}", _between(first, _month(first, 1)))


def _month(first: date, later: int) -> date:
    month = first.year * 12 + first.month - 1 + later
    return date(month // 12, month % 12 + 1, 1)


def _between(first: date, end: date) -> tuple[str, str]:
    return f"after:{first - timedelta(days=1)}", f"before:{end}"
