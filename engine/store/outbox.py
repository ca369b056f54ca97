"""The outbox: what is to be sent, one row for each mail to each recipient and each webhook.

Here: claiming rows, what became of them, counts for the caps. Not here: composing and sending (`engine/outbox`).
Invariant: a row is claimed in a committed transaction before it is sent; one whose sender died is sent again if it is
a notification, and becomes `unknown` if it is automatic: at least once, at most once.
"""
# ruff: noqa: S608 - only our own constants are put into the statements

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec
from msgspec import Struct

from engine.store.database import time, us
from engine.store.part import Part
from engine.store.spool import CLAIM_S, _is_free
from engine.store.tables.mail import QUEUED, TRIED

SENT = "state IN ('sent', 'unknown')"
MOST_REFERENCES = 50


class OutboxRow(Struct, frozen=True):
    """Something to be sent, claimed. `kind` is that of SendMail, or webhook; `payload` its data, by field name.

    `key` stays the same however often it is tried. `attempts` counts this one.
    """

    id: int
    key: str
    kind: str
    payload: Mapping[str, Any]
    mail: str
    generation: int
    item: int
    topic: int
    message_id: str
    attempts: int
    automatic: bool
    created_at: datetime

    @property
    def to(self) -> tuple[str, ...]:
        """The recipients of a mail, as they were written."""
        return tuple(self.payload.get("to", ()))


class OutboxContext(Struct, frozen=True):
    """The mail that is answered and the item it is about, as far as they are known."""

    mail: str = ""
    mailbox: str = ""
    subject: str = ""
    message_id: str = ""
    references: tuple[str, ...] = ()
    sender: str = ""
    received_at: datetime | None = None
    item: int = 0
    topic: int = 0
    title: str = ""
    workspace: str = ""


_CLAIMED = """
SELECT outbox.id, dedupe, kind, payload, coalesce(ref, ''), outbox.generation, coalesce(item, 0), coalesce(topic, 0),
  outbox.message_id, outbox.attempts, automatic, created_at
FROM outbox LEFT JOIN inbound ON inbound.id = inbound_id WHERE outbox.id = ?"""


class Outbox(Part):
    """Hands out what is to be sent and writes down what became of it."""

    def outbox_waiting(self, now: datetime | None = None) -> int:
        """Count the rows that could be sent now."""
        due = us(now or self.clock())
        return int(self.database.one(f"SELECT count(*) FROM outbox WHERE {QUEUED} AND next_at <= ?", due)[0])

    def outbox_claim(self, limit: int, now: datetime, owner: str) -> list[OutboxRow]:
        """Take rows to send, oldest first; the attempt is counted and committed before this returns."""
        moment = us(now)
        with self.database.joining():
            self._recover(moment)
            rows = self.database.rows(
                f"SELECT id FROM outbox WHERE {QUEUED} AND state = 'queued' AND next_at <= ? "
                "ORDER BY next_at, id LIMIT ?",
                moment, limit,
            )  # fmt: skip
            for (number,) in rows:
                self.database.run(
                    "UPDATE outbox SET state = 'sending', owner = ?, claimed_until = ?, attempts = attempts + 1, "
                    "tried_at = ? WHERE id = ?", owner, moment + CLAIM_S * 1_000_000, moment, number,
                )  # fmt: skip
        return [self._outbox_row(number) for (number,) in rows]

    def _recover(self, now: int) -> None:
        """Give back what a dead process was sending; of automatic mail nobody knows whether it went out."""
        for number, owner, until, automatic in self.database.rows(
            f"SELECT id, owner, claimed_until, automatic FROM outbox WHERE {QUEUED} AND state = 'sending'"
        ):
            if _is_free(owner, until, now):
                self._outbox_set(number, "unknown" if automatic else "queued", "the process that sent it died")

    def _outbox_row(self, number: int) -> OutboxRow:
        (number, key, kind, payload, mail, generation, item, topic, message_id, attempts, automatic,
         created_at) = self.database.one(_CLAIMED, number)  # fmt: skip
        data = msgspec.json.decode(payload)
        return OutboxRow(
            number,
            key,
            kind,
            data,
            mail,
            generation,
            item,
            topic,
            message_id,
            attempts,
            bool(automatic),
            time(created_at),
        )

    def outbox_sent(self, number: int, message_id: str = "", now: datetime | None = None) -> None:
        """Note that a row went out, and under which Message-ID."""
        with self.database.joining():
            self.database.run(
                "UPDATE outbox SET state = 'sent', owner = NULL, error = '', tried_at = ?, "
                "message_id = CASE WHEN ? = '' THEN message_id ELSE ? END WHERE id = ?",
                us(now or self.clock()), message_id, message_id, number,
            )  # fmt: skip
            self._touch("receipts")

    def outbox_failed(self, number: int, error: str, retry_at: datetime | None) -> None:
        """Note that a row did not go out; it waits until `retry_at`, or has failed for good without one."""
        with self.database.joining():
            self._outbox_set(number, "failed" if retry_at is None else "queued", error, us(retry_at) if retry_at else 0)

    def outbox_unknown(self, number: int) -> None:
        """Note that nobody knows whether an automatic mail went out: it is not sent again."""
        with self.database.joining():
            self._outbox_set(number, "unknown", "the connection broke after the mail was handed over")

    def _outbox_set(self, number: int, state: str, error: str, next_at: int = 0) -> None:
        self.database.run(
            "UPDATE outbox SET state = ?, owner = NULL, error = ?, next_at = ? WHERE id = ?",
            state,
            error,
            next_at,
            number,
        )

    def outbox_count(
        self,
        recipient: str,
        since: datetime,
        automatic: bool | None = None,
        item: int | None = None,
        kinds: tuple[str, ...] = (),
    ) -> int:
        """Count what went (or may have gone) out to somebody, or to anybody for "", since a time."""
        where, params = [f"{TRIED} AND tried_at >= ? AND {SENT}"], [us(since)]
        if kinds:
            where.append(f"kind IN ({', '.join('?' * len(kinds))})")
            params += kinds  # type: ignore[arg-type]
        for column, value in (("recipient", recipient.casefold() or None), ("automatic", automatic), ("item", item)):
            if value is not None:
                where.append(f"{column} = ?")
                params.append(value)  # type: ignore[arg-type]
        return int(self.database.one(f"SELECT count(*) FROM outbox WHERE {' AND '.join(where)}", *params)[0])

    def outbox_context(self, number: int) -> OutboxContext:
        """Give what an answer quotes: the mail it answers, the item or topic it is about."""
        row = self.database.one(
            "SELECT ref, mailbox.name, subject, inbound.message_id, sender, received_at, raw_id, item, topic "
            "FROM outbox LEFT JOIN inbound ON inbound.id = inbound_id LEFT JOIN mailbox ON mailbox.id = mailbox_id "
            "WHERE outbox.id = ?",
            number,
        )  # fmt: skip
        if row is None:
            return OutboxContext()
        mail, mailbox, subject, message_id, sender, received_at, raw, item, topic = row
        table, about = ("topic", topic) if topic else ("item", item or 0)
        place = self.database.one(
            f"SELECT title, identifier FROM {table} JOIN workspace ON workspace.id = workspace_id WHERE {table}.id = ?",
            about,
        )
        title, workspace = place or ("", "")
        return OutboxContext(
            mail or "", mailbox or "", subject or "", message_id or "", self._references(raw), sender or "",
            time(received_at) if received_at else None, item or 0, topic or 0, title, workspace,
        )  # fmt: skip

    def _references(self, raw: int | None) -> tuple[str, ...]:
        """The Message-IDs in References of a raw mail, the newest ones, as long as its bytes are there."""
        row = self.database.one("SELECT substr(content, 1, 65536) FROM raw_mail WHERE id = ?", raw or 0)
        if row is None or row[0] is None:
            return ()
        header = re.split(rb"\r?\n\r?\n", bytes(row[0]), maxsplit=1)[0]
        for line in re.sub(rb"\r?\n[ \t]+", b" ", header).splitlines():
            if line[:11].lower() == b"references:":
                found = re.findall(r"<[!-;=?-~]{1,250}>", line.decode("ascii", "replace"))
                return tuple(found[-MOST_REFERENCES:])
        return ()
