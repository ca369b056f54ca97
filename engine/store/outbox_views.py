"""The outbox as people see it and repair it: who was told what, what is not over, what is to be done about it.

Here: `OutboxViews`, as `engine.ports.OutboxViews` tells it. Not here: the words of a query (`outbox_query.py`), sending
(`outbox.py`). Invariant: a row changes its state only from one that allows it, and all that a person does at once is
one transaction; it leaves a row in `event` that says who did it.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from engine.model.events import Kind
from engine.model.sight import EVERY_ITEM, ItemSight
from engine.model.stored import NO_WAY_OUT, OutboxLine, TroubledAddress
from engine.store import hot, tables
from engine.store.bells import Bell
from engine.store.database import Database, moment, time, us
from engine.store.errors import NotFound
from engine.store.memory import Memory
from engine.store.outbox import decode
from engine.store.outbox_query import WINDOW, read

HEAD_BYTES = 2_000
"""As much of a mail as is read for its subject, which stands among the first fields."""

AT_ONCE = 500


class OutboxViews:
    """Shows rows and lets people decide about them."""

    def __init__(self, database: Database, memory: Memory) -> None:
        self._database, self._memory = database, memory

    def lines(
        self, query: str = "", *, everything: bool = False, limit: int = 100, now: datetime | None = None,
        separators: str = "", sight: ItemSight = EVERY_ITEM, before: int = 0,
    ) -> tuple[list[OutboxLine], bool]:  # fmt: skip
        found = read(query, now or self._database.clock(), everything, separators, sight, before)
        numbers = [row[0] for each in found.statements for row in self._database.rows(each.sql, *each.params, limit)]
        newest = sorted(set(numbers), reverse=True)[:limit]
        lines: list[OutboxLine] = []
        for start in range(0, len(newest), AT_ONCE):
            here = _lines().where(tables.Outbox.id.in_(newest[start : start + AT_ONCE]))
            lines += map(_line, self._database.all(here.order_by(tables.Outbox.id.desc())))
        more = found.windowed and self._database.one(hot.NEWEST_ROW)[0] > WINDOW
        return lines, more

    def line(self, number: int) -> OutboxLine:
        row = self._database.first(_lines().where(tables.Outbox.id == number))
        if row is None:
            raise NotFound(f"the outbox has no row {number}; allegra outbox list --all shows them", str(number))
        return _line(row)

    def content(self, number: int) -> bytes:
        row = tables.Outbox
        (content,) = self._database.first(row.select(row.content).where(row.id == number)) or (b"",)
        return bytes(content or b"")

    def change(
        self, act: str, numbers: Sequence[int], states: Sequence[str], by: str, said: str = "", via: str = "command"
    ) -> list[int]:
        now, row = self._database.now(), tables.Outbox
        ends: dict[str, dict[str, Any]] = {
            "retry": {"state": "queued", "queued_at": now, "next_at": 0, "attempts": 0, "why": "", "error": ""},
            "hold": {"state": "held", "why": "", "error": said},
            "drop": {"state": "dropped", "error": said},
        }
        done: list[int] = []
        with self._database.joining():
            for number in numbers:
                changed = row.update(owner=None, **ends[act]).where(row.id == number, row.state.in_(states))
                if self._database.do(changed):
                    self._note(act, number, by, via, said)
                    done.append(number)
            self._memory.forget_letters()
            if act == "retry" and done:
                self._database.ring(Bell.DELIVER)
            if not self._database.one(hot.IN_QUEUE)[0]:
                self._database.run(hot.TROUBLE_OVER, NO_WAY_OUT)
        return done

    def _note(self, act: str, number: int, by: str, via: str, said: str) -> None:
        row = tables.Outbox
        about = row.select(row.item, row.topic, row.inbound, row.generation).where(row.id == number)
        item, topic, inbound, generation = self._database.first(about)
        told = json.dumps({"outbox": number, "said": said})
        place = (hot.TOPIC_WORKSPACE, topic) if topic else (hot.CLOSED_AT, item) if item else None
        found = self._database.rows(*place) if place is not None else []
        where = str(found[0][0]) if found else ""
        self._database.run(
            hot.EVENT, self._database.now(), f"outbox.{act}", by, via, item, topic, 0, where, inbound, generation, "",
            told,
        )  # fmt: skip

    # ── addresses ─────────────────────────────────────────────────────────────────────────────────────────────

    def addresses(self, now: datetime | None = None) -> list[TroubledAddress]:
        state, mute, at = tables.AddressState, tables.Mute, us(now or self._database.clock())
        failing = self._database.all(
            state.select(state.address_key, state.failures, state.last_code, state.suspended_at)
            .where((state.failures > 0) | (state.suspended_at > 0)).order_by(state.address_key)
        )  # fmt: skip
        muted = self._database.all(
            mute.select(mute.address_key, mute.item, mute.until, mute.why).where(mute.until > at)
            .order_by(mute.address_key, mute.item)
        )  # fmt: skip
        return [
            TroubledAddress(key, "suspended" if since else "failing", failures, said, since=moment(since))
            for key, failures, said, since in failing
        ] + [
            TroubledAddress(key, "muted", 0, why, max(item, 0), until=moment(until)) for key, item, until, why in muted
        ]

    def clear(self, address_key: str, by: str, via: str = "command") -> bool:
        state, mute = tables.AddressState, tables.Mute
        with self._database.joining():
            gone = self._database.do(state.delete().where(state.address_key == address_key))
            gone += self._database.do(mute.delete().where(mute.address_key == address_key))
            if gone:
                told = json.dumps({"address": address_key})
                now = self._database.now()
                self._database.run(hot.EVENT, now, "outbox.clear", by, via, None, None, 0, "", None, 0, "", told)
            self._memory.touch("accounts")  # who takes mail is remembered with them
        return gone > 0


def told(database: Database, mail: str = "", item: int = 0, topic: int = 0) -> list[OutboxLine]:
    """Give everybody who was considered for what a mail did, or for an item or topic, in the order of the rows."""
    row, inbound = tables.Outbox, tables.Inbound
    query = _lines()
    if mail:
        query = query.where(row.inbound == inbound.select(inbound.id).where(inbound.ref == mail))
    else:
        query = query.where(row.item == item if item else row.topic == topic)
    return [_line(each) for each in database.all(query.order_by(row.id))]


def _head(content: Any) -> Any:
    """The first bytes of a mail; PostgreSQL counts them in smaller numbers than it is given."""
    first, many = (tables.Value(number).cast("INTEGER") for number in (1, HEAD_BYTES))
    return tables.fn.substr(content, first, many)


def _lines() -> Any:
    """The columns of a line; the title of what it is about comes by the way."""
    row, inbound, account, item, topic = (
        tables.Outbox, tables.Inbound, tables.Account, tables.Item, tables.Topic)  # fmt: skip
    carrier = row.alias("carrier")
    title = tables.fn.COALESCE(item.title, topic.title, inbound.subject, "")
    return (
        row.select(
            row.id, row.state, row.kind, row.event, row.payload, row.address_key, account.login, row.roles,
            row.item, row.topic, inbound.ref, row.act, title, row.why, row.error, row.attempts, row.created_at,
            row.tried_at, row.next_at, row.message_id, _head(row.content),
            row.sent_in, carrier.state, carrier.tried_at,
        )
        .join(inbound, tables.JOIN.LEFT_OUTER).switch(row).join(account, tables.JOIN.LEFT_OUTER)
        .join(item, tables.JOIN.LEFT_OUTER, on=(item.id == row.item))
        .join(topic, tables.JOIN.LEFT_OUTER, on=(topic.id == row.topic))
        .join(carrier, tables.JOIN.LEFT_OUTER, on=(carrier.id == row.sent_in))
    )  # fmt: skip


def _line(row: tuple[Any, ...]) -> OutboxLine:
    (number, state, kind, event, payload, key, login, parts, item, topic, mail, act, title, why, said, attempts,
     created_at, tried_at, next_at, message_id, head, sent_in, carried, carried_at) = row  # fmt: skip
    told = decode(payload)
    if sent_in:
        state, tried_at = carried or state, carried_at or 0
    return OutboxLine(
        number, state, Kind(kind), event, told.to or key, login or "", told.name, tuple(parts.split()), told.inside,
        item or 0, topic or 0, mail or "", act, title, why, said, attempts, time(created_at), moment(tried_at),
        moment(next_at), message_id, told.template, _subject(bytes(head or b"")),
        sent_in or 0, told.workspace,
    )  # fmt: skip


def _subject(head: bytes) -> str:
    """The subject of a mail as it was composed, "" before that."""
    if not head:
        return ""
    from email import policy
    from email.parser import BytesHeaderParser

    return str(BytesHeaderParser(policy=policy.default).parsebytes(head)["Subject"] or "")
