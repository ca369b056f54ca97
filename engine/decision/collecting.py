"""What does not go by itself but in one mail with others, and when: notices that somebody wants hourly or daily, those
over the cap of an hour, reports of the same reason again and again.

Here: whether a row is collected, and the slots. Not here: who hears (`hearing.py`), the mail that carries the rows
(`store/carrying.py`), its words (`outbox/digests.py`).
Invariant: an answer is never collected, nor is what a clock brings about; a slot is always later than now.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from msgspec.structs import replace

from engine.model.events import BY_THE_CLOCK, Kind, Part, Why
from engine.model.hearing import Batch, Heard

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from engine.config import Config
    from engine.ports import Scene

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


class Collecting:
    """Asks about the rows of one batch that would go out."""

    def __init__(self, config: Config, batch: Batch, scene: Scene) -> None:
        self._config, self._batch, self._scene = config, batch, scene
        self._settings = config.settings(batch.workspace)

    def put_off(self, heard: Heard, how: str) -> Heard:
        """Let a row wait for its slot, if it has one. `how` is how the person wants notices: now, hourly or daily."""
        if heard.state != "queued" or heard.kind is not Kind.NOTICE or heard.events[0] in BY_THE_CLOCK:
            return heard
        if Part.ADMIN in heard.parts:
            due = self._report_due(heard.key)
            return heard if due is None else replace(heard, state="digest", due=due, why=Why.CAP_REPORTS)
        if how != "now":
            return replace(heard, state="digest", due=self._slot(how))
        most = self._settings.replies.notices_per_recipient
        if self._scene.written(Kind.NOTICE, heard.key) < most:
            return heard
        said = f"replies.notices_per_recipient = {most} an hour"
        return replace(heard, state="digest", due=self._slot("hourly"), why=Why.CAP_NOTICES, said=said)

    def _slot(self, how: str) -> datetime:
        from zoneinfo import ZoneInfo

        now, zone = self._scene.now(), ZoneInfo(self._config.instance.timezone)
        return next_hour(now, zone) if how == "hourly" else next_day(now, zone, self._settings.notify.daily_at)

    def _report_due(self, key: str) -> datetime | None:
        """When the next report of this reason and mailbox may go to an address; None: now."""
        cap, tell = self._settings.errors.reports, self._batch.tell
        if not cap.limit or not tell.code or not self._batch.mailbox:
            return None
        before = self._scene.reported(key, tell.code, self._batch.mailbox, cap.per, cap.limit)
        return before[-1] + timedelta(seconds=cap.per) if len(before) >= cap.limit else None


def next_hour(now: datetime, zone: ZoneInfo) -> datetime:
    """Give the end of this hour, as clocks in the zone show it."""
    begun = now.astimezone(zone).replace(minute=0, second=0, microsecond=0)
    return begun.astimezone(UTC) + HOUR


def next_day(now: datetime, zone: ZoneInfo, at: str) -> datetime:
    """Give the next time that clocks in the zone show `at`, as in "07:00"."""
    hour, minute = map(int, at.split(":"))
    today = now.astimezone(zone).replace(hour=hour, minute=minute, second=0, microsecond=0, fold=0)
    later = today if today.astimezone(UTC) > now else (today + DAY)
    return later.astimezone(UTC)
