"""What is counted of an installation: how it stands now, and what happened in a time.

Here: frozen data and nothing else. Not here: counting (`store/figures.py`, `store/counting.py`), judging it
(`desk/health.py`).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
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
    """Decided mails of one key: how many, and in us how long each took after it came and until its item was answered.

    Times stand in no order, and only where they are known.
    """

    key: str
    mails: int = 0
    decided_us: Sequence[int] = ()
    answered_us: Sequence[int] = ()
