"""Mails as people look for them: find one, list many, read what became of them and the bytes they came in.

Here: find_mail, mails, held, receipts, trace, raw, stored_mails. Not here: changing any of it (`retention.py`).
Invariant: what is listed of a mail are short texts; the bytes are read one mail at a time.
"""
# ruff: noqa: S608 - conditions are built in search.py from our own constants

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from msgspec import Struct

from engine.model.draft import Decider, Who
from engine.model.mail import Envelope, Origin, RawMail
from engine.model.plan import Outcome, Receipt
from engine.store.database import time, us
from engine.store.errors import NotFound
from engine.store.receipts import Receipts, message_key
from engine.store.search import condition
from engine.store.tables.mail import DECIDED, OPEN


class MailRow(Struct, frozen=True):
    """A mail in a list. While it waits to be decided (again) its outcome is `deferred`; `topic` is that of a post."""

    mail: str
    row: int
    mailbox: str
    key: str
    message_id: str
    subject: str
    sender: str
    recipients: str
    received_at: datetime
    size_bytes: int
    state: str
    outcome: str
    code: str
    because: str
    by: Decider
    workspace: str
    item: int
    generation: int
    attempts: int
    error: str
    topic: int = 0


class StoredMail(Struct, frozen=True):
    """A decided mail with its bytes, to be decided again for comparison."""

    mail: str
    generation: int
    received_at: datetime
    outcome: str
    raw: RawMail


_ROW = """
SELECT inbound.ref, inbound.id, mailbox.name, source_key, message_id, subject, sender, recipients, inbound.received_at,
  raw.size, inbound.state, receipt.outcome, inbound.code, receipt.because, receipt.by_kind, receipt.by_name,
  receipt.by_file, receipt.by_line, receipt.workspace, receipt.item, receipt.topic, inbound.generation,
  inbound.attempts, inbound.error
FROM inbound JOIN mailbox ON mailbox.id = mailbox_id JOIN raw_mail raw ON raw.id = raw_id
LEFT JOIN receipt ON receipt.inbound_id = inbound.id AND receipt.generation = inbound.generation
"""

_RAW = """
SELECT mailbox.name, source_key, received_at, reverse_path, forward_paths, content, digest, truncated, size
FROM inbound JOIN mailbox ON mailbox.id = mailbox_id JOIN raw_mail raw ON raw.id = raw_id WHERE inbound.ref = ?"""


class Mails(Receipts):
    """Reads the ledger for people."""

    def find_mail(self, ref: str) -> MailRow | None:
        """Find a mail by the beginning of its id, a Message-ID (the newest with it), `last` or `last-held`.

        None if there is none; raises NotFound if the beginning fits more than one.
        """
        ref = ref.strip()
        if ref in ("last", "last-held"):
            where = f"WHERE {OPEN} AND state = 'held'" if ref == "last-held" else ""
            return self._first(f"{where} ORDER BY inbound.id DESC LIMIT 1")
        if ref.startswith("m-") and "@" not in ref:
            found = self.database.rows(
                "SELECT ref FROM inbound WHERE ref >= ? AND ref < ? ORDER BY ref LIMIT 3", ref, ref + "~"
            )
            if len(found) > 1:
                raise NotFound(
                    f"{ref} is the beginning of more than one mail id: {', '.join(each for (each,) in found)}"
                )
            return self._first("WHERE inbound.ref = ?", found[0][0]) if found else None
        return self._first(
            "WHERE inbound.message_key = ? AND inbound.message_key IS NOT NULL ORDER BY inbound.id DESC LIMIT 1",
            message_key(ref),
        )

    def mail(self, ref: str) -> MailRow:
        """Find a mail as `find_mail` does. Raises NotFound if there is none."""
        found = self.find_mail(ref)
        if found is None:
            raise NotFound(f"there is no mail {ref}")
        return found

    def mails(self, query: str = "", limit: int = 100, now: datetime | None = None) -> list[MailRow]:
        """List the mails that a query finds, newest first. Raises Unclear for a query that means nothing."""
        where, params = condition(query, now or self.clock(), self._rules_called)
        return [_mail_row(row) for row in self.database.rows(
            f"{_ROW} WHERE {where} ORDER BY inbound.id DESC LIMIT ?", *params, limit
        )]  # fmt: skip

    def held(self, workspace: str = "", limit: int = 10_000) -> list[MailRow]:
        """List what waits for a person, held or quarantined, oldest first."""
        where = f"WHERE {OPEN} AND state IN ('held', 'quarantined')"
        params: tuple[Any, ...] = ()
        if workspace:
            where, params = f"{where} AND receipt.workspace = ?", (workspace,)
        return [
            _mail_row(row) for row in self.database.rows(f"{_ROW} {where} ORDER BY inbound.id LIMIT ?", *params, limit)
        ]

    def _rules_called(self, part: str) -> Iterator[tuple[str, int]]:
        """Find rules by a part of their name in every rule file there was: digest of the file, number in it."""
        for digest, text in self.database.rows("SELECT digest, text FROM rule_text"):
            try:
                found = tomllib.loads(text).get("rule", ())
            except tomllib.TOMLDecodeError:
                continue
            for number, rule in enumerate(found, 1):
                if part.casefold() in str(rule.get("name", "")).casefold():
                    yield digest, number

    def oldest(self) -> datetime | None:
        """When the first mail of the ledger came in; None while there is none."""
        (first,) = self.database.one("SELECT min(received_at) FROM inbound")
        return None if first is None else time(first)

    def _first(self, where: str, *params: Any) -> MailRow | None:
        row = self.database.one(_ROW + where, *params)
        return _mail_row(row) if row else None

    def receipts(self, mail: str) -> list[Receipt]:
        """Give the receipts of a mail, one for each generation that ended."""
        rows = self.database.rows(
            "SELECT receipt.generation, outcome, receipt.code, because, by_kind, by_name, by_file, by_line, workspace, "
            "coalesce(item, 0), coalesce(comment, 0), inbound_id FROM receipt "
            "JOIN inbound ON inbound.id = inbound_id WHERE ref = ? ORDER BY receipt.generation", mail,
        )  # fmt: skip
        return [
            Receipt(
                mail, generation, Outcome(outcome), code, because, Decider(Who(kind), name, file, line), workspace,
                item, comment, tuple(number for (number,) in self.database.rows(
                    "SELECT id FROM outbox WHERE dedupe > ? AND dedupe < ? ORDER BY id",
                    f"{row}:{generation}:", f"{row}:{generation};")),
            )
            for generation, outcome, code, because, kind, name, file, line, workspace, item, comment, row in rows
        ]  # fmt: skip

    def trace(self, mail: str, generation: int | None = None) -> bytes | None:
        """Give the stored trace of a mail's newest (or that) generation; None if there is none any more."""
        row = self.database.one(
            "SELECT trace FROM receipt JOIN inbound ON inbound.id = inbound_id WHERE ref = ? "
            "AND (receipt.generation = ? OR ? = 0) AND trace IS NOT NULL ORDER BY receipt.generation DESC LIMIT 1",
            mail, generation or 0, generation or 0,
        )  # fmt: skip
        return bytes(row[0]) if row else None

    def raw(self, mail: str) -> RawMail | None:
        """Give the bytes of a mail as they came; None if they were purged. Raises NotFound for an unknown id."""
        row = self.database.one(_RAW, mail)
        if row is None:
            raise NotFound(f"there is no mail {mail}")
        return _raw_mail(row) if row[5] is not None else None

    def stored_mails(self, since: datetime, until: datetime | None = None) -> Iterator[StoredMail]:
        """Go through the decided mails of a time whose bytes are still there, oldest first, one at a time in memory."""
        end = us(until) if until else 2**62
        for (mail,) in self.database.rows(
            f"SELECT ref FROM inbound WHERE {DECIDED} AND received_at >= ? AND received_at < ? ORDER BY received_at",
            us(since), end,
        ):  # fmt: skip
            row, raw = self.find_mail(mail), self.raw(mail)
            if row is not None and raw is not None and row.state != "received":
                yield StoredMail(mail, row.generation, row.received_at, row.outcome, raw)


def _raw_mail(row: tuple[Any, ...]) -> RawMail:
    mailbox, key, received_at, reverse, forward, content, digest, truncated, size = row
    return RawMail(
        bytes(content), Origin(mailbox, key, size), time(received_at), bytes(digest).hex(),
        Envelope(reverse, tuple(forward.split("\n")) if forward else ()), bool(truncated),
    )  # fmt: skip


def _mail_row(row: tuple[Any, ...]) -> MailRow:
    (mail, number, mailbox, key, message_id, subject, sender, recipients, received_at, size, state, outcome, code,
     because, by_kind, by_name, by_file, by_line, workspace, item, topic, generation, attempts,
     error) = row  # fmt: skip
    by = Decider(Who(by_kind), by_name, by_file, by_line) if by_kind else Decider(Who.ENGINE, "engine")
    return MailRow(
        mail, number, mailbox, key, message_id, subject, sender, recipients, time(received_at), size, state,
        outcome or "deferred", code, because or error.strip().rpartition("\n")[2], by, workspace or "", item or 0,
        generation, attempts, error, topic or 0,
    )  # fmt: skip
