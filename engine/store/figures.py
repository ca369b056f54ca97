"""How an installation stands, in figures: what waits, what is held, what goes out, what was counted.

Here: `Standing`, which is `engine.ports.Figures`. Not here: what is too much (`desk/health.py`), what happened in a
time (`counting.py`).
Invariant: a question reads what waits and what is wrong through an index, never what is over: a million rows cost
nothing.
"""

# ruff: noqa: S608 - only conditions of our own are put into the statements

from __future__ import annotations

from datetime import datetime, timedelta

from engine.model import rhythm
from engine.model.events import Kind
from engine.model.figures import Backlog, Counted, Counter, Figures, Pulse, Staff
from engine.model.sight import ItemSight, Sight
from engine.model.stored import NO_WAY_OUT
from engine.store import hot, still_held
from engine.store.database import Database, moment, time, us
from engine.store.queue import is_free
from engine.store.terms import COLLECTED, COUNTED, OPEN, QUEUED, TO_SEE

DAY = timedelta(days=1)
WEEK = timedelta(days=7)

OLDEST = 20
"""Waiting mails that are looked at: one that was taken up again counts from then."""

_PULSES = """
SELECT name, ok_at, failed_at, failing_since, failures, code, sentence, paused, lease_owner, lease_until,
  first_read_at, last_mail_at, rhythm, retry_at FROM mailbox ORDER BY name"""

_WAITING = f"SELECT count(*) FROM inbound WHERE {OPEN} AND state = 'received'"

# The + 0 keeps SQLite from walking the mails in their order in place of the few that wait.
_OLDEST = f"SELECT id, generation FROM inbound WHERE {OPEN} AND state = 'received' ORDER BY id + 0 LIMIT {OLDEST}"

_SINCE = "SELECT min(at) FROM event WHERE inbound_id = ? AND generation = ?"

_STOPPED = f"SELECT count(*), min(decided_at) FROM inbound WHERE {OPEN} AND state = ?"

_QUEUED = f"SELECT state, class, count(*) FROM outbox WHERE {QUEUED} GROUP BY state, class"

_COLLECTED = f"SELECT 'digest', 'notice', count(*) FROM outbox WHERE {COLLECTED}"

_HELD = f"SELECT state, class, count(*) FROM outbox WHERE {TO_SEE} AND state = 'held' GROUP BY state, class"

_OVER = f"""
SELECT state, class, count(*) FROM outbox
WHERE {TO_SEE} AND state IN ('failed', 'unknown', 'bounced') AND created_at >= ? GROUP BY state, class"""

_FAILED = f"""
SELECT count(*) FROM outbox WHERE {TO_SEE} AND state = 'failed' AND created_at >= ? AND tried_at >= ?"""

_UNSENT = f"""
SELECT count(*), min(id) FROM outbox
WHERE {QUEUED} AND state IN ('queued', 'sending') AND class IN ('answer', 'auto')"""

_SENT = f"""
SELECT max(tried_at) FROM (
  SELECT tried_at FROM outbox WHERE class = ? AND {COUNTED} AND state = 'sent'
  ORDER BY created_at DESC LIMIT {OLDEST}) AS newest"""

_NEWEST = "SELECT coalesce((SELECT max(id) FROM receipt), 0), coalesce((SELECT max(id) FROM outbox), 0)"

_MAILS = """
SELECT mailbox.name, receipt.workspace, outcome, receipt.code, count(*) FROM receipt
JOIN inbound ON inbound.id = inbound_id JOIN mailbox ON mailbox.id = mailbox_id
WHERE receipt.id > ? AND receipt.id <= ? GROUP BY 1, 2, 3, 4"""

_SUPPRESSED = "SELECT why, count(*) FROM outbox WHERE id > ? AND id <= ? AND state = 'suppressed' GROUP BY why"


class Standing:
    """Reads the figures."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def now(self, at: datetime, give_up_s: float) -> Figures:
        one, rows = self._database.one, self._database.rows
        tried = at - DAY
        trouble = one(hot.TROUBLE_SINCE, NO_WAY_OUT)
        shown = [*rows(_QUEUED), *rows(_COLLECTED), *rows(_HELD), *rows(_OVER, us(at - WEEK))]
        sent = [one(_SENT, kind)[0] or 0 for kind in Kind if kind is not Kind.WEBHOOK]
        return Figures(
            tuple(self.pulses(at)),
            self._waiting(), self._stopped("held"), self._stopped("quarantined").rows,
            tuple([(state, kind, count) for state, kind, count in shown if count]),
            self._backlog(*one(_UNSENT)), self._backlog(*one(hot.IN_QUEUE)),
            one(_FAILED, us(tried - timedelta(seconds=give_up_s)), us(tried))[0], moment(max(sent)),
            trouble[0] if trouble else "",
        )  # fmt: skip

    def staff(self, at: datetime) -> Staff | None:
        workers = self._database.workers
        return workers.standing(at) if workers is not None else None

    def pulses(self, at: datetime) -> list[Pulse]:
        return [
            Pulse(
                name, moment(ok_at), moment(failed_at), moment(since), failures, code, sentence, paused,
                bool(holder) and not is_free(self._database, holder, until, us(at)), moment(first), moment(last),
                rhythm.read(kept), moment(retry_at),
            )
            for name, ok_at, failed_at, since, failures, code, sentence, paused, holder, until, first, last, kept,
            retry_at in self._database.rows(_PULSES)
        ]  # fmt: skip

    def _waiting(self) -> Backlog:
        (count,) = self._database.one(_WAITING)
        since = [self._since(*row) for row in self._database.rows(_OLDEST)] if count else []
        return Backlog(count, min([each for each in since if each is not None], default=None))

    def _since(self, row: int, generation: int) -> datetime | None:
        """Since when a mail waits: its first time since it came, later since the first that was heard of it again."""
        asked = (hot.TAKEN_IN, row) if generation == 1 else (_SINCE, row, generation)
        return moment(self._database.one(*asked)[0])

    def held(self, sight: Sight, most: int) -> int:
        return still_held.held(self._database, sight, most)

    def letters(self, sight: ItemSight, most: int) -> int:
        return still_held.letters(self._database, sight, most)

    def _stopped(self, state: str) -> Backlog:
        count, oldest = self._database.one(_STOPPED, state)
        return Backlog(count, moment(oldest))

    def _backlog(self, count: int, first: int | None) -> Backlog:
        return Backlog(count, time(self._database.one(hot.WAITS_SINCE, first)[0])) if first else Backlog()

    def counted(self, since: tuple[int, int] | None) -> Counted:
        mark: tuple[int, int] = self._database.one(_NEWEST)
        before = since if since is not None and all(a <= b for a, b in zip(since, mark, strict=True)) else mark
        mails = [
            Counter("mails", (("mailbox", mailbox), ("workspace", workspace), ("outcome", outcome), ("code", code)), n)
            for mailbox, workspace, outcome, code, n in self._database.rows(_MAILS, before[0], mark[0])
        ]
        left = [
            Counter("suppressed", (("why", why),), n) for why, n in self._database.rows(_SUPPRESSED, before[1], mark[1])
        ]
        return Counted(mark, (*mails, *left))
