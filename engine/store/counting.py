"""What happened in a time, counted: mails by what became of them, events, what was sent and what was not.

Here: `Counting`, as `engine.ports.Counting` tells it. Not here: shares and medians (`desk/stats.py`), how things stand
now (`figures.py`).
Invariant: only rows of that time are read: mails by when they came, events and outgoing rows by their numbers, which
grow with the time. Of many mails one row is read a key, with all their times.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, tzinfo

from engine.model.figures import BY_MAIL, Passed
from engine.store.database import Database, time, us
from engine.store.terms import DECIDED

QUARTER_US = 900_000_000
"""A quarter of an hour: in no zone does an hour begin within one."""

_KEYS = {
    "outcome": "receipt.outcome",
    "code": "receipt.code",
    "mailbox": "mailbox.name || ''",
    "workspace": "receipt.workspace",
    "sender": "inbound.sender || ''",
    "rule": "CASE WHEN by_kind = 'rule' THEN by_file || ' ' || by_name ELSE '' END",
    "hook": "CASE WHEN by_kind = 'hook' THEN by_name ELSE '' END",
    "hour": f"inbound.received_at / {QUARTER_US}",
    "day": f"inbound.received_at / {QUARTER_US}",
}
"""What is counted by. The || keeps a database from going through all of a mailbox or sender, not those of the time."""

_SHOWN = {"hour": "%H:00", "day": "%Y-%m-%d"}

# What lay there before we came has no times: it was not late by our doing.
_MAILS = f"""
SELECT {{key}}, count(*),
  {{decided}}, {{answered}}
FROM inbound JOIN receipt ON receipt.inbound_id = inbound.id AND receipt.generation = inbound.generation
JOIN mailbox ON mailbox.id = inbound.mailbox_id
LEFT JOIN (SELECT item, min(at) AS at FROM event WHERE id >= ? AND name = 'item.answered' GROUP BY item) AS answer
  ON answer.item = receipt.item AND receipt.outcome = 'created'
WHERE inbound.{DECIDED} AND inbound.received_at >= ? GROUP BY 1"""  # noqa: S608 - names of our own columns

_DECIDED = "CASE WHEN inbound.received_at >= first_read_at AND receipt.generation = 1 THEN receipt.decided_at - inbound.received_at END"  # fmt: skip # noqa: E501

_ANSWERED = "CASE WHEN inbound.received_at >= first_read_at THEN answer.at - inbound.received_at END"

_EVENTS = "SELECT name, count(*) FROM event WHERE id >= ? GROUP BY name"

_WHYS = "SELECT why, count(*) FROM outbox WHERE id >= ? AND state = 'suppressed' GROUP BY why"

_SENT = "SELECT count(CASE state WHEN 'sent' THEN 1 END), count(CASE state WHEN 'suppressed' THEN 1 END) FROM outbox WHERE id >= ?"  # fmt: skip # noqa: E501

_NEXT = {
    "event": "SELECT id, at FROM event WHERE id >= ? ORDER BY id LIMIT 1",
    "outbox": "SELECT id, created_at FROM outbox WHERE id >= ? ORDER BY id LIMIT 1",
}

_LAST = {table: f"SELECT coalesce(max(id), 0) FROM {table}" for table in _NEXT}  # noqa: S608 - our own tables


class Counting:
    """Goes through what happened."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def mails(self, by: str, since: datetime, zone: tzinfo) -> list[Passed]:
        assert by in BY_MAIL  # noqa: S101 - a caller's mistake
        shown = _SHOWN.get(by)
        found: dict[str, list[tuple[int, str | None, str | None]]] = {}
        listed = self._database.dialect.listed
        asked = _MAILS.format(key=_KEYS[by], decided=listed.format(_DECIDED), answered=listed.format(_ANSWERED))
        for key, *counted in self._database.rows(asked, self._first("event", since), us(since)):
            name = time(key * QUARTER_US).astimezone(zone).strftime(shown) if shown else key
            found.setdefault(name, []).append(tuple(counted))
        return [
            Passed(name, sum(counts), _numbers(decided), _numbers(answered))
            for name, each in found.items()
            for counts, decided, answered in [zip(*each, strict=True)]
        ]

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


def _numbers(lists: Iterable[str | None]) -> list[int]:
    """Read what the database put into texts: a row for each number would take three times as long."""
    text = ",".join(filter(None, lists))
    return [max(int(each), 0) for each in text.split(",")] if text else []
