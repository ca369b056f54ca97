"""Builders of what a decision is made of: mails, facts, configurations, and a small world to look into.

Here: what every test of a stage arranges, in one line each. Not here: assertions.
Invariant: mails are real bytes through the real parser, configurations real TOML through the real loader.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from engine.config import Config
from engine.config import parse as parse_config
from engine.lookups import Recorder
from engine.mail.parse import parse
from engine.model.answers import AccountMatch, MessageMatch
from engine.model.desk import Account, Catalog, ItemFacts
from engine.model.draft import Draft
from engine.model.facts import Authentication, Cut, Facts, Sender, Thread
from engine.model.mail import Address, Envelope, Mail, Origin, RawMail
from engine.model.questions import (
    A,
    AccountByLogin,
    AccountOf,
    CatalogOf,
    GroupNamed,
    ItemByField,
    ItemByMessageIds,
    ItemByNumber,
    May,
    NumberGiven,
    PersonNamed,
    Question,
    SenderRate,
    TopicByNumber,
    TotalRate,
    VirusFound,
)
from engine.run.engine import Engine
from engine.run.world import World as RealWorld
from engine.store.store import Store

Answers = dict[type[Question[Any]], Callable[[Any], Any]]

NOW = datetime(2026, 11, 20, 10, 31, tzinfo=UTC)

ANNA = Account(1, "anna", "Anna Berg", ("anna@example.com",), groups=("staff",), language="en")
JANE = Account(2, "jane", "Jane Doe", ("jane@bigcorp.example",), groups=("customers",))
BOB = Account(3, "bob", "Bob Lund", ("bob@example.com", "bob.lund@example.com"), groups=("staff",), language="de")
LOCKED = Account(4, "lola", "Lola Locked", ("lola@example.com",), status="locked")
GUEST = Account(9, "guest", "Guest", status="guest")

SUPPORT = Catalog(
    "support",
    "Support",
    modules=("items", "topics"),
    types=("Task", "Incident"),
    categories=("Hardware", "Software"),
    versions=("1.0", "2.0"),
)

_BASE = """
schema = 1
[system]
default_workspace = "support"
[system.mailbox]
host = "imap.example.com"
username = "allegra"
password_env = "SECRET"
addresses = ["help@example.com", "allegra@example.com"]
[workspace.support]
name = "Support"
"""


@lru_cache(maxsize=512)
def config(toml: str = "", base: str = _BASE) -> Config:
    """Load a configuration: a system mailbox, the workspace `support`, and what the test adds."""
    return parse_config(base + toml, Path("/nowhere/allegra.toml"), {})


def raw(
    content: bytes | str,
    mailbox: str = "system",
    reverse_path: str | None = None,
    truncated: bool = False,
    announced: int = 0,
) -> RawMail:
    """Bytes as a source hands them over."""
    data = content if isinstance(content, bytes) else content.encode("utf-8", "surrogateescape")
    origin = Origin(mailbox, "INBOX/1/1", announced)
    return RawMail(data, origin, NOW, hashlib.sha256(data).hexdigest(), Envelope(reverse_path), truncated)


def mail(
    text: str = "The printer is on fire.",
    subject: str | None = "Printer",
    sender: str = "Jane Doe <jane@bigcorp.example>",
    to: str = "help@example.com",
    headers: Iterable[tuple[str, str]] = (),
    attachments: Iterable[tuple[str, str, bytes]] = (),
    html: str = "",
    **envelope: Any,
) -> Mail:
    """A parsed mail. `subject` None leaves the header out; `attachments` are (name, type, bytes)."""
    lines = [
        f"From: {sender}",
        f"To: {to}",
        "Date: Fri, 20 Nov 2026 10:30:00 +0000",
        "Message-ID: <m1@bigcorp.example>",
    ]
    if subject is not None:
        lines.append(f"Subject: {subject}")
    lines += [f"{name}: {value}" for name, value in headers]
    lines.append("MIME-Version: 1.0")
    return parse(raw("\n".join(lines) + "\n" + _body(text, html, tuple(attachments)), **envelope))


def _body(text: str, html: str, attachments: tuple[tuple[str, str, bytes], ...]) -> str:
    from base64 import encodebytes

    plain = f"Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\n\n{text}\n"
    if html:
        page = f"Content-Type: text/html; charset=utf-8\nContent-Transfer-Encoding: 8bit\n\n{html}\n"
        plain = (
            f"Content-Type: multipart/alternative; boundary=alt\n\n--alt\n{plain}--alt\n{page}--alt--\n"
            if text
            else page
        )
    if not attachments:
        return plain
    parts = [plain]
    for name, kind, data in attachments:
        inline, _, kind = kind.rpartition(" ")
        parts.append(
            f'Content-Type: {kind}; name="{name}"\nContent-Disposition: {inline or "attachment"}; filename="{name}"\n'
            f"Content-ID: <{name}@id>\nContent-Transfer-Encoding: base64\n\n{encodebytes(data).decode()}"
        )
    return "Content-Type: multipart/mixed; boundary=mix\n\n--mix\n" + "--mix\n".join(parts) + "--mix--\n"


def facts(about: Mail | None = None, account: Account | None = JANE, **known: Any) -> Facts:
    """What is true about a mail, with the sender behind `account` (None: nobody we know)."""
    address = (
        Address(account.emails[0], account.name)
        if account is not None and account.emails
        else Address("eve@stranger.example")
    )
    if about is not None and about.from_:
        address = about.from_[0]
    made = Facts(
        mailbox="system",
        sender=Sender(address, account, "exact" if account is not None else ""),
        own_addresses=("help@example.com", "allegra@example.com"),
        language="en",
        cut=Cut(new=about.text) if about is not None else Cut(),
    )
    return replace(made, **known)


def proven(dmarc: str = "pass") -> Authentication:
    """What our own server wrote down."""
    return Authentication(spf="pass", dkim="pass", dmarc=dmarc, authserv_id="mx.example.com")


def item(number: int = 7, people: tuple[str, ...] = ("jane",), **known: Any) -> ItemFacts:
    """An open item in `support` that Jane wrote."""
    known = {"workspace": "support", "title": "Printer", "type": "Task", "status": "New", **known}
    return ItemFacts(number, people=people, **known)


def answers(about: ItemFacts, by: str = "token", proven: bool | None = None, **known: Any) -> Thread:
    """The thread of a mail that answers an item."""
    return Thread(
        about, by, f"#{about.id}", proven=by in ("token", "message_id") if proven is None else proven,
        **{"ours": True, **known},
    )  # fmt: skip


def draft(**known: Any) -> Draft:
    """A draft as it stands after the route."""
    return Draft(**{"workspace": "support", **known})


def tracker(store: Store) -> Recorder:
    """Fill an empty store with the people and places of `World`, and open the door to it."""
    for name in ("staff", "customers", "tier2"):
        store.directory.put_group(name)
    for who in (ANNA, JANE, BOB, LOCKED, GUEST):
        store.directory.put_account(
            who.login, name=who.name, emails=who.emails, groups=who.groups, status=who.status, language=who.language
        )
    store.directory.put_role("member", ("view_items", "add_items", "add_comments", "edit_items", "watch"))
    lists = {"types": SUPPORT.types, "categories": SUPPORT.categories, "versions": SUPPORT.versions}
    store.items.put_workspace("support", name="Support", lists={**lists, "modules": SUPPORT.modules})
    store.directory.put_member("support", "member", group="staff")
    return Recorder(RealWorld(Engine(config(), store), b"", NOW), NOW)


@dataclass
class World:
    """A tracker in memory that answers every question: out of `answers`, else of what it holds; `asked` are those."""

    accounts: tuple[Account, ...] = (ANNA, JANE, BOB, LOCKED, GUEST)
    groups: tuple[str, ...] = ("staff", "customers", "tier2")
    rights: frozenset[tuple[str, str]] = frozenset(
        {("anna", "edit_items"), ("bob", "edit_items")}
        | {
            (login, right)
            for login in ("anna", "bob", "jane", "guest")
            for right in ("add_items", "add_comments", "view_items")
        }
    )
    catalogs: tuple[Catalog, ...] = (SUPPORT, Catalog("finance", "Finance"))
    items: tuple[ItemFacts, ...] = ()
    topics: tuple[ItemFacts, ...] = ()
    messages: dict[str, ItemFacts] = field(default_factory=dict)
    found: str = "clean"
    mails: int = 0
    now: datetime = NOW
    answers: Answers = field(default_factory=dict)
    asked: list[Question[Any]] = field(default_factory=list)

    def ask(self, question: Question[A]) -> A:
        """Answer out of `answers`, else of what this world holds, else as one who knows nothing."""
        self.asked.append(question)
        answer = self.answers.get(type(question))
        if answer is not None:
            return answer(question)
        known = _KNOWN.get(type(question))
        return known(self, question) if known is not None else question.nothing()

    def foresee(self, question: Question[Any]) -> None:
        """Hear what will be asked."""

    def is_ready(self, question: Question[Any]) -> bool:
        """No answer takes long."""
        return True

    def counted(self, kind: type[Question[Any]]) -> int:
        """Tell how often this was asked."""
        return sum(type(question) is kind for question in self.asked)

    def account(self, address: str) -> AccountMatch:
        """Find who has this address."""
        found = next((a for a in self.accounts if address.casefold() in [e.casefold() for e in a.emails]), None)
        return AccountMatch(found, "exact" if found else "")

    def person(self, text: str) -> Account | None:
        """Find who is meant by this."""
        wanted = text.strip().casefold()
        return next((a for a in self.accounts if wanted in (a.login, a.name.casefold(), *a.emails)), None)


_KNOWN: dict[type[Question[Any]], Callable[[World, Any], Any]] = {
    AccountOf: lambda world, of: world.account(of.address),
    AccountByLogin: lambda world, by: next((a for a in world.accounts if a.login == by.login), None),
    PersonNamed: lambda world, who: world.person(who.text),
    GroupNamed: lambda world, by: next((g for g in world.groups if g.casefold() == by.name.strip().casefold()), ""),
    May: lambda world, may: (may.login, may.permission) in world.rights,
    CatalogOf: lambda world, of: next((c for c in world.catalogs if c.workspace == of.workspace), None),
    ItemByNumber: lambda world, by: next((i for i in world.items if i.id == by.item), None),
    TopicByNumber: lambda world, by: next((t for t in world.topics if t.id == by.topic), None),
    ItemByMessageIds: lambda world, by: next(
        (MessageMatch(m, world.messages[m]) for m in by.message_ids if m in world.messages), None
    ),
    NumberGiven: lambda world, of: of.number <= max((i.id for i in (world.items, world.topics)[of.topic]), default=0),
    ItemByField: lambda world, by: next((i for i in world.items if dict(i.fields).get(by.name) == by.value), None),
    SenderRate: lambda world, _: world.mails,
    TotalRate: lambda world, _: world.mails,
    VirusFound: lambda world, _: world.found,
}


def tnef(name: bytes, data: bytes) -> bytes:
    """A container with one file: signature, key, then attributes with their checksums (MS-OXTNEF 2.1)."""

    def attribute(level: int, number: int, value: bytes) -> bytes:
        return struct.pack("<BII", level, number, len(value)) + value + struct.pack("<H", sum(value) & 0xFFFF)

    return b"".join(
        (
            struct.pack("<IH", 0x223E9F78, 1),
            attribute(1, 0x00089006, struct.pack("<I", 0x00010000)),
            attribute(2, 0x00069002, b"\0" * 14),
            attribute(2, 0x00018010, name + b"\0"),
            attribute(2, 0x0006800F, data),
        )
    )
