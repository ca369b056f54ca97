"""What the mails that a query finds have in common, from what was counted of them.

Here: `Facets`, a part of `engine.ports.Archive`. Not here: what words mean (`search.py`), the mails themselves
(`mails.py`), what happened in a time (`counting.py`).
Invariant: no mail is read; days are counted whole, and what a time leaves of the first and the last one by quarters of
an hour. What cannot be told so is not told.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, tzinfo
from typing import TYPE_CHECKING, Any, NamedTuple

from engine.model import figures
from engine.model.figures import MOST_FACETS, QUARTER_US, Facet, Span
from engine.model.sight import ALL, Sight
from engine.store import sighted, tables
from engine.store.database import Database, time, us

if TYPE_CHECKING:
    from engine.store.mails import Mails
    from engine.store.search import Meaning

EVER = Span.DAY * 2**33
"""No mail came so many quarters of an hour before 1970, or after."""

_KEYS = "mailbox", "workspace", "outcome", "code", "by_kind", "by_name"


class Quarters(NamedTuple):
    """A time in quarters of an hour since 1970; the end is not part of it."""

    first: int
    end: int

    def parts(self) -> Iterator[tuple[Span, int, int]]:
        """Give what has to be counted together, with as few rows as can be: whole days, and quarters around them."""
        day, last = -(-self.first // Span.DAY), self.end // Span.DAY
        if day >= last:
            yield Span.QUARTER, self.first, self.end
            return
        yield Span.DAY, day, last
        yield Span.QUARTER, self.first, day * Span.DAY
        yield Span.QUARTER, last * Span.DAY, self.end


class Facets:
    """Counts by what mails have."""

    def __init__(self, database: Database, mails: Mails) -> None:
        self._database, self._mails = database, mails

    def facets(
        self, query: str = "", *, sight: Sight = ALL, since: datetime | None = None, zone: tzinfo = UTC
    ) -> figures.Facets | None:  # fmt: skip
        meanings = self._mails.meanings(query, zone)
        if not all(each.is_counted for each in meanings):
            return None
        span = _time(meanings, since)
        seen = sighted.meant(sight)
        asked = [each.tally for each in (*meanings, seen) if each is not None and each.tally is not None]
        kept: dict[str, Counter[str]] = {name: Counter() for name in (*_KEYS[:4], "by")}
        for (mailbox, workspace, outcome, code, kind, name), mails in self._counted(span, asked).items():
            values = mailbox, workspace, outcome, code, f"{kind} {name}".rstrip()
            for counter, value in zip(kept.values(), values, strict=True):
                counter[value] += mails
        everything = sight.all and not meanings and since is None
        return figures.Facets(
            kept["outcome"].total(), **{name: _most(counter) for name, counter in kept.items()},
            domain=self._domains() if everything else None, since=_at(span.first), until=_at(span.end),
        )  # fmt: skip

    def _counted(self, quarters: Quarters, asked: Sequence[Any]) -> Counter[tuple[str, ...]]:
        """How many mails are alike."""
        tally, found = tables.Tally, Counter[tuple[str, ...]]()
        keys = [getattr(tally, name) for name in _KEYS]
        for span, first, end in quarters.parts():
            here = tally.span == span.value, tally.at >= first, tally.at < end
            query = tally.select(*keys, tables.fn.SUM(tally.mails)).where(*here, *asked)
            for *key, mails in self._database.all(query.group_by(*keys)) if first < end else ():
                found[tuple(key)] += int(mails)
        return found

    def _domains(self) -> tuple[Facet, ...]:
        sender, mails = tables.Sender, tables.fn.SUM(tables.Sender.mails)
        query = sender.select(sender.domain, mails).where(sender.domain != "").group_by(sender.domain)
        found = self._database.all(query.order_by(mails.desc(), sender.domain).limit(MOST_FACETS))
        return _most(Counter({domain: int(many) for domain, many in found}))


def _time(meanings: Sequence[Meaning], since: datetime | None) -> Quarters:
    """From the quarter in which it begins to the end of that in which it ends."""
    begins = [each.since for each in meanings if each.since is not None] + ([us(since)] if since is not None else [])
    ends = [each.until for each in meanings if each.until is not None]
    return Quarters(max(begins) // QUARTER_US if begins else -EVER, -(-min(ends) // QUARTER_US) if ends else EVER)


def _at(quarter: int) -> datetime | None:
    return time(quarter * QUARTER_US) if abs(quarter) != EVER else None


def _most(counted: Counter[str]) -> tuple[Facet, ...]:
    found = [Facet(value, mails) for value, mails in counted.items() if value and mails > 0]
    return tuple(sorted(found, key=lambda facet: (-facet.mails, facet.value))[:MOST_FACETS])
