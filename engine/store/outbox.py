"""The outbox: what is to be sent, one row for each mail to each recipient and each webhook.

Here: `Outbox`, as `engine.ports.Outbox` tells it: claiming rows, what became of them, counts for the caps. Not here:
composing and sending (`engine/outbox`), the rows of a decision (`effects.py`). Invariant: a row is claimed in a
committed transaction before it is sent; one whose sender died is sent again if it is a notification, and becomes
`unknown` if it is automatic: at least once, at most once.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec.structs import replace

from engine.model.addresses import base_key, key_of
from engine.model.stored import OutboxContext, OutboxRow
from engine.store import hot, tables, tagged
from engine.store.database import Database, time, us
from engine.store.memory import Memory
from engine.store.queue import CLAIM_S, CLOCK_JUMP_S, is_free

if TYPE_CHECKING:
    from engine.model.plan import SendMail
    from engine.model.stored import Spooled
    from engine.ports import MessageIds

MOST_REFERENCES = 50


class Outbox:
    """Hands out what is to be sent and writes down what became of it."""

    def __init__(self, database: Database, memory: Memory) -> None:
        self._database, self._memory = database, memory

    def tell(
        self, spooled: Spooled, mails: Iterable[SendMail], once: str, message_ids: MessageIds | None = None
    ) -> None:
        from hashlib import blake2b

        from engine.store.commit import random_message_id

        message_ids = message_ids or random_message_id
        for mail in mails if "quiet" not in spooled.mode else ():
            for recipient in mail.to:
                key = f"{once}:{mail.kind}:{key_of(recipient)}"
                number = int.from_bytes(blake2b(key.encode(), digest_size=6).digest())
                self._database.run(
                    hot.OUTBOX_ONCE, key, message_ids(spooled.mail, 0, number, 0, 0), spooled.row, 0, mail.kind,
                    mail.automatic, key_of(recipient), None, None,
                    msgspec.json.encode(replace(mail, to=(recipient,))).decode(), self._database.now(),
                )  # fmt: skip

    def waiting(self, now: datetime | None = None) -> int:
        return int(self._database.one(hot.TO_BE_SENT, *_due(us(now or self._database.clock())))[0])

    def claim(self, limit: int, now: datetime, owner: str) -> list[OutboxRow]:
        moment = us(now)
        with self._database.joining():
            self._recover(moment)
            rows = self._database.rows(hot.DUE, *_due(moment), limit)
            for (number,) in rows:
                self._database.run(hot.SEND, owner, moment + CLAIM_S * 1_000_000, moment, number)
        return [self._row(number) for (number,) in rows]

    def _recover(self, now: int) -> None:
        """Give back what a dead process was sending; of automatic mail nobody knows whether it went out."""
        for number, owner, until, automatic in self._database.rows(hot.SENDING):
            if is_free(owner, until, now):
                self._set(number, "unknown" if automatic else "queued", "the process that sent it died")

    def _row(self, number: int) -> OutboxRow:
        (number, key, kind, payload, mail, generation, item, topic, message_id, attempts, automatic,
         created_at) = self._database.one(hot.TO_SEND, number)  # fmt: skip
        return OutboxRow(
            number, key, kind, msgspec.json.decode(payload), mail, generation, item, topic, message_id, attempts,
            bool(automatic), time(created_at),
        )  # fmt: skip

    def sent(self, number: int, message_id: str = "", now: datetime | None = None) -> None:
        with self._database.joining():
            self._database.run(hot.SENT, us(now or self._database.clock()), message_id, message_id, number)
            self._memory.touch("receipts")

    def failed(self, number: int, error: str, retry_at: datetime | None) -> None:
        with self._database.joining():
            self._set(number, "failed" if retry_at is None else "queued", error, us(retry_at) if retry_at else 0)

    def postponed(self, number: int, why: str, until: datetime) -> None:
        row = tables.Outbox
        with self._database.joining():
            self._set(number, "queued", why, us(until))
            self._database.do(row.update(attempts=row.attempts - 1).where(row.id == number))

    def unknown(self, number: int) -> None:
        with self._database.joining():
            self._set(number, "unknown", "the connection broke after the mail was handed over")

    def _set(self, number: int, state: str, error: str, next_at: int = 0) -> None:
        row = tables.Outbox
        self._database.do(row.update(state=state, owner=None, error=error, next_at=next_at).where(row.id == number))

    # ── what sending asks ─────────────────────────────────────────────────────────────────────────────────────

    def count(
        self, recipient: str, since: datetime, automatic: bool | None = None, item: int | None = None,
        kinds: tuple[str, ...] = (), domain: str = "", separators: str = "",
    ) -> int:  # fmt: skip
        text, params = hot.SENT_TO, list[Any]([us(since), self._database.now() + CLOCK_JUMP_S * 1_000_000])
        if domain:
            text += " AND recipient LIKE ?"
            params.append(f"%@{domain.casefold().replace('%', '')}")
        if kinds:
            text += f" AND kind IN ({', '.join('?' * len(kinds))})"
            params += kinds
        for column, value in (("automatic", automatic), ("item", item)):
            if value is not None:
                text += f" AND {column} = ?"
                params.append(value)
        if not recipient:
            return int(self._database.one(text, *params)[0])
        base = base_key(key_of(recipient), separators)
        return tagged.count(self._database, text, params, "recipient", "tried_at", base, separators)

    def context(self, number: int) -> OutboxContext:
        row = self._database.one(hot.ANSWERED, number)
        if row is None:
            return OutboxContext()
        mail, mailbox, subject, message_id, sender, received_at, raw, item, topic = row
        place = self._database.one(hot.ABOUT["topic" if topic else "item"], topic or item or 0)
        title, workspace = place or ("", "")
        references, name = self._head(raw)
        return OutboxContext(
            mail or "", mailbox or "", subject or "", message_id or "", references, sender or "",
            time(received_at) if received_at else None, item or 0, topic or 0, title, workspace, name,
        )  # fmt: skip

    def _head(self, raw: int | None) -> tuple[tuple[str, ...], str]:
        """The newest Message-IDs in References of a raw mail and the name in From, as long as its bytes are there."""
        row = self._database.one(hot.HEAD, raw or 0)
        if row is None or row[0] is None:
            return (), ""
        header = re.split(rb"\r?\n\r?\n", bytes(row[0]), maxsplit=1)[0]
        from engine.mail import addresses

        lines = re.sub(rb"\r?\n[ \t]+", b" ", header).splitlines()
        values = {name.lower(): value for name, _, value in (line.partition(b":") for line in reversed(lines))}
        references = values.get(b"references", b"").decode("ascii", "replace")
        writer = addresses.parse(values.get(b"from", b"").decode("utf-8", "replace"), 1)
        return tuple(re.findall(r"<[!-;=?-~]{1,250}>", references)[-MOST_REFERENCES:]), writer[0].name if writer else ""


def _due(now: int) -> tuple[int, int]:
    """Give the times between which a row waits: later ones were set by a clock that ran ahead."""
    return now, now + CLOCK_JUMP_S * 1_000_000
