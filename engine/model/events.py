"""What happens that people may hear of, and who is asked whether they want to.

Here: the events, the parts that people have in them, the kinds of mail that tell of them, and why somebody is not told,
each a table. Not here: who has which part (`decision/hearing.py`), the words (`wording/`, `outbox/texts`).
Invariant: the order of `EVENTS` is their strength, that of `Part` how near a person is: of what happens at once, the
strongest event leads the mail and the nearest part is named in it. A name never changes once released.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from msgspec import Struct

from engine.model.words import Stored


class Part(Stored):
    """The part that a person has in an event; nearest first."""

    SENDER = "sender"
    ASSIGNEE = "assignee"
    FORMER = "former assignee"
    REQUESTER = "requester"
    PARTICIPANT = "participant"
    COPY = "copy"
    WRITER = "writer"
    WATCHER = "watcher"
    NAMED = "named"
    MEMBER = "member"
    OWNER = "owner"
    ADMIN = "admin"


NEAREST: Final = {part: number for number, part in enumerate(Part)}
"""The rank of each part, 0 for the nearest."""


class Kind(Stored):
    """The kind of an outgoing row, which decides how often it may be tried, what limits it, and how it is marked.

    AUTO answers a sender by itself, at most once; a NOTICE tells people what happened, at least once and marked as a
    machine's; an ANSWER is a person's words, at least once and marked as nobody's machine; a WEBHOOK tells a program.
    """

    AUTO = "auto"
    NOTICE = "notice"
    ANSWER = "answer"
    WEBHOOK = "webhook"


class Event(Struct, frozen=True):
    """Something that happens. `inside` and `outside` hear of it in these parts, `unassigned` whom nobody else helps.

    Outside people hear `words` as an answer where a person spoke, else a notice. `template` names the text of a notice,
    `auto` that of an automatic answer to the sender; where it is "" there is none. `expected`: somebody ought to hear
    of it, and that nobody does is told.
    """

    name: str
    inside: tuple[Part, ...] = ()
    outside: tuple[Part, ...] = ()
    unassigned: tuple[Part, ...] = ()
    words: bool = False
    template: str = ""
    auto: str = ""
    expected: bool = False


_OTHERS = (Part.MEMBER, Part.OWNER)
_ON_ITEM = (Part.ASSIGNEE, Part.REQUESTER, Part.PARTICIPANT, Part.WATCHER, Part.WRITER)

EVENTS: Final[tuple[Event, ...]] = (
    Event("item.answered", _ON_ITEM, (*_ON_ITEM[1:], Part.COPY), words=True, template="commented"),
    Event("item.commented", _ON_ITEM, unassigned=_OTHERS, words=True, template="commented", auto="comment_ack",
          expected=True),
    Event("item.noted", (Part.ASSIGNEE, Part.PARTICIPANT, Part.WATCHER, Part.WRITER), words=True, template="noted"),
    Event("item.created", (Part.ASSIGNEE, Part.WATCHER), unassigned=_OTHERS, words=True, template="created",
          auto="ack", expected=True),
    Event("item.assigned", (Part.ASSIGNEE, Part.FORMER), template="assigned"),
    Event("item.closed", (Part.ASSIGNEE, Part.REQUESTER, Part.PARTICIPANT, Part.WATCHER),
          (Part.REQUESTER, Part.WATCHER), template="closed"),
    Event("item.reopened", (Part.ASSIGNEE, Part.REQUESTER, Part.PARTICIPANT, Part.WATCHER), (Part.REQUESTER,),
          unassigned=_OTHERS, template="reopened"),
    Event("item.merged", (Part.ASSIGNEE, Part.REQUESTER, Part.WATCHER), (Part.REQUESTER,), template="merged"),
    Event("item.changed", (Part.ASSIGNEE, Part.WATCHER), template="changed"),
    Event("item.deleted", (Part.ASSIGNEE, Part.OWNER), template="changed"),
    Event("item.edited"),
    Event("topic.posted", (Part.WRITER,), (Part.WRITER,), words=True, template="posted",
          auto="comment_ack"),
    Event("mail.held", (Part.ADMIN,), template="report", auto="held"),
    Event("mail.rejected", (Part.ADMIN,), template="report", auto="rejected"),
    Event("mail.waits", (Part.ADMIN,), template="report", auto="waits"),
    Event("mail.failed", (Part.ADMIN,), template="report", expected=True),
    Event("mail.undeliverable", (Part.ASSIGNEE, Part.WRITER), unassigned=(Part.OWNER,), template="undeliverable",
          expected=True),
    Event("mail.forwarded", (Part.NAMED,), (Part.NAMED,), template="forward"),
    Event("mail.discarded", (Part.ADMIN,), template="report"),
    Event("mail.duplicate", (Part.ADMIN,), template="report"),
    Event("desk.held", (Part.OWNER,), template="held_digest", expected=True),
    Event("desk.digest", template="digest"),
    Event("outbox.held", (Part.OWNER,), template="report"),
    Event("hook.disabled", (Part.ADMIN,), template="report"),
    Event("template.failed", (Part.ADMIN,), template="report"),
    Event("mailbox.down", (Part.ADMIN,), template="mailbox", expected=True),
    Event("mailbox.up", (Part.ADMIN,), template="mailbox"),
    Event("mailbox.silent", (Part.ADMIN,), template="mailbox", expected=True),
    Event("disk.low", (Part.ADMIN,), template="mailbox", expected=True),
    Event("disk.free", (Part.ADMIN,), template="mailbox"),
    Event("smtp.down"),
    Event("smtp.up", (Part.ADMIN,), template="mailbox"),
    Event("person.created", auto="account"),
    Event("person.unsubscribed"),
)  # fmt: skip
"""Every event, the strongest first."""

BY_NAME: Final[Mapping[str, Event]] = {event.name: event for event in EVENTS}

BY_HAND: Final = (
    "outbox.retry", "outbox.hold", "outbox.drop", "outbox.clear", "held.release", "held.trust", "held.reject",
    "held.discard", "mail.retry", "mail.reset", "mail.settle", "mail.purge", "mail.delete", "mail.replay",
    "mailbox.pause", "mailbox.resume", "hooks.enable", "hooks.disable", "person.forgotten", "topic.locked",
    "topic.unlocked",
)  # fmt: skip
"""Events that are written and nobody hears of: what people do to what is not an item."""

OF_ACCESS: Final = ("password.set", "password.removed", "session.ended", "token.made", "token.ended", "user.notify")
"""The same of what lets people in and of what they hear; the detail has the number of the `account` it is about."""

OF_RULES: Final = ("rules.saved",)
"""The same of the files of rules; the detail has the number of the `version`."""

EXPORTED: Final = "console.exported"

READ: Final = "console.read"

BY_LOOKING: Final = (EXPORTED, READ)
"""The same of what people looked at, where that is written down: lists they took away, mails and files they read."""

BY_THE_CLOCK: Final = frozenset({"desk.held", "desk.digest", "outbox.held"})
"""Events that a clock brings about or limits: what tells of them is never collected."""

STRENGTH: Final[Mapping[str, int]] = {event.name: number for number, event in enumerate(EVENTS)}


class Why(Stored):
    """Why somebody who was considered is not told, or why what was to go to them waits for a person."""

    ACTOR = "actor"
    HAS_IT = "has_it"
    LOCKED = "locked"
    NO_ADDRESS = "no_address"
    NOT_PERMITTED = "not_permitted"
    OUTSIDE = "outside"
    PREFERS_NOT = "prefers_not"
    SUSPENDED = "suspended"
    OLD = "old"
    QUIET = "quiet"
    RULE = "rule"
    NO_TEMPLATE = "no_template"
    STRANGER = "stranger"
    MACHINE = "machine"
    LOOP = "loop"
    CAP_REASON = "cap.reason"
    CAP_ITEM = "cap.item"
    CAP_RECIPIENT = "cap.recipient"
    CAP_TOTAL = "cap.total"
    CAP_ANSWERS = "cap.answers"
    CAP_NOTICES = "cap.notices"
    CAP_REPORTS = "cap.reports"
    CAP_HEARERS = "cap.hearers"
    UNPROVEN = "unproven"
    MTA = "mta"
    NOBODY = "nobody"
    NOBODY_ELSE = "nobody_else"
    NO_SMTP = "no_smtp"
