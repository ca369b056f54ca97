"""What conditions can ask about mail: the table of fields, and how each is read.

Here: fields, their types and readers. Not here: actions, and who uses the table (`actions.py`).
Invariant: a field reads `Mail` and `Facts` and nothing else; None, "" and () all mean that there is nothing.
Over 300 lines: most of it is one table, a field a row.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, tzinfo
from typing import Any

from msgspec import Struct

from engine.mail.secrecy import encrypted, signed
from engine.model.addresses import key_of
from engine.model.answers import Listed
from engine.model.desk import Account, ItemFacts
from engine.model.facts import Auto, Facts
from engine.model.mail import Address, Mail
from rules.schema import Field, Type


class Sight(Struct):
    """What the fields are read from; `zone` is the instance's, for times of day and calendar days."""

    mail: Mail
    facts: Facts
    zone: tzinfo
    _received: datetime | None = None

    def header(self, name: str) -> tuple[str, ...]:
        """All instances of a header field by its lower-case name, top first."""
        return self.mail.fields.get(name, ())

    @property
    def received(self) -> datetime:
        """When the mail reached us."""
        if self._received is None:
            self._received = self.mail.raw.received_at.astimezone(self.zone)
        return self._received

    @property
    def item(self) -> ItemFacts | None:
        """The item this mail answers."""
        return self.facts.thread.item


Read = Callable[[Sight], Any]


def _field(name: str, type: Type, about: str, read: Read, **more: Any) -> Field:
    return Field(name, type, about, read, **more)


# ── readers that need more than an expression ─────────────────────────────────────────────────────────────────

_PREFIX = re.compile(
    r"\s*(?:(?:re|aw|antw|sv|vs|ref|rif|odp|fw|fwd|wg|tr|rv|enc|doorst|i)\s*(?:\[\d{1,4}\])?\s*[:：]|\[[^\[\]]{1,80}\])\s*",
    re.IGNORECASE,
)
_FOR = re.compile(r"\bfor\s+<?([^\s<>;]+@[^\s<>;]+)>?", re.IGNORECASE)


def _from(sight: Sight) -> Address | None:
    address = sight.facts.sender.address
    if address.address:
        return address
    return sight.mail.from_[0] if sight.mail.from_ else None


def _known(sight: Sight) -> Account | Listed | None:
    """The sender's account, or what the directory says of who is to get one."""
    return sight.facts.sender.account or sight.facts.sender.known_there


def _subject_clean(sight: Sight) -> str:
    subject = sight.mail.subject
    for _ in range(20):
        found = _PREFIX.match(subject)
        if not found or not subject[found.end() :]:
            break
        subject = subject[found.end() :]
    return subject.strip()


def _body(sight: Sight) -> str:
    cut = sight.facts.cut
    return cut.new if cut.new or cut.quoted or cut.signature else sight.mail.text


def _text(sight: Sight) -> str:
    body = _body(sight)
    return f"{sight.mail.subject}\n{body}" if body else sight.mail.subject


def _addresses(addresses: Iterable[Address]) -> tuple[str, ...]:
    return tuple([address.address for address in addresses])


def _recipients(sight: Sight) -> tuple[str, ...]:
    mail = sight.mail
    found = [
        *_addresses(mail.to),
        *_addresses(mail.cc),
        *_addresses(mail.delivered_to),
        *mail.raw.envelope.forward_paths,
    ]
    for received in sight.header("received")[:1]:
        found += _FOR.findall(received[:2000])[:1]
    unique: dict[str, str] = {}
    for address in found:
        unique.setdefault(key_of(address), address)
    return tuple(unique.values())


def _since(sight: Sight, moment: datetime | None) -> float | None:
    return None if moment is None else max((sight.mail.raw.received_at - moment).total_seconds(), 0.0)


def _invite(sight: Sight) -> bool:
    return any(part.content_type in ("text/calendar", "application/ics") for part in sight.mail.parts)


def _held_by_item(name: str) -> Field:
    """`item["name"]`: what the item this mail answers holds in a custom field."""
    wanted = name.casefold()

    def read(sight: Sight) -> tuple[str, ...]:
        for key, value in sight.item.fields if sight.item else ():
            if key.casefold() == wanted and value is not None:
                return value if isinstance(value, tuple) else (str(value),)
        return ()

    return _field(f'item["{name}"]', Type.TEXTS, "what the item answered holds in this field", read)


def _header(name: str) -> Field:
    wanted = name.lower()
    about = "a header field of the mail, all instances"
    return _field(f'headers["{name}"]', Type.TEXTS, about, lambda sight: sight.header(wanted), origin=True)


_REPORTS = frozenset({Auto.BOUNCE, Auto.FEEDBACK_REPORT, Auto.DISPOSITION, Auto.DOMAIN_REPORT})
_RESULTS = ("pass", "fail", "softfail", "neutral", "none", "temperror", "permerror")


def _result(kind: str, about: str) -> Field:
    """What is proven of the sender; of who is named by a form nothing is, whatever is proven of the form."""

    def read(sight: Sight) -> Any:
        return "none" if sight.facts.sender.by_form else getattr(sight.facts.authentication, kind)

    proof = kind in ("dmarc", "arc")
    return _field(
        f"auth.{kind}", Type.CHOICE, about, read, choices=_RESULTS, proof=proof, example=f"auth.{kind} is pass"
    )


# ── the fields ────────────────────────────────────────────────────────────────────────────────────────────────

FIELDS: tuple[Field, ...] = (
    _field(
        "from",
        Type.ADDRESS,
        "the sender as the mail claims",
        lambda s: (a := _from(s)) and a.address,
        origin=True,
        example='from is "ann@example.com"',
    ),
    _field("from.name", Type.TEXT, "the sender's display name", lambda s: (a := _from(s)) and a.name, origin=True),
    _field(
        "from.local", Type.TEXT, "the sender's address before the @", lambda s: (a := _from(s)) and a.local, origin=True
    ),
    _field(
        "from.domain",
        Type.TEXT,
        "the sender's address behind the @",
        lambda s: (a := _from(s)) and a.domain,
        origin=True,
        example='from.domain is "partner.example"',
    ),
    _field(
        "reply_to",
        Type.ADDRESS,
        "where answers are to go, if the mail says so",
        lambda s: s.mail.reply_to[0].address if s.mail.reply_to else None,
        origin=True,
        example="reply_to exists",
    ),
    _field(
        "reply_to.domain",
        Type.TEXT,
        "the domain of reply_to",
        lambda s: s.mail.reply_to[0].domain if s.mail.reply_to else None,
        origin=True,
    ),
    _field(
        "envelope.from",
        Type.ADDRESS,
        "the reverse-path, if the transport told it",
        lambda s: s.mail.raw.envelope.reverse_path,
        origin=True,
    ),
    _field("to", Type.ADDRESSES, "To", lambda s: _addresses(s.mail.to), example='to contains "sales@"'),
    _field("cc", Type.ADDRESSES, "Cc", lambda s: _addresses(s.mail.cc), example='all cc end with "@example.com"'),
    _field(
        "delivered_to",
        Type.ADDRESSES,
        "Delivered-To, X-Original-To, Envelope-To",
        lambda s: _addresses(s.mail.delivered_to),
    ),
    _field(
        "recipients",
        Type.ADDRESSES,
        "everybody this mail was for: To, Cc, delivery headers, forward-paths",
        _recipients,
    ),
    _field(
        "subject",
        Type.TEXT,
        "the subject as written",
        lambda s: s.mail.subject,
        origin=True,
        example='subject contains "invoice"',
    ),
    _field("subject.clean", Type.TEXT, "the subject without Re:, AW:, [tags]", _subject_clean, origin=True),
    _field(
        "body",
        Type.TEXT,
        "what the sender wrote, without quoted mail",
        _body,
        origin=True,
        example='body contains any of ["print", "error"]',
    ),
    _field("body.full", Type.TEXT, "the whole text", lambda s: s.mail.text, origin=True),
    _field("text", Type.TEXT, "subject and body", _text, origin=True, example=r"text matches /order (?<no>\d{6})/i"),
    _field(
        "plus",
        Type.TEXT,
        "the tag of our address: billing in help+billing@",
        lambda s: s.facts.plus,
        example='plus is "billing"',
    ),
    _field("message_id", Type.TEXT, "the Message-ID", lambda s: s.mail.message_id, origin=True),
    _field(
        "lang", Type.TEXT, "the language of the text, such as de", lambda s: s.facts.language, example='lang is "de"'
    ),
    _field("mailbox", Type.TEXT, "where it was read: system, or a workspace", lambda s: s.facts.mailbox),
    _field("workspace", Type.TEXT, "the workspace whose mailbox it was read from", lambda s: s.facts.workspace),
    _field(
        "sender.login",
        Type.TEXT,
        "the login of the sender's account",
        lambda s: (known := _known(s)) and known.login,
        origin=True,
    ),
    _field(
        "thread.status",
        Type.TEXT,
        "the status of the item answered",
        lambda s: s.item and s.item.status,
        example='thread.status is "Waiting"',
    ),
    _field("thread.workspace", Type.TEXT, "the workspace of the item answered", lambda s: s.item and s.item.workspace),
    _field("auto.reason", Type.TEXT, "the sign that a machine wrote this", lambda s: s.facts.automatic.reason),
    _field(
        "attachments.name",
        Type.TEXTS,
        "file names",
        lambda s: tuple([a.name for a in s.mail.attachments]),
        origin=True,
        example='attachments.name like "*.pdf"',
    ),
    _field(
        "attachments.type",
        Type.TEXTS,
        "types, judged by content",
        lambda s: tuple([a.content_type for a in s.mail.attachments]),
        example='attachments.type is "application/pdf"',
    ),
    _field(
        "sender.groups",
        Type.TEXTS,
        "the groups of the sender's account",
        lambda s: known.groups if (known := _known(s)) else (),
        origin=True,
        example='sender.groups is "staff"',
    ),
    _field("size", Type.SIZE, "the whole mail", lambda s: len(s.mail.raw.content), example="size > 5 MB"),
    _field(
        "attachments.count", Type.NUMBER, "how many", lambda s: len(s.mail.attachments), example="attachments.count > 3"
    ),
    _field(
        "attachments.total",
        Type.SIZE,
        "all attachments together",
        lambda s: sum([a.size_bytes for a in s.mail.attachments]),
        example="attachments.total > 5 MB",
    ),
    _field(
        "spam.score", Type.NUMBER, "the spam filter's score", lambda s: s.facts.spam_score, example="spam.score > 8"
    ),
    _field(
        "sender.mails_last_hour",
        Type.NUMBER,
        "mails of this sender in the hour before, this one included",
        lambda s: s.facts.sender_mails_last_hour,
        example="sender.mails_last_hour > 20",
    ),
    _field(
        "date",
        Type.DATE,
        "when the mail claims to be written",
        lambda s: s.mail.date and s.mail.date.astimezone(s.zone),
        origin=True,
        example="date before 2 days ago",
    ),
    _field("received", Type.DATE, "when it reached us", lambda s: s.received, example="received after 2026-12-23"),
    _field(
        "received.time",
        Type.TIME,
        "the time of day it reached us",
        lambda s: s.received.hour * 60 + s.received.minute,
        example="received.time between 18:00 and 08:00",
    ),
    _field(
        "received.weekday",
        Type.DAY,
        "the day of the week it reached us",
        lambda s: s.received.weekday(),
        example="received.weekday in [sat, sun]",
    ),
    _field(
        "thread.closed_for",
        Type.DURATION,
        "how long the item answered is closed",
        lambda s: _since(s, s.item.closed_at) if s.item and s.item.closed else None,
        example="thread.closed_for > 30 days",
    ),
    _field(
        "thread.idle_for",
        Type.DURATION,
        "how long nothing happened on the item answered",
        lambda s: _since(s, s.item.changed_at) if s.item else None,
        example="thread.idle_for > 2 weeks",
    ),
    _result("dmarc", "the result our server wrote for DMARC"),
    _result("spf", "the result for SPF"),
    _result("dkim", "the result for DKIM"),
    _result("arc", "the result for ARC; pass only for a sealer we trust"),
    _field(
        "thread.by",
        Type.CHOICE,
        "how the item answered was found",
        lambda s: s.facts.thread.by or None,
        choices=("token", "message_id", "plus", "subject", "imported"),
        example="thread.by is subject",
    ),
    _field(
        "sender.known",
        Type.YESNO,
        "the sender has an account, or gets one because the directory knows them",
        lambda s: _known(s) is not None,
        origin=True,
    ),
    _field("thread.found", Type.YESNO, "the mail answers an item", lambda s: s.item is not None),
    _field("thread.closed", Type.YESNO, "that item is closed", lambda s: s.item is not None and s.item.closed),
    _field("auto", Type.YESNO, "a machine wrote it", lambda s: s.facts.automatic.kind is not Auto.NONE),
    _field("auto.reply", Type.YESNO, "an automatic reply", lambda s: s.facts.automatic.kind is Auto.AUTO_REPLY),
    _field(
        "auto.bounce",
        Type.YESNO,
        "a report about mail we sent",
        lambda s: s.facts.automatic.kind in _REPORTS,
    ),
    _field("auto.list", Type.YESNO, "from a mailing list", lambda s: s.facts.automatic.kind is Auto.MAILING_LIST),
    _field("attachments", Type.YESNO, "it has attachments", lambda s: bool(s.mail.attachments)),
    _field("spam.flag", Type.YESNO, "the spam filter says so", lambda s: s.facts.spam_flag),
    _field("invite", Type.YESNO, "it holds an invitation", _invite),
    _field("signed", Type.YESNO, "it claims a signature (S/MIME or PGP)", lambda sight: signed(sight.mail)),
    _field("encrypted", Type.YESNO, "only a key can read it", lambda sight: encrypted(sight.mail)),
    _field(
        "thread.item",
        Type.ITEM,
        "the number of the item answered",
        lambda s: s.item.id if s.item else None,
        example="thread.item exists",
    ),
)

KEYED: Mapping[str, Callable[[str], Field]] = {"headers": _header, "item": _held_by_item}
