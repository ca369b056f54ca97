"""The outbox: what is to be sent, one row for each mail to each recipient and each webhook.

Here: `Outbox`, as `engine.ports.Outbox` tells it: claiming rows, what became of them. Not here: composing and sending
(`engine/outbox`), the writing of rows (`dispatches.py`), what people see and do (`outbox_views.py`). Invariant: a row
is claimed in a committed transaction before it is sent; one whose sender died is sent again if it is a notification,
and becomes `unknown` if it is automatic: at least once, at most once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from functools import cached_property
from typing import Any

import msgspec

from engine.model.events import Kind
from engine.model.hearing import Outgoing
from engine.model.stored import OutboxContext, OutboxLine, OutboxRow, Queued
from engine.store import hot, tables
from engine.store.database import Database, moment, time, us
from engine.store.memory import Memory
from engine.store.queue import CLAIM_S, CLOCK_JUMP_S, is_free

MOST_KEPT = 256 << 10
"""Bytes of a mail that are kept until it is sent; a longer one is composed again."""

DIED = "the process that sent it died"

DEATHS_AT_ONCE = 2
"""Times that a row is tried again at once after its process died; from then on it waits, or it would stop others."""

FIRST_WAIT_US, MOST_DOUBLED = 60_000_000, 8

ORDER = (Kind.ANSWER, Kind.AUTO, Kind.NOTICE, Kind.WEBHOOK)
"""What is sent first: a person's words before what a machine says."""

_decode = msgspec.json.Decoder(Outgoing).decode


def decode(payload: str) -> Outgoing:
    """Read what a row is composed of; one of an earlier release holds less."""
    try:
        return _decode(payload)
    except msgspec.ValidationError:
        return Outgoing("")


class Outbox:
    """Hands out what is to be sent and writes down what became of it."""

    def __init__(self, database: Database, memory: Memory) -> None:
        self._database, self._memory = database, memory

    @cached_property
    def context(self) -> Callable[[OutboxRow], OutboxContext]:
        """Tells what a row is about; taken up when the first is sent."""
        from engine.store.about import About

        return About(self._database, self._memory).context

    def waiting(self, now: datetime | None = None) -> int:
        return int(self._database.one(hot.TO_BE_SENT, *_due(us(now or self._database.clock())))[0])

    def claim(self, limit: int, now: datetime, owner: str, kinds: Sequence[Kind] = ORDER) -> list[OutboxRow]:
        at = us(now)
        with self._database.joining(noted=True):
            self._recover(at)
            rows: list[Any] = []
            for kind in kinds:
                if len(rows) < limit:
                    sql = hot.DUE + self._database.unlocked("outbox")
                    rows += self._database.rows(sql, kind, *_due(at), limit - len(rows))
            for (number,) in rows:
                self._database.mark(hot.SEND, owner, at + CLAIM_S * 1_000_000, at, number)
        return [self.row(number) for (number,) in rows]

    def queued(self) -> Queued:
        rows, first = self._database.one(hot.IN_QUEUE)
        return Queued(rows, time(self._database.one(hot.WAITS_SINCE, first)[0])) if rows else Queued()

    def _recover(self, now: int) -> None:
        """Give back what a dead process was sending; of automatic mail nobody knows whether it went out."""
        for number, owner, until, kind, attempts in self._database.rows(hot.SENDING):
            if is_free(self._database, owner, until, now):
                next_at = now + (FIRST_WAIT_US << min(attempts, MOST_DOUBLED)) if attempts > DEATHS_AT_ONCE else 0
                state = "unknown" if kind == Kind.AUTO else "queued"
                self._database.run(hot.SENDER_DIED, state, DIED, next_at, number, owner)

    def row(self, number: int) -> OutboxRow:
        (number, key, kind, event, payload, mail, generation, item, topic, message_id, attempts, language, account,
         created_at, address_key, content, queued_at) = self._database.one(hot.TO_SEND, number)  # fmt: skip
        return OutboxRow(
            number, key, Kind(kind), event, decode(payload), mail, generation, item, topic, message_id, attempts,
            language, account, time(created_at), address_key, bytes(content or b""), moment(queued_at),
        )  # fmt: skip

    def composed(self, number: int, message_id: str, content: bytes) -> None:
        from engine.model.questions import message_id_key

        with self._database.crash_safe(noted=True):
            self._database.mark(hot.COMPOSED, message_id, content if len(content) <= MOST_KEPT else None, number)
            self._memory.touch_only("receipts", (message_id_key(message_id),))  # an answer to it has found something

    def sent(self, number: int, now: datetime | None = None) -> None:
        with self._database.joining(noted=True):
            self._database.mark(hot.SENT, us(now or self._database.clock()), number)
            self._memory.touch("receipts")

    def failed(self, number: int, error: str, retry_at: datetime | None) -> None:
        with self._database.joining():
            self._set(number, "failed" if retry_at is None else "queued", error, us(retry_at) if retry_at else 0)
            if retry_at is None:
                row = tables.Outbox
                self._database.do(row.update(tried_at=self._database.now()).where(row.id == number))

    def postponed(self, number: int, why: str) -> None:
        with self._database.joining(noted=True):
            self._database.run(hot.POSTPONE, None, why, number)

    def overdue(self, before: datetime, limit: int) -> list[int]:
        return [number for (number,) in self._database.rows(hot.OVERDUE, us(before), us(before), limit)]

    def dropped(self, number: int, why: str, said: str = "") -> None:
        row = tables.Outbox
        with self._database.joining():
            self._set(number, "dropped", said)
            self._database.do(row.update(why=why).where(row.id == number))
            self._memory.forget_letters()

    def unknown(self, number: int) -> None:
        with self._database.joining():
            self._set(number, "unknown", "the connection broke after the mail was handed over")

    def told(self, mail: str = "", item: int = 0, topic: int = 0) -> list[OutboxLine]:
        from engine.store.outbox_views import told

        return told(self._database, mail, item, topic)

    def _set(self, number: int, state: str, error: str, next_at: int = 0) -> None:
        row = tables.Outbox
        self._database.do(row.update(state=state, owner=None, error=error, next_at=next_at).where(row.id == number))


def _due(now: int) -> tuple[int, int]:
    """Give the times between which a row waits: later ones were set by a clock that ran ahead."""
    return now, now + CLOCK_JUMP_S * 1_000_000
