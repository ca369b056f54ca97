"""What is counted of an installation: how it stands now, and what happened in a time.

Here: frozen data and nothing else. Not here: counting (`store/figures.py`, `store/counting.py`), judging it
(`desk/health.py`).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from enum import IntEnum
from math import log2
from typing import NamedTuple

from msgspec import Struct

from engine.model.rhythm import Rhythm
from engine.model.stored import Attending


class Pulse(Struct, frozen=True):
    """How a mailbox fares: when it was last read, failed and had mail; how often mail comes.

    `busy`: it is read now; one that failed is not tried again before `retry_at`.
    """

    name: str
    ok_at: datetime | None = None
    failed_at: datetime | None = None
    failing_since: datetime | None = None
    failures: int = 0
    code: str = ""
    sentence: str = ""
    paused: str = ""
    busy: bool = False
    first_read_at: datetime | None = None
    last_mail_at: datetime | None = None
    rhythm: Rhythm = Rhythm()
    retry_at: datetime | None = None

    def silent_since(self, silence: float | str, now: datetime) -> datetime | None:
        """When mail last came, if that is longer ago than `silence`: seconds, "auto", or 0 for never.

        The time before the mailbox was first read does not count: nobody waited for mail then.
        """
        limit = self.rhythm.silence_s() if silence == "auto" else silence
        known = [at for at in (self.first_read_at, self.last_mail_at) if at is not None]
        if not isinstance(limit, float) or not limit or not known:
            return None
        return (self.last_mail_at or known[0]) if (now - max(known)).total_seconds() > limit else None


class Backlog(NamedTuple):
    """How much waits, and since when the oldest of it does."""

    rows: int = 0
    oldest: datetime | None = None


class Figures(Struct, frozen=True):
    """How an installation stands. `outbox` counts, by state and class, what is not over; `failed` that of a day.

    `unsent` are answers and automatic answers that wait to go out, `sent_at` is when a mail last went out; `away` says
    why nothing goes out.
    """

    mailboxes: tuple[Pulse, ...] = ()
    waiting: Backlog = Backlog()
    held: Backlog = Backlog()
    quarantined: int = 0
    outbox: tuple[tuple[str, str, int], ...] = ()
    unsent: Backlog = Backlog()
    queued: Backlog = Backlog()
    failed: int = 0
    sent_at: datetime | None = None
    away: str = ""


class Staff(Struct, frozen=True):
    """The workers beside a database on a server, and what waits for them.

    `living` are those that live. It is `wanted` that one does where the next visit to a mailbox was planned by one.
    `late_s` is for how long the oldest has been due that nobody took up: a mailbox or a mail. `orphans` are mails that
    a dead process claimed over a minute ago, `unheard_s` is for how long a bell has hung there; `paused` says why
    nothing is decided.
    """

    living: tuple[Attending, ...] = ()
    wanted: bool = False
    late_s: float = 0.0
    orphans: int = 0
    unheard_s: float = 0.0
    paused: str = ""


class Counter(NamedTuple):
    """Something that only grows: a name, labels with their values, and how much was added."""

    name: str
    labels: tuple[tuple[str, str], ...]
    added: int


class Counted(Struct, frozen=True):
    """What was added since a mark, and the mark of now: the newest receipt and the newest row of the outbox."""

    mark: tuple[int, int]
    counters: tuple[Counter, ...] = ()


BY_MAIL = ("outcome", "code", "mailbox", "workspace", "sender", "rule", "hook", "hour", "day")
"""What mails may be counted by."""


class Passed(NamedTuple):
    """Decided mails of one key: how many, how long they took after they came, and until their items were answered.

    Each time is a class (`class_of`) with how many took so long. They stand in no order, only where they are known.
    """

    key: str
    mails: int = 0
    decided: Sequence[tuple[int, int]] = ()
    answered: Sequence[tuple[int, int]] = ()


TEXT_CUT = 0
"""In place of the number of a rule: a text was longer than the limit when the rules of the file saw it."""


class RuleHit(NamedTuple):
    """A rule that matched, by the digest of its file and its number in it, or `TEXT_CUT`."""

    file: str
    digest: str
    rule: int


class Hits(NamedTuple):
    """In how many decisions a rule matched, and when the newest of those mails came."""

    hit: RuleHit
    decisions: int
    last_at: datetime


class Measured(NamedTuple):
    """What was measured of one mail: what (`SIZE` in bytes, `SCRIPTS` in us), of what, and how much."""

    what: str
    key: str
    value: int


SIZE, SCRIPTS = "size", "scripts"

ANSWER = "answer"
"""What is measured of an item, of its workspace: from the mail that opened it to the first answer, as a class."""


class Measure(NamedTuple):
    """How many measured from a power of two up to the next, the size of 0 and 1 too: `power` is the lower one's."""

    key: str
    power: int
    many: int


class Timed(NamedTuple):
    """How many there were of these keys, from a time on: for a quarter of an hour or a day."""

    at: datetime
    keys: tuple[str, ...]
    many: int


class Domain(NamedTuple):
    """A domain that mail comes from: how many there were, and what was said of DMARC in them."""

    domain: str
    mails: int
    passed: int
    failed: int


MOST_FACETS = 20
"""Values of one facet that are told."""


class Facet(NamedTuple):
    """A value that mails have, as its search word takes it, and how many have it."""

    value: str
    mails: int


class Facets(Struct, frozen=True):
    """How many decided mails there are, and of what: the values that most have, those first.

    What waits to be decided is not counted, or still as what it was before. `since` and `until` are from when to when
    mails came that are counted, both at a quarter of an hour, None for all. `domain` counts those of senders, where all
    mails are counted; else it is None.
    """

    mails: int = 0
    outcome: tuple[Facet, ...] = ()
    code: tuple[Facet, ...] = ()
    mailbox: tuple[Facet, ...] = ()
    workspace: tuple[Facet, ...] = ()
    by: tuple[Facet, ...] = ()
    domain: tuple[Facet, ...] | None = None
    since: datetime | None = None
    until: datetime | None = None


class Share(NamedTuple):
    """A value that items have, as its search word takes it, and how many have it."""

    value: str
    items: int


class ItemKinds(Struct, frozen=True):
    """What the newest items that a search finds have in common: how many were counted, whether there are `more`."""

    items: int = 0
    more: bool = False
    status: tuple[Share, ...] = ()
    assigned: tuple[Share, ...] = ()
    workspace: tuple[Share, ...] = ()
    unanswered: int = 0


# ── spans and classes ─────────────────────────────────────────────────────────────────────────────────────────


class Span(IntEnum):
    """What is counted together: a quarter of an hour or a day, as a number of quarters; a block of the ledger."""

    BLOCK = 0
    QUARTER = 1
    DAY = 96


QUARTER_US = 900_000_000
"""A quarter of an hour: in no zone does an hour begin within one."""

DAY_US = Span.DAY * QUARTER_US

BLOCK_ROWS = 512
"""Rows of the ledger that are one block."""


def block_of(row: int) -> int:
    """Give the number of the block in which a row of the ledger lies."""
    return row // BLOCK_ROWS


def class_of(us: int) -> int:
    """Give the class of a duration: four for each power of two of a millisecond, from 1, so that it is right to 9 %."""
    return 1 + round(4 * log2(us / 1000)) if us > 1000 else 1


def duration_of(its: int) -> float:
    """Give the duration in us that a class stands for."""
    return float(1000.0 * 2 ** ((its - 1) / 4))
