"""What happened in a time, counted: mails by what became of them, events, what was sent and what was not.

Here: `Counting`, as `engine.ports.Counting` tells it. Not here: shares and medians (`desk/stats.py`), how things stand
now (`figures.py`), counting mails as they are decided (`tallying.py`).
Invariant: mails are read from what was counted of them, but for senders, who are too many: of those, of events and of
outgoing rows only the rows of that time are read. Of many mails one row is read a key, with all their times.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta, tzinfo

from engine.model.figures import BY_MAIL, DAY_US, QUARTER_US, Hits, Passed, RuleHit, Span, class_of
from engine.model.sight import ALL, Sight
from engine.store import sighted
from engine.store.database import Database, time, us
from engine.store.terms import DECIDED

LONG = timedelta(days=35)
"""A longer time is counted by days, from the beginning of one in UTC, where hours and days are not asked for."""

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

_COUNTED = {
    **{name: name for name in ("outcome", "code", "mailbox", "workspace")},
    "rule": "CASE WHEN by_kind = 'rule' THEN by_name ELSE '' END",
    "hook": "CASE WHEN by_kind = 'hook' THEN by_name ELSE '' END",
    "hour": "at",
    "day": "at",
}
"""The same among what was counted."""

_COLUMNS = "receipt.workspace", "mailbox.name"
"""Where a mail belongs, in a query of mails and the receipts of their present generations."""

_SHOWN = {"hour": "%H:00", "day": "%Y-%m-%d"}

_MAILS = """
SELECT {key}, lag, CAST(sum(mails) AS bigint) FROM tally WHERE span = ? AND at >= ? AND {seen}
GROUP BY 1, 2 HAVING sum(mails) > 0"""

# What lay there before we came has no times: it was not late by our doing.
_OF_SENDERS = f"""
SELECT inbound.sender || '', count(*), {{listed}}
FROM inbound JOIN receipt ON receipt.inbound_id = inbound.id AND receipt.generation = inbound.generation
JOIN mailbox ON mailbox.id = inbound.mailbox_id
WHERE inbound.{DECIDED} AND inbound.received_at >= ? AND {{seen}} GROUP BY 1"""  # noqa: S608 - names of our own columns

_TOOK = "CASE WHEN inbound.received_at >= first_read_at AND receipt.generation = 1 THEN receipt.decided_at - inbound.received_at END"  # fmt: skip # noqa: E501

_ANSWERS = """
SELECT {key}, {listed}
FROM (SELECT item, min(at) AS at FROM event WHERE id >= ? AND name = 'item.answered' GROUP BY item) AS answer
JOIN receipt ON receipt.item = answer.item AND receipt.outcome = 'created'
JOIN inbound ON inbound.id = receipt.inbound_id AND inbound.generation = receipt.generation
JOIN mailbox ON mailbox.id = inbound.mailbox_id
WHERE inbound.received_at >= ? AND inbound.received_at >= first_read_at AND {seen} GROUP BY 1"""

_ANSWERED = "answer.at - inbound.received_at"

_HITS = """
SELECT file, digest, rule, CAST(sum(hits) AS bigint), max(last_at) FROM rule_hit WHERE span = ? AND at >= ?
GROUP BY 1, 2, 3"""

_FIRST_DAY = "SELECT at FROM tally WHERE span = ? AND {seen} ORDER BY at LIMIT 1"

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

    def begins(self, by: str, since: datetime) -> datetime:
        span = self._span(by, since)
        length = span * QUARTER_US
        return time(us(since) // length * length)

    def mails(self, by: str, since: datetime, zone: tzinfo, *, sight: Sight = ALL) -> list[Passed]:
        assert by in BY_MAIL  # noqa: S101 - a caller's mistake
        since = self.begins(by, since)
        mails, decided, answered = Counter[str](), dict[str, Counter[int]](), dict[str, Counter[int]]()
        for key, its, many in self._senders(since, sight) if by == "sender" else self._counted(by, since, sight):
            name = _shown(by, key, zone)
            mails[name] += many
            if its:
                decided.setdefault(name, Counter())[its] += many
        listed = self._database.dialect.listed.format(_ANSWERED)
        seen = sighted.text(sight, *_COLUMNS)
        asked = _ANSWERS.format(key=_KEYS[by], listed=listed, seen=seen.sql)
        for key, took in self._database.rows(asked, first_row(self._database, "event", since), us(since), *seen.params):
            answered.setdefault(_shown(by, key, zone), Counter()).update(map(class_of, _numbers(took)))
        return [
            Passed(name, many, _sorted(decided.get(name)), _sorted(answered.get(name))) for name, many in mails.items()
        ]

    def _span(self, by: str, since: datetime) -> Span:
        is_long = self._database.clock() - since > LONG
        return Span.DAY if is_long and by not in _SHOWN else Span.QUARTER

    def _counted(self, by: str, since: datetime, sight: Sight) -> list[tuple[str | int, int, int]]:
        span, seen = self._span(by, since), sighted.text(sight, "workspace", "mailbox")
        asked = _MAILS.format(key=_COUNTED[by], seen=seen.sql)
        return self._database.rows(asked, span, us(since) // (span * QUARTER_US), *seen.params)

    def _senders(self, since: datetime, sight: Sight) -> Iterator[tuple[str, int, int]]:
        seen = sighted.text(sight, *_COLUMNS)
        asked = _OF_SENDERS.format(listed=self._database.dialect.listed.format(_TOOK), seen=seen.sql)
        for sender, many, took in self._database.rows(asked, us(since), *seen.params):
            classes = Counter([class_of(each) for each in _numbers(took)])
            yield from ((sender, its, number) for its, number in classes.items())
            yield sender, 0, many - classes.total()

    def hits(self, since: datetime) -> list[Hits]:
        rows = self._database.rows(_HITS, Span.DAY, us(since) // DAY_US)
        return [Hits(RuleHit(*hit), count, time(last)) for *hit, count, last in rows]

    def first_day(self, *, sight: Sight = ALL) -> datetime | None:
        seen = sighted.text(sight, "workspace", "mailbox")
        first = self._database.one(_FIRST_DAY.format(seen=seen.sql), Span.DAY, *seen.params)
        return time(first[0] * DAY_US) if first is not None else None

    def events(self, since: datetime) -> dict[str, int]:
        return dict(self._database.rows(_EVENTS, first_row(self._database, "event", since)))

    def whys(self, since: datetime) -> dict[str, int]:
        return dict(self._database.rows(_WHYS, first_row(self._database, "outbox", since)))

    def sent(self, since: datetime) -> tuple[int, int]:
        sent, left = self._database.one(_SENT, first_row(self._database, "outbox", since))
        return sent, left


def first_row(database: Database, table: str, since: datetime) -> int:
    """The number of the first row of a time: halved until it is found, for no index has the times."""
    low, high, at = 0, database.one(_LAST[table])[0] + 1, us(since)
    while low < high:
        middle = (low + high) // 2
        found = database.one(_NEXT[table], middle)
        if found is None or found[1] >= at:
            high = middle
        else:
            low = found[0] + 1
    return low


def _shown(by: str, key: str | int, zone: tzinfo) -> str:
    """Give a key as people read it: quarters of an hour as the hour or day of a zone."""
    return time(key * QUARTER_US).astimezone(zone).strftime(_SHOWN[by]) if isinstance(key, int) else key


def _sorted(classes: Counter[int] | None) -> tuple[tuple[int, int], ...]:
    return tuple(sorted(classes.items())) if classes else ()


def _numbers(text: str | None) -> list[int]:
    """Read what the database put into a text: a row for each number would take three times as long."""
    return [max(int(each), 0) for each in text.split(",")] if text else []
