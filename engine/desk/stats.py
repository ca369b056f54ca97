"""How much came and what became of it: counts by a key, with how long it took.

Here: `stats`, the table of keys, medians. Not here: the rows (`store/counting.py`), printing (`cli/stats.py`).
Invariant: the counts of one table make up its total; a time that nobody knows is None, never 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from itertools import chain
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from msgspec import Struct

from engine.model.figures import BY_MAIL, Passed, duration_of

if TYPE_CHECKING:
    from engine.config import Config
    from engine.store.store import Store

BY = (*BY_MAIL[:7], "event", "why", *BY_MAIL[7:])
"""What may be counted by: mails by the others, events, and mail that was not sent by why not."""

IN_ORDER = ("hour", "day")
"""Keys that stand in their own order; the others begin with the most."""


class Row(Struct, frozen=True):
    """One key: how many, which share of all (0 to 1), and the times in ms to a tenth of them, None where not known.

    `p50_ms` and `p95_ms` are from when a mail came until it was decided, `answered_p50_ms` until its item was answered.
    """

    key: str
    count: int
    share: float
    p50_ms: float | None = None
    p95_ms: float | None = None
    answered_p50_ms: float | None = None


class Stats(Struct, frozen=True):
    """What was counted: the rows, all of them together, and what was sent and what was not on purpose."""

    by: str
    since: datetime
    rows: tuple[Row, ...]
    total: Row
    sent: int
    suppressed: int


def stats(store: Store, config: Config, by: str, since: datetime) -> Stats:
    """Count what came since then; `by` is a word of `BY`. Raises StoreError.

    Mails are counted by quarters of an hour, and where it is long ago by days in UTC: from the beginning of one.
    """
    since = store.counting.begins(by, since) if by in BY_MAIL else since
    sent, suppressed = store.counting.sent(since)
    if by in BY_MAIL:
        rows, total = _mails(store, config, by, since)
    else:
        counts = store.counting.events(since) if by == "event" else store.counting.whys(since)
        total = Row("", sum(counts.values()), 1.0)
        rows = [Row(key, number, _share(number, total.count)) for key, number in counts.items()]
    order = (lambda row: (row.key,)) if by in IN_ORDER else (lambda row: (-row.count, row.key))
    return Stats(by, since, tuple(sorted(rows, key=order)), total, sent, suppressed)


def _mails(store: Store, config: Config, by: str, since: datetime) -> tuple[list[Row], Row]:
    found = store.counting.mails(by, since, ZoneInfo(config.instance.timezone))
    total = sum(each.mails for each in found)
    decided, answered = [each.decided for each in found], [each.answered for each in found]
    everything = Passed("", total, [*chain(*decided)], [*chain(*answered)])
    return [_row(each, total) for each in found], _row(everything, total)


def _row(passed: Passed, total: int) -> Row:
    decided, answered = sorted(passed.decided), sorted(passed.answered)
    return Row(passed.key, passed.mails, _share(passed.mails, total), quantile(decided, 0.5), quantile(decided, 0.95),
               quantile(answered, 0.5))  # fmt: skip


def _share(number: int, total: int) -> float:
    return round(number / total, 4) if total else 0.0


def quantile(ordered: Sequence[tuple[int, int]], part: float) -> float | None:
    """The duration below which that part of all lies, in ms."""
    total = sum(many for _, many in ordered)
    rank, seen = min(int(total * part), total - 1), 0
    for its, many in ordered:
        seen += many
        if seen > rank:
            return round(duration_of(its) / 1000, 1)
    return None
