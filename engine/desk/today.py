"""Is mail flowing, and what waits for me? What one person sees of the last day, put together.

Here: `today`. Not here: the judgement of a mailbox (`health.py`), the flow (`flow.py`), a page (`console/`).
Invariant: a mailbox is judged once, as `allegra health` judges it; nothing is told of what somebody does not see.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from msgspec import Struct

from engine.desk import health, held, item_page, outbox
from engine.desk.flow import flow
from engine.desk.numbers import Asked
from engine.desk.periods import Period

if TYPE_CHECKING:
    from engine.desk.charts import Flow
    from engine.desk.health import Check
    from engine.model.figures import Timed
    from engine.model.stored import ItemRow, MailRow, OutboxLine

DAY = timedelta(hours=24)

SHOWN = 8
"""Held mails, items and answers that are named; behind them there may be more."""

FIVE = (
    ("new items", "created", ("created",)), ("comments and notes", "comment", ("comment", "note")),
    ("held mail", "held", ("held",)), ("rejected or discarded", "rejected", ("rejected", "discarded", "duplicate")),
    ("errors", "error", ("error",)),
)  # fmt: skip
"""The numbers of a day: a name, a colour, and which outcomes are counted together."""


class Tile(Struct, frozen=True):
    """A mailbox: how it is judged, when it was read and when mail came, and its mails of each hour of a day."""

    mailbox: str
    protocol: str
    checks: tuple[Check, ...]
    read_at: datetime | None
    last_mail_at: datetime | None
    hours: tuple[int, ...]
    paused: str = ""

    @property
    def status(self) -> health.Status:
        """The worst of its checks."""
        return health.worst(self.checks)

    @property
    def said(self) -> str:
        """What is wrong with it, "" where nothing is."""
        return "; ".join(each.said for each in self.checks if each.status is not health.Status.OK)


class Number(Struct, frozen=True):
    """A number of the day, by hours, and the search for these mails, "" where none finds just them."""

    name: str
    colour: str
    mails: int
    hours: tuple[int, ...]
    query: str = ""


class Today(Struct, frozen=True):
    """What one page tells; `held` begins with the oldest, `more` says that there are others."""

    tiles: tuple[Tile, ...]
    numbers: tuple[Number, ...]
    flow: Flow
    held: tuple[MailRow, ...]
    items: tuple[ItemRow, ...]
    letters: tuple[OutboxLine, ...]
    more: tuple[str, ...] = ()


def today(asked: Asked) -> Today:
    """Put it together; the flow is that of the time that is asked for, the other numbers are of a day."""
    store, scope = asked.store, asked.scope
    period = Period.of(DAY, asked.now, asked.zone)
    found = store.series.timed(("mailbox", "outcome"), period.since, period.span, sight=scope.sight)
    waits = held.oldest(store, SHOWN + 1, scope.sight)
    mine = f'unanswered assigned:"{scope.login}"'
    items = item_page.listed(store, scope, mine, SHOWN) if scope.login else item_page.Found([], False, False)
    failed = outbox.listed(store, asked.config, "state:failed", limit=SHOWN + 1, sight=scope.letters).lines
    more = [name for name, is_more in (("held", len(waits) > SHOWN), ("items", items.more),
                                       ("letters", len(failed) > SHOWN)) if is_more]  # fmt: skip
    return Today(
        tuple(_tiles(asked, period, found)), tuple(_numbers(period, found)),
        flow(store, asked.config, scope, asked.now - asked.last, asked.last),
        tuple(waits[:SHOWN]), tuple(items.rows), failed[:SHOWN], tuple(more),
    )  # fmt: skip


def _tiles(asked: Asked, period: Period, found: Sequence[Timed]) -> Iterator[Tile]:
    """The active mailboxes that somebody sees, in the order of the configuration."""
    pulses = {pulse.name: pulse for pulse in asked.store.figures.pulses(asked.now)}
    counts = _by_hour(period, found, 0)
    for box in asked.config.mailboxes:
        if not box.active or not (asked.scope.admin or box.name in asked.scope.mailboxes):
            continue
        pulse = pulses.get(box.name)
        checks = [health.readable(box, pulse, health.LAG_S, asked.now)]
        checks += [health.silence(box, pulse, asked.now)] if box.silence else []
        hours = tuple([counts[number, box.name] for number, _ in enumerate(period.slots)])
        read_at, mail_at = (pulse.ok_at, pulse.last_mail_at) if pulse is not None else (None, None)
        yield Tile(box.name, box.protocol, tuple(checks), read_at, mail_at, hours, pulse.paused if pulse else "")


def _numbers(period: Period, found: Sequence[Timed]) -> Iterator[Number]:
    counts = _by_hour(period, found, 1)
    for name, colour, outcomes in FIVE:
        hours = tuple([sum(counts[number, each] for each in outcomes) for number, _ in enumerate(period.slots)])
        query = f"outcome:{outcomes[0]} newer_than:24h" if len(outcomes) == 1 else ""
        yield Number(name, colour, sum(hours), hours, query)


def _by_hour(period: Period, found: Sequence[Timed], which: int) -> Counter[tuple[int, str]]:
    counts, slots = Counter[tuple[int, str]](), {at: period.slot(at) for at in {each.at for each in found}}
    for at, keys, mails in found:
        counts[slots[at], keys[which]] += mails
    return counts
