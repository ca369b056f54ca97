"""The way through the ledger that finds the mails of a query: the newest first, and only where there can be some.

Here: `Walk`. Not here: what the words mean (`search.py`), what may be seen (`sighted.py`), the columns of a row
(`mails.py`).
Invariant: what is found is what the conditions alone would find. What is counted tells which blocks of the ledger hold
mails alike, and who a sender can be; mails without a receipt are looked at whatever the counts say. Who asks for an end
after a time is told how far back was looked.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from functools import reduce
from operator import and_, itemgetter
from time import monotonic
from typing import TYPE_CHECKING, Any, NamedTuple

from engine.model.figures import BLOCK_ROWS, Span
from engine.store import tables
from engine.store.terms import DECIDED, OPEN

if TYPE_CHECKING:
    from engine.store.database import Database
    from engine.store.search import Meaning

WINDOW_ROWS = 50_000
"""Rows of the ledger that are gone through together where no count tells where to look."""

MOST_BLOCKS = 64
"""Blocks that are looked at together."""

MOST_SENDERS, MOST_THEIRS = 300, 20_000
"""Where more senders fit, or they wrote more mails, those are found on the way."""

Rows = list[tuple[Any, ...]]


class Range(NamedTuple):
    """Rows of the ledger, both ends included."""

    first: int
    last: int


class Walk:
    """One walk; `select` gives a query whose second column is the row, joined with all that conditions ask about.

    `seen` are the mails that may be found at all, None for any: a word like the others, but for mails that wait, too.
    """

    def __init__(
        self, database: Database, meanings: Sequence[Meaning], select: Callable[[], Any], seen: Meaning | None = None
    ) -> None:
        self._database, self._select, self._seen = database, select, seen
        self._meanings = [*meanings, *([seen] if seen is not None else [])]
        self._conditions = [each.rows for each in self._meanings]
        self.looked_to: int | None = None
        """The first row that was looked at, where the time was over before all were."""

    def rows(self, limit: int, before: int = 0, until: float = float("inf")) -> Rows:
        """Give the mails, the newest first, those before the row `before`; ends when the clock (monotonic) says so."""
        if any(each.found for each in self._meanings):
            return self._asked(limit, *self._behind(before))
        senders = self._senders()
        if senders is not None:
            return self._of_senders(senders, limit, before)
        found: Rows = []
        ends = self._ends(before)
        for each in self._ranges(ends, limit) if ends is not None else ():
            found += self._asked(limit - len(found), tables.Inbound.id.between(each.first, each.last))
            if len(found) >= limit:
                break
            if monotonic() > until and ends is not None and each.first > ends.first:
                self.looked_to = each.first
                break
        return found

    def first(self) -> int | None:
        """Give a row from which the oldest mails on can be; None where there can be none."""
        ends = self._ends(0)
        blocks = self._blocks(ends) if ends is not None else ()
        if ends is None or blocks is None:
            return ends.first if ends is not None else None
        oldest = min((block for block, _ in blocks), default=None)
        return max(ends.first, oldest * BLOCK_ROWS) if oldest is not None else None

    def _asked(self, limit: int, *conditions: Any) -> Rows:
        query = self._select().where(*self._conditions, *conditions)
        return self._database.all(query.order_by(tables.Inbound.id.desc()).limit(limit))

    def _behind(self, before: int) -> list[Any]:
        return [tables.Inbound.id < before] if before else []

    # ── senders ───────────────────────────────────────────────────────────────────────────────────────────────

    def _senders(self) -> list[str] | None:
        """The addresses of whom the mails can be; None where that is not asked, or there are too many."""
        asked = [each.senders for each in self._meanings if each.senders is not None]
        if not asked:
            return None
        query = tables.Sender.select(tables.Sender.address, tables.Sender.mails).where(*asked).limit(MOST_SENDERS + 1)
        found = self._database.all(query)
        few = len(found) <= MOST_SENDERS and sum(mails for _, mails in found) <= MOST_THEIRS
        return [address for address, _ in found] if few else None

    def _of_senders(self, senders: Sequence[str], limit: int, before: int) -> Rows:
        inbound, behind = tables.Inbound, self._behind(before)
        theirs = inbound.alias()
        decided = theirs.select(theirs.id).where(theirs.sender.in_(senders), tables.SQL(DECIDED))
        found = self._asked(limit, inbound.id.in_(decided), *behind) if senders else []
        waiting = self._asked(limit, *_waits(inbound), *behind)
        return sorted({*found, *waiting}, key=itemgetter(1), reverse=True)[:limit]

    # ── blocks and windows ────────────────────────────────────────────────────────────────────────────────────

    def _ends(self, before: int) -> Range | None:
        """Between which rows there can be something; None where there can be nothing."""
        inbound = tables.Inbound
        newest = self._database.first(inbound.select(tables.fn.MAX(inbound.id)))[0] or 0
        first, last = 1, min(newest, before - 1) if before else newest
        since = [each.since for each in self._meanings if each.since is not None]
        until = [each.until for each in self._meanings if each.until is not None]
        if since or until:
            decided = self._came_between(max(since, default=None), min(until, default=None))
            ends = inbound.select(tables.fn.MIN(inbound.id), tables.fn.MAX(inbound.id))
            waiting = self._database.first(ends.where(*_waits(inbound)))
            known = [each for each in (*decided, *waiting) if each is not None]
            first, last = max(first, min(known, default=1)), min(last, max(known, default=0))
        return Range(first, last) if first <= last else None

    def _came_between(self, since: int | None, until: int | None) -> Iterator[int | None]:
        """The first and the last row of the decided mails that came between; None where there is none.

        A server that is asked for the least number goes through all from that end on, until one fits; asked for the
        least sum, it goes through those that fit. Which are fewer is told by the times.
        """
        inbound, decided = tables.Inbound, tables.SQL(DECIDED)
        at = inbound.received_at
        times = [inbound.select(each(at)).where(decided) for each in (tables.fn.MIN, tables.fn.MAX)]
        (oldest,), (newest,) = [self._database.first(each) for each in times]
        if oldest is None:
            return
        begin, end = oldest if since is None else since, newest if until is None else until
        fit = min(end, newest) - max(begin, oldest)
        came = [at >= since] if since is not None else []
        came += [at < until] if until is not None else []
        for which, passed in ((tables.fn.MIN, begin - oldest), (tables.fn.MAX, newest - end)):
            number = inbound.id if passed <= fit else inbound.id + 0
            yield self._database.first(inbound.select(which(number)).where(decided, *came))[0]

    def _ranges(self, ends: Range, limit: int) -> Iterator[Range]:
        """Give the rows to look at, the newest first; each range is asked for alone, for SQLite goes from end to end
        through a table of which several are asked for.
        """
        blocks = self._blocks(ends)
        if blocks is None:
            for last in range(ends.last, ends.first - 1, -WINDOW_ROWS):
                yield Range(max(ends.first, last - WINDOW_ROWS + 1), last)
            return
        some: list[int] = []
        expected = 0
        for block, mails in blocks:
            some.append(block)
            expected += mails
            if len(some) == MOST_BLOCKS or expected >= limit:
                yield from _together(some, ends)
                some, expected, limit = [], 0, 2 * limit  # what is not counted fits few of them
        yield from _together(some, ends)

    def _blocks(self, ends: Range) -> Iterator[tuple[int, int]] | None:
        """Blocks with mails alike, the newest first, and how many there are at most; None where nothing tells."""
        told = [each for each in self._meanings if each.tally is not None]
        return self._alike(told, ends.first // BLOCK_ROWS, ends.last // BLOCK_ROWS) if told else None

    def _alike(self, told: Sequence[Meaning], first: int, last: int) -> Iterator[tuple[int, int]]:
        """Ask for a few blocks and then for twice as many again and again: who asks for the newest needs few."""
        waiting = self._waiting()
        for begin, end in _doubled(first, last, MOST_BLOCKS):
            parts = self._parts(told, begin, end)
            found = reduce(and_, parts) | Counter({block: BLOCK_ROWS for block in waiting if begin <= block <= end})
            yield from sorted(found.items(), reverse=True)

    def _parts(self, told: Sequence[Meaning], first: int, last: int) -> list[Counter[int]]:
        here, hit_here = tables.Tally.at.between(first, last), tables.RuleHit.at.between(first, last)
        alike = [each.tally for each in told if each.hits is None]
        parts = [self._counted(tables.Tally, tables.Tally.mails, here, *alike)] if alike else []
        for each in told:
            if each.hits is not None:
                decided = self._counted(tables.Tally, tables.Tally.mails, here, each.tally)
                parts.append(decided + self._counted(tables.RuleHit, tables.RuleHit.hits, hit_here, each.hits))
        return parts

    def _counted(self, table: Any, count: Any, *where: Any) -> Counter[int]:
        query = table.select(table.at, tables.fn.SUM(count)).where(table.span == Span.BLOCK.value, count > 0, *where)
        return Counter({block: int(many) for block, many in self._database.all(query.group_by(table.at))})

    def _waiting(self) -> list[int]:
        """Blocks of mails that have no receipt yet."""
        row, block = tables.Inbound, tables.Inbound.id / BLOCK_ROWS
        rows = row.select(block) if self._seen is None else self._select().columns(block).where(self._seen.rows)
        return [each for (each,) in self._database.all(rows.where(*_waits(row)).distinct())]


def _waits(row: Any) -> tuple[Any, ...]:
    """Says that a mail waits to be decided, for the first time or again."""
    return tables.SQL(OPEN), row.state == "received"


def _together(blocks: Sequence[int], ends: Range) -> list[Range]:
    """The rows of these blocks, the newest of which stands first; blocks side by side are one range."""
    ranges: list[Range] = []
    for block in blocks:
        each = Range(max(block * BLOCK_ROWS, ends.first), min((block + 1) * BLOCK_ROWS - 1, ends.last))
        if each.first > each.last:
            continue
        if ranges and ranges[-1].first == each.last + 1:
            ranges[-1] = Range(each.first, ranges[-1].last)
        else:
            ranges.append(each)
    return ranges


def _doubled(first: int, last: int, many: int) -> Iterator[tuple[int, int]]:
    """Take numbers from behind, both ends included: so many, then twice as many, and so on."""
    while last >= first:
        begin = max(first, last - many + 1)
        yield begin, last
        last, many = begin - 1, 2 * many
