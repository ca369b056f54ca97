"""What happened in a time, counted: mails by what became of them, events, what was sent and what was not.

Here: `Counting`, as `engine.ports.Counting` tells it. Not here: shares and medians (`desk/stats.py`), how things stand
now (`figures.py`).
Invariant: only rows of that time are read: mails by when they came, events and outgoing rows by their numbers, which
grow with the time.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, tzinfo

from engine.model.figures import BY_MAIL, Passed
from engine.store.database import Database, time, us
from engine.store.terms import DECIDED

_KEYS = {
    "outcome": "receipt.outcome",
    "code": "receipt.code",
    "mailbox": "mailbox.name",
    "workspace": "receipt.workspace",
    "sender": "inbound.sender",
    "rule": "CASE WHEN by_kind = 'rule' THEN by_file || ' ' || by_name ELSE '' END",
    "hook": "CASE WHEN by_kind = 'hook' THEN by_name ELSE '' END",
    "hour": "inbound.received_at",
    "day": "inbound.received_at",
}

_SHOWN = {"hour": "%H:00", "day": "%Y-%m-%d"}

_MAILS = f"""
SELECT {{key}}, receipt.generation, receipt.decided_at, inbound.received_at, first_read_at,
  CASE WHEN receipt.outcome = 'created' THEN
    (SELECT min(at) FROM event WHERE event.item = receipt.item AND event.name = 'item.answered') END
FROM inbound JOIN receipt ON receipt.inbound_id = inbound.id AND receipt.generation = inbound.generation
JOIN mailbox ON mailbox.id = inbound.mailbox_id
WHERE inbound.{DECIDED} AND inbound.received_at >= ?"""  # noqa: S608 - names of our own columns

_EVENTS = "SELECT name, count(*) FROM event WHERE id >= ? GROUP BY name"

_WHYS = "SELECT why, count(*) FROM outbox WHERE id >= ? AND state = 'suppressed' GROUP BY why"

_SENT = "SELECT coalesce(sum(state = 'sent'), 0), coalesce(sum(state = 'suppressed'), 0) FROM outbox WHERE id >= ?"

_NEXT = {
    "event": "SELECT id, at FROM event WHERE id >= ? ORDER BY id LIMIT 1",
    "outbox": "SELECT id, created_at FROM outbox WHERE id >= ? ORDER BY id LIMIT 1",
}

_LAST = {table: f"SELECT coalesce(max(id), 0) FROM {table}" for table in _NEXT}  # noqa: S608 - our own tables


class Counting:
    """Goes through what happened."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def mails(self, by: str, since: datetime, zone: tzinfo) -> Iterator[Passed]:
        assert by in BY_MAIL  # noqa: S101 - a caller's mistake
        shown = _SHOWN.get(by)
        rows = self._database.rows(_MAILS.format(key=_KEYS[by]), us(since))
        for key, generation, decided, received, first_read, answered in rows:
            name = time(key).astimezone(zone).strftime(shown) if shown else key
            fresh = received >= first_read  # what lay there before we came was not late by our doing
            yield Passed(
                name,
                max(decided - received, 0) / 1000 if fresh and generation == 1 else None,
                max(answered - received, 0) / 1000 if fresh and answered else None,
            )

    def events(self, since: datetime) -> dict[str, int]:
        return dict(self._database.rows(_EVENTS, self._first("event", since)))

    def whys(self, since: datetime) -> dict[str, int]:
        return dict(self._database.rows(_WHYS, self._first("outbox", since)))

    def sent(self, since: datetime) -> tuple[int, int]:
        sent, left = self._database.one(_SENT, self._first("outbox", since))
        return sent, left

    def _first(self, table: str, since: datetime) -> int:
        """The number of the first row of a time: halved until it is found, for no index has the times."""
        low, high, at = 0, self._database.one(_LAST[table])[0] + 1, us(since)
        while low < high:
            middle = (low + high) // 2
            found = self._database.one(_NEXT[table], middle)
            if found is None or found[1] >= at:
                high = middle
            else:
                low = found[0] + 1
        return low
