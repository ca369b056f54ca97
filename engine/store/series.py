"""What pictures are drawn of: mails by several keys together, over time; rules by week, senders, letters.

Here: `Series`, as `engine.ports.Series` tells it. Not here: which pictures there are (`desk/numbers.py`), one key at a
time with how long it took (`counting.py`).
Invariant: mails are read from what was counted of them; a long time is counted by whole days in UTC, with the quarters
of an hour around them. Of the outbox no more than the newest rows are read.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from itertools import pairwise

from engine.model.figures import ANSWER, DAY_US, QUARTER_US, Domain, Measure, RuleHit, Span, Timed
from engine.model.sight import ALL, EVERY_ITEM, ItemSight, Sight
from engine.store import sighted
from engine.store.counting import first_row
from engine.store.database import Database, time, us
from engine.store.facets import Quarters
from engine.store.item_query import seen as items_seen

MOST_LETTERS = 20_000
"""Rows of the outbox, the newest, that are looked at: no counter tells of them."""

MOST_DAYS = 3_660
"""Days that are looked up, the last ones."""

FOREVER = Span.DAY * 2**33

_ALIKE = """
SELECT {keys}, CAST(sum(mails) AS bigint) FROM tally WHERE span = ? AND at >= ? AND at < ? AND {seen}
GROUP BY {numbers}"""

_TIMED = """
SELECT at{keys}, CAST(sum(mails) AS bigint) FROM tally WHERE span = ? AND at >= ? AND {seen}
GROUP BY at{keys} HAVING sum(mails) > 0 ORDER BY at"""

_RULES = """
SELECT file, digest, rule, at, CAST(sum(hits) AS bigint) FROM rule_hit WHERE span = ? AND at >= ? AND rule > 0
GROUP BY 1, 2, 3, 4"""

_DOMAINS = """
SELECT domain, CAST(sum(mails) AS bigint), CAST(sum(passed) AS bigint), CAST(sum(failed) AS bigint) FROM sender
WHERE last_at >= ? AND domain <> '' GROUP BY domain ORDER BY 2 DESC, domain LIMIT ?"""

_NEWCOMERS = """
SELECT first_at / ?, count(email.key), count(*) FROM sender LEFT JOIN email ON email.key = sender.address
WHERE first_at >= ? GROUP BY 1"""

_LETTERS = """
SELECT created_at / ?, state, class, count(*) FROM outbox WHERE id > ? AND created_at >= ? AND {seen}
GROUP BY 1, 2, 3 ORDER BY 1"""

_LAGS = """
SELECT at, lag, CAST(sum(mails) AS bigint) FROM tally WHERE span = ? AND at >= ? AND lag > 0 AND {seen}
GROUP BY at, lag HAVING sum(mails) > 0 ORDER BY at, lag"""

_MEASURES = """
SELECT key, power, CAST(sum(many) AS bigint) FROM measure WHERE at IN ({days}) AND what = ?
GROUP BY 1, 2 ORDER BY 1, 2"""

_ANSWERS = """
SELECT power, CAST(sum(many) AS bigint) FROM measure WHERE at IN ({days}) AND what = ?{seen} GROUP BY 1 ORDER BY 1"""

_LAST = "SELECT coalesce(max(id), 0) FROM outbox"


class Series:
    """Goes through what was counted."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def alike(self, keys: Sequence[str], since: datetime, *, sight: Sight = ALL) -> dict[tuple[str, ...], int]:
        seen, found = sighted.text(sight, "workspace", "mailbox"), Counter[tuple[str, ...]]()
        numbers = ", ".join([str(number) for number, _ in enumerate(keys, 1)])
        asked = _ALIKE.format(keys=", ".join(keys), seen=seen.sql, numbers=numbers)
        for span, first, end in Quarters(us(since) // QUARTER_US, FOREVER).parts():
            for *key, mails in self._database.rows(asked, span, first, end, *seen.params) if first < end else ():
                found[tuple(key)] += mails
        return {key: mails for key, mails in found.items() if mails > 0}

    def timed(self, keys: Sequence[str], since: datetime, span: Span, *, sight: Sight = ALL) -> list[Timed]:
        seen = sighted.text(sight, "workspace", "mailbox")
        asked = _TIMED.format(keys="".join([f", {key}" for key in keys]), seen=seen.sql)
        length = span * QUARTER_US
        rows = self._database.rows(asked, span, us(since) // length, *seen.params)
        begins = {at: time(at * length) for at in {row[0] for row in rows}}
        return [Timed(begins[at], tuple(key), mails) for at, *key, mails in rows]

    def lags(self, since: datetime, *, sight: Sight = ALL) -> dict[datetime, list[tuple[int, int]]]:
        seen, found = sighted.text(sight, "workspace", "mailbox"), dict[datetime, list[tuple[int, int]]]()
        asked = _LAGS.format(seen=seen.sql)
        for day, its, mails in self._database.rows(asked, Span.DAY, us(since) // DAY_US, *seen.params):
            found.setdefault(time(day * DAY_US), []).append((its, mails))
        return found

    def measures(self, what: str, since: datetime) -> list[Measure]:
        days = self._days(since)
        return [Measure(*row) for row in self._database.rows(_MEASURES.format(days=_marks(days)), *days, what)]

    def answers(self, begins: Sequence[datetime], *, sight: ItemSight = EVERY_ITEM) -> list[list[tuple[int, int]]]:
        places = () if sight.all else tuple(sorted(sight.workspaces))
        seen, found = "" if sight.all else f" AND key IN ({_marks(places)})", list[list[tuple[int, int]]]()
        every = self._days(begins[0]) if begins else []
        for first, end in pairwise([*[us(each) // DAY_US for each in begins], FOREVER]):
            days = [day for day in every if first <= day < end]
            asked = _ANSWERS.format(days=_marks(days), seen=seen)
            found.append([*self._database.rows(asked, *days, ANSWER, *places)])
        return found

    def _days(self, since: datetime) -> list[int]:
        """The days from then until today, each of which is looked up: between them lies what else was measured."""
        return [*range(us(since) // DAY_US, us(self._database.clock()) // DAY_US + 1)][-MOST_DAYS:]

    def rules(self, since: datetime) -> list[tuple[datetime, RuleHit, int]]:
        rows = self._database.rows(_RULES, Span.DAY, us(since) // DAY_US)
        return [(time(day * DAY_US), RuleHit(*hit), hits) for *hit, day, hits in rows]

    def domains(self, since: datetime, most: int) -> list[Domain]:
        return [Domain(*row) for row in self._database.rows(_DOMAINS, us(since), most)]

    def newcomers(self, since: datetime) -> dict[datetime, tuple[int, int]]:
        rows = self._database.rows(_NEWCOMERS, DAY_US, us(since))
        return {time(day * DAY_US): (known, count - known) for day, known, count in rows}

    def letters(self, since: datetime, span: Span, *, sight: ItemSight = EVERY_ITEM) -> tuple[list[Timed], bool]:
        (last,) = self._database.one(_LAST)
        first, seen = first_row(self._database, "outbox", since) - 1, [*items_seen(sight)]
        those = " AND ".join(["item.id = outbox.item", *[each.sql for each in seen]])
        here = f"EXISTS (SELECT 1 FROM item WHERE {those})" if seen else "TRUE"  # noqa: S608 - our own texts
        params = [value for each in seen for value in each.params]
        cut, length = max(first, last - MOST_LETTERS), span * QUARTER_US
        rows = self._database.rows(_LETTERS.format(seen=here), length, cut, us(since), *params)
        return [Timed(time(at * length), (state, kind), count) for at, state, kind, count in rows], cut > first


def _marks(values: Sequence[object]) -> str:
    return ", ".join("?" * len(values)) or "NULL"
