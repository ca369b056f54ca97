"""A desk in a store: people, a workspace, and short words for fetching, deciding and committing mails.

It knows of the store what `engine.ports` promises, but for `count`, which looks into the tables.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from engine.model.draft import Decider, Disposition, Verdict
from engine.model.facts import Facts, Sender
from engine.model.mail import Address, Attachment, Envelope, Mail, Origin, Part, RawMail
from engine.model.plan import CreateItem, Effect, Outcome, Plan, Receipt
from engine.model.stored import Spooled

NOW = datetime(2026, 11, 20, 10, 31, tzinfo=UTC)
GATE = Decider("gate", "dmarc")

VERDICTS = {
    Outcome.REJECTED: Verdict.REJECT,
    Outcome.DISCARDED: Verdict.DISCARD,
    Outcome.DUPLICATE: Verdict.DISCARD,
    Outcome.HELD: Verdict.HOLD,
}


@dataclass
class Desk:
    """A store with a clock that stands still, and a counter for keys."""

    store: Any
    now: datetime = NOW
    owner: str = "elsewhere/boot/1/1"
    numbers: Iterator[int] = field(default_factory=lambda: iter(range(1, 10_000)))

    def raw(
        self, content: bytes | str = b"", mailbox: str = "system", key: str = "", sender: str | None = None,
        received_at: datetime | None = None,
    ) -> RawMail:  # fmt: skip
        number = next(self.numbers)
        data = (content.encode() if isinstance(content, str) else content) or b"From: a@example.com\n\nmail %d" % number
        digest = hashlib.sha256(data).hexdigest()
        origin = Origin(mailbox, key or f"INBOX/1/{number}", len(data))
        return RawMail(data, origin, received_at or self.now, digest, Envelope(sender))

    def spool(self, *contents: bytes | str | RawMail, **more: Any) -> list[Spooled]:
        raws = [each if isinstance(each, RawMail) else self.raw(each, **more) for each in contents or (b"",)]
        return self.store.ledger.spool(raws, self.owner)

    def mail(self, spooled: Spooled, **parts: Any) -> Mail:
        given = {
            "subject": "Printer",
            "to": (Address("help@example.com"),),
            "fingerprint": spooled.raw.digest[:32],
            **parts,
        }
        return Mail(spooled.raw, **given)

    def commit(
        self, spooled: Spooled, *effects: Effect, outcome: Outcome = Outcome.CREATED, sender: str = "jane@example.com",
        workspace: str = "support", action: str = "move", folder: str = "Done", trace: bytes = b"{}",
        message_ids: Any = None, **parts: Any,
    ) -> Receipt:  # fmt: skip
        verdict = VERDICTS.get(outcome, Verdict.ACCEPT)
        disposition = Disposition(verdict, "draft.created" if verdict is Verdict.ACCEPT else "gate.dmarc", "so", GATE)
        item = parts.pop("item", 0)
        plan = Plan(disposition, outcome, workspace, effects, item=item)
        facts = Facts("system", workspace, Sender(Address(sender)))
        with self.store.writing(), self.store.savepoint():
            mail = self.mail(spooled, **parts)
            return self.store.commit(spooled, mail, facts, plan, trace, action, folder, message_ids)

    def item(self, title: str = "Printer", *effects: Effect, fields: tuple[Any, ...] = (), **more: Any) -> Receipt:
        (spooled,) = self.spool(more.pop("content", b""))
        made = CreateItem("support", title, "It is on fire.", "jane", fields)
        return self.commit(spooled, made, *effects, **more)

    def end(self, outcome: Outcome, **more: Any) -> str:
        (spooled,) = self.spool(more.pop("content", b""))
        self.commit(spooled, outcome=outcome, **more)
        return spooled.mail

    def clock(self) -> datetime:
        return self.now

    def later(self, **time: float) -> datetime:
        self.now += timedelta(**time)
        return self.now

    def count(self, table: str, where: str = "1 = 1") -> int:
        return int(self.store.database.one(f"SELECT count(*) FROM {table} WHERE {where}")[0])  # noqa: S608


def furnish(store: Any) -> None:
    """People and places that every test knows."""
    store.directory.put_group("staff")
    store.directory.put_group("customers")
    store.directory.put_account("anna", name="Anna Berg", emails=["anna@example.com"], groups=["staff"], admin=True)
    store.directory.put_account(
        "bob", name="Bob Lund", emails=["bob@example.com", "Bob.Lund@Example.com"], groups=["staff"]
    )
    store.directory.put_account("jane", name="Jane Doe", emails=["jane@example.com"], groups=["customers"])
    store.items.put_workspace("support", name="Support", lists={"types": ["Task", "Incident"]})
    store.items.put_workspace("finance", name="Finance", public=False)


def attachment(content: bytes, encoded: bytes, at: int, name: str = "a.txt", encoding: str = "base64") -> Attachment:
    """An attachment whose encoded bytes stand at `at` in the raw mail."""
    part = Part("text/plain", at, at + len(encoded), encoding)
    digest = hashlib.sha256(content).hexdigest()
    return Attachment(name, "text/plain", "text/plain", len(content), digest, part)
