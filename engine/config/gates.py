"""The sections that say who and what may come in: [gates] and [people].

Here: their options and defaults. Not here: how a workspace's gates meet those above it (`inherit.py`).
"""

from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar, Literal

from engine.config.kinds import (
    AddressText,
    Count,
    Duration,
    Line,
    OptionalPath,
    PatternText,
    Positive,
    Size,
    Verb,
    patterns,
)
from engine.config.section import Filled, Section
from rules.pattern import Pattern


class Rate(Section, frozen=True):
    """So many mails in so many seconds, and what happens to the next one; `limit` 0 is no limit."""

    limit: Count = 0
    per: Duration = 3600.0
    then: Verb = "hold"


class Antivirus(Section, frozen=True):
    """A clamd to ask: a socket path or host:port."""

    clamd: Line = ""
    infected: Verb = "hold"
    unavailable: Literal["off", "warn", "hold", "reject", "discard", "defer"] = "defer"


class Gates(Section, frozen=True):
    """What lets a mail in. Verbs are off, warn, hold, reject, discard.

    `allowed_senders_above` holds the list of the level above, which must match as well.
    """

    nested: ClassVar[bool] = True

    maximum_email_size: Size = 10 << 20
    big_files_dir: OptionalPath = Path("var/big")
    too_big: Verb = "hold"
    unreadable: Verb = "hold"
    duplicate: Verb = "discard"
    own_loop: Verb = "discard"
    hop_limit: Positive = 50
    bounce: Verb = "discard"
    auto_reply: Verb = "hold"
    mailing_list: Verb = "warn"
    closed_container: Verb = "hold"
    empty_subject: Literal["off", "warn", "hold", "reject", "discard", "default-title"] = "reject"
    default_title: Line = "(no subject)"
    undesired_subject: Verb = "discard"
    undesired_subject_patterns: tuple[PatternText, ...] = patterns(
        "/^Out of Office/i", "/^Automatic (reply|answer)/i", "/^Réponse automatique/i", "/^Abwesenheit/i"
    )
    unknown_sender: Verb = "hold"
    blocked_senders: tuple[PatternText, ...] = ()
    blocked_names: tuple[PatternText, ...] = ()
    blocked_bodies: tuple[PatternText, ...] = ()
    blocked: Verb = "discard"
    allowed_senders: tuple[PatternText, ...] = ()
    not_allowed: Verb = "reject"
    dmarc: Verb = "hold"
    spf_softfail: Verb = "warn"
    trusted_authserv_ids: tuple[Line, ...] = ()
    trusted_arc_sealers: tuple[Line, ...] = ()
    mails_per_sender: Rate = Rate(limit=60)
    total_rate: Rate = Rate(limit=2000)
    antivirus: Antivirus | None = None
    allowed_senders_above: Filled[tuple[Pattern, ...]] = ()

    @property
    def allowed_lists(self) -> tuple[tuple[Pattern, ...], ...]:
        """The lists of permitted senders that are not empty: an address must match one pattern of each (F037)."""
        return tuple(allowed for allowed in (self.allowed_senders_above, self.allowed_senders) if allowed)


class CreateDefaults(Section, frozen=True):
    """What a person made from a mail gets where the mail says nothing."""

    first_name: Line = ""
    last_name: Line = ""
    group: Line = ""


class FormFields(Section, frozen=True):
    """What a form calls the address and the name of who filled it in; "" is no line for it."""

    email: Line = "E-mail"
    name: Line = "Name"


class Form(Section, frozen=True, rename={"from_": "from"}):
    """A web form that sends mail under an address of its own, and where it says who filled it in."""

    from_: Line = ""
    identity: Literal["reply-to", "fields"] = "reply-to"
    fields: FormFields = FormFields()


_CC = {"add_cc_as_editor": "addCcAsEditor", "add_cc_as_reader": "addCcAsReader", "add_cc_as_watcher": "addCcAsWatcher"}


class Cc(Section, frozen=True, rename=_CC):
    """What becomes of the people in To and Cc."""

    nested: ClassVar[bool] = True

    add_cc_as_editor: bool = False
    add_cc_as_reader: bool = True
    add_cc_as_watcher: bool = False
    known_only: bool = True
    copy_unknown: bool = True
    also_to: bool = True
    limit: Count = 20
    never: tuple[PatternText, ...] = patterns(r"/^no-?reply@/i", r"/@lists\./i")


class People(Section, frozen=True):
    """Who is behind an address, and what becomes of those we do not know."""

    aliases: ClassVar = {"unknown_caller_rejection_reply": "unknown_sender_reply"}
    nested: ClassVar[bool] = True

    unknown_user: Literal["ignore", "accept", "create"] = "ignore"
    unknown_sender_reply: Line = ""
    guest_user: Line = "guest"
    create_defaults: CreateDefaults = CreateDefaults()
    default_group: tuple[Line, ...] = ()
    organisations: Mapping[str, Line] = {}
    no_account_notice: bool = False
    no_permission_check: bool = False
    inactive_user: Verb = "hold"
    on_item: Literal["may_comment", "needs_permission"] = "may_comment"
    reply_from_stranger: Literal["accept", "note", "hold"] = "note"
    mail_suffix_separators: Line = "+"
    identity: Literal["from"] = "from"
    directory: Line = ""
    rewriters: tuple[AddressText, ...] = ()
    forms: Mapping[str, Form] = {}
    cc: Cc = Cc()
