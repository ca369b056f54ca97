"""A desk in a store: people, a workspace, and short words for fetching, deciding and committing mails.

It knows of the store what `engine.ports` promises, but for `count`, which looks into the tables.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from msgspec.structs import replace

from engine.model.acts import Act, Acted
from engine.model.addresses import base_key, key_of
from engine.model.draft import Decider, Disposition, Verdict
from engine.model.events import Kind
from engine.model.facts import Cut, Facts, Sender
from engine.model.figures import RuleHit
from engine.model.hearing import Batch, Heard
from engine.model.mail import Address, Attachment, Envelope, Mail, Origin, Part, RawMail
from engine.model.plan import CreateItem, Effect, Outcome, Plan, Receipt
from engine.model.stored import Spooled, Standing, Taken, Visited

NOW = datetime(2026, 11, 20, 10, 31, tzinfo=UTC)
GATE = Decider("gate", "dmarc")

VERDICTS = {
    Outcome.REJECTED: Verdict.REJECT,
    Outcome.DISCARDED: Verdict.DISCARD,
    Outcome.DUPLICATE: Verdict.DISCARD,
    Outcome.HELD: Verdict.HOLD,
}


class Hears:
    """A teller for which exactly those hear whom a test names, each of everything that happened.

    That rows became held is told to nobody.
    """

    def __init__(self, *heard: Heard) -> None:
        self.heard, self.batches = heard, list[Batch]()

    def hear(self, batch: Batch, scene: Any) -> tuple[Batch, list[Heard]]:
        if batch.tell.event == "outbox.held":
            return batch, []
        self.batches.append(batch)
        events = tuple(each.event for each in batch.events)
        return batch, [each if each.events else replace(each, events=events) for each in self.heard]


def heard(kind: Kind, to: str, **more: Any) -> Heard:
    """Somebody who is considered, of everything that happened unless `events` say of what."""
    return Heard(**{"kind": kind, "to": to, "events": (), "key": base_key(key_of(to)), **more})


def auto(to: str = "jane@example.com", **more: Any) -> Heard:
    """The sender is answered."""
    return heard(Kind.AUTO, to, **{"template": "ack", **more})


def notice(to: str = "anna@example.com", **more: Any) -> Heard:
    """Somebody inside is told."""
    return heard(Kind.NOTICE, to, **{"inside": True, "template": "created", **more})


def answer(to: str = "jane@example.com", **more: Any) -> Heard:
    """Somebody outside gets a person's words."""
    return heard(Kind.ANSWER, to, **{"template": "answer", **more})


def webhook(name: str = "chat", **more: Any) -> Heard:
    """A program is told."""
    return heard(Kind.WEBHOOK, name, **more)


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
        told: tuple[Heard, ...] = (), teller: Any = None, name: str = "", account: Any = None, says: str = "",
        hits: tuple[RuleHit, ...] = (), **parts: Any,
    ) -> Receipt:  # fmt: skip
        """Commit a plan of these effects; `told` are those who hear of it, unless there is a `teller`.

        What is new in the mail is what it `says`.
        """
        more = {"item": parts.pop("item", 0), "by": parts.pop("by", GATE)}
        plan, facts = self.plan(effects, outcome, sender, workspace, name, account, says, **more)
        with self.store.writing(noted=True), self.store.savepoint():
            mail, teller = self.mail(spooled, **parts), teller or (Hears(*told) if told else None)
            return self.store.commit(spooled, mail, facts, plan, trace, action, folder, teller, hits=hits)

    def plan(
        self, effects: Iterable[Effect], outcome: Outcome, sender: str = "jane@example.com", workspace: str = "support",
        name: str = "", account: Any = None, says: str = "", item: int = 0, by: Decider = GATE,
    ) -> tuple[Plan, Facts]:  # fmt: skip
        """A plan of these effects, and what it was made of."""
        verdict = VERDICTS.get(outcome, Verdict.ACCEPT)
        disposition = Disposition(verdict, "draft.created" if verdict is Verdict.ACCEPT else "gate.dmarc", "so", by)
        plan = Plan(disposition, outcome, workspace, tuple(effects), item=item)
        return plan, Facts("system", workspace, Sender(Address(sender, name), account), cut=Cut(says))

    def act(self, item: int, *effects: Effect, by: str = "anna", told: tuple[Heard, ...] = (), **more: Any) -> Acted:
        """Let a person do something to an item."""
        account = self.store.directory.login(by)
        return self.store.act(Act(account, effects, item, **more), Hears(*told) if told else None)

    def item(self, title: str = "Printer", *effects: Effect, fields: tuple[Any, ...] = (), **more: Any) -> Receipt:
        (spooled,) = self.spool(more.pop("content", b""))
        made = CreateItem("support", title, "It is on fire.", "jane", fields)
        return self.commit(spooled, made, *effects, **more)

    def end(self, outcome: Outcome, **more: Any) -> str:
        (spooled,) = self.spool(more.pop("content", b""))
        self.commit(spooled, outcome=outcome, **more)
        return spooled.mail

    def handed_over(self) -> list[str]:
        """Hand all that is queued over to a server, each under a Message-ID; gives these."""
        made = {row.id: f"<{row.id}@desk.example>" for row in self.store.outbox.claim(99, self.now, "me")}
        for number, message_id in made.items():
            self.store.outbox.composed(number, message_id, b"")
        return [*made.values()]

    def clock(self) -> datetime:
        return self.now

    def later(self, **time: float) -> datetime:
        self.now += timedelta(**time)
        return self.now

    def count(self, table: str, where: str = "1 = 1") -> int:
        return int(self.store.database.one(f"SELECT count(*) FROM {table} WHERE {where}")[0])  # noqa: S608


def visited(store: Any, owner: str = "", at: datetime | None = None, mailbox: str = "system") -> None:
    """A visit ended of whoever has the lease, or nobody; `at` is when it went well."""
    taken = Taken(mailbox, store.mailboxes.number(mailbox), owner, Standing())
    store.mailboxes.end([Visited(taken, at)])


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
