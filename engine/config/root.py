"""The whole of allegra.toml: every section under its name, and those that stand at the top only.

Here: [instance], [system], [errors], [replies], [rules], [hooks], [log], [workspace.NAME], and the root.
Not here: the sections with files of their own; what this version lacks (`unavailable.py`).
"""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import ClassVar, Literal

from engine.config.content import Attachments, Body, Items, Limits
from engine.config.directory import Directory
from engine.config.doors import Console, Http, Lmtp
from engine.config.gates import Gates, People
from engine.config.kinds import (
    FORMAT,
    AddressText,
    Count,
    Duration,
    FilePath,
    Format,
    Line,
    Lines,
    MailboxText,
    OptionalPath,
    Positive,
    ReasonText,
    Size,
    TimeOfDay,
)
from engine.config.mailbox import Mailbox, OAuth, Smtp, Webhook
from engine.config.secrets import shared_secret
from engine.config.section import Filled, Section
from engine.config.store import Store, Workers

Language = Literal["en", "de", "fr", "es", "it", "nl", "pt", "pl", "ja"]


class Instance(Section, frozen=True):
    """Who this installation is.

    Paths are absolute after loading.
    """

    name: Line = "Allegra"
    base_url: Line = ""
    language: Language = "en"
    timezone: Line = "UTC"
    state_dir: FilePath = Path("var")
    secret_file: FilePath = Path("var/secret")

    def secret(self) -> bytes:
        """The 32 bytes that sign reply tokens; made on first use. Raises: SecretError."""
        return shared_secret(self.secret_file)


class Defaults(Section, frozen=True):
    """What every mailbox inherits."""

    mailbox: Mailbox = Mailbox()


class System(Section, frozen=True):
    """The system mailbox and where its mail goes.

    `default_workspace` "" means hold. `owner` stands in for the owner of a workspace that has none.
    """

    aliases: ClassVar = {"project": "default_workspace"}

    rules: OptionalPath = None
    default_workspace: Line = ""
    owner: MailboxText = ""
    gates_may_relax: bool = False
    mailbox: Mailbox | None = None


class Cap(Section, frozen=True):
    """So many in so many seconds; `limit` 0 is no limit."""

    limit: Count = 0
    per: Duration = 3600.0


class NotifyDefaults(Section, frozen=True):
    """What people want to hear who said nothing themselves."""

    new: Literal["unassigned", "all", "none"] = "unassigned"
    assigned: bool = True
    mine: bool = True
    watched: bool = True
    notes: bool = True
    changes: bool = True
    own: bool = False
    held: bool = True
    how: Literal["now", "hourly", "daily"] = "now"
    format: Literal["both", "text"] = "both"


class Notify(Section, frozen=True):
    """Who hears of what happens to items.

    `most` counts the people of one occasion; `defaults` are what people want who said nothing. Mail that reached us
    longer ago than `not_older_than` seconds before it was read in tells nobody. Who owns a workspace hears of mail that
    is held at once, and then of more every `held_every` seconds. `daily_at` is when those hear who want to daily.
    """

    nested: ClassVar[bool] = True

    enabled: bool = True
    relay: Literal["inside", "everybody"] = "inside"
    most: Positive = 200
    not_older_than: Duration = 7 * 86400.0
    held_every: Duration = 4 * 3600.0
    daily_at: TimeOfDay = "07:00"
    defaults: NotifyDefaults = NotifyDefaults()


class Errors(Section, frozen=True, rename={"from_": "from"}):
    """What happens when all attempts failed, and who is told.

    Times are seconds. `refusals` is how many automatic answers of one reason one sender gets, `reports` how many
    reports of one reason and mailbox an admin gets; those over it are collected. `reports_also` are reasons, or their
    first words, of which admins hear beside those that are reported anyway.
    """

    nested: ClassVar[bool] = True

    behavior: Literal["mark", "delete"] = "mark"
    retry: tuple[Duration, ...] = (60.0, 300.0, 1800.0, 7200.0)
    defer_limit: Duration = 5 * 86400.0
    parent_wait: Duration = 600.0
    forward_to: tuple[AddressText, ...] = ()
    from_: MailboxText = ""
    report_incoming_email_errors: bool | Literal["known"] = "known"
    refusals: Cap = Cap(3, 86400.0)
    reports: Cap = Cap(1, 3600.0)
    reports_also: tuple[ReasonText, ...] = ()


class Replies(Section, frozen=True, rename={"from_": "from"}):
    """Which template answers what ("" is no answer), and what mails look like.

    `automatic_*`, `answers_*` and `notices_*` count mails an hour; `attach_up_to` is bytes as they are sent.
    """

    nested: ClassVar[bool] = True

    directory: FilePath = Path("templates")
    new_item: Line = "ack"
    new_comment: Line = ""
    held: Line = ""
    rejected: Line = "rejected"
    from_: MailboxText = ""
    signature: Lines = ""
    reply_line: bool = True
    quote: Literal["last", "none"] = "last"
    attach_up_to: Size = 5 << 20
    links: bool = False
    automatic_per_item: Count = 5
    automatic_per_recipient: Count = 10
    automatic_total: Count = 1000
    answers_per_item: Count = 20
    answers_total: Count = 2000
    notices_per_recipient: Count = 60
    headers: Mapping[str, Line] = MappingProxyType(
        {"Auto-Submitted": "auto-replied", "X-Auto-Response-Suppress": "All"}
    )


class Outbox(Section, frozen=True):
    """How long the outbox keeps what is over.

    `keep` is seconds.
    """

    keep: Duration = 31536000.0


class Rules(Section, frozen=True):
    """Where rule files are and how far they may go."""

    directory: FilePath = Path("rules")
    max_hops: Positive = 3
    may_skip_gates: tuple[Line, ...] = ("auto_reply", "undesired_subject", "mailing_list")
    regex_text_limit: Size = 64 << 10
    on_error: Literal["defer", "last-good"] = "defer"


class Hooks(Section, frozen=True):
    """The scripts, and the limits they run in.

    `timeout` is in seconds, `memory` in bytes.
    """

    directory: FilePath = Path("hooks")
    guard: tuple[Line, ...] = ()
    activity: tuple[Line, ...] = ()
    timeout: Duration = 2.0
    memory: Size = 64 << 20
    on_error: Literal["hold", "continue", "reject"] = "hold"
    on_refusal: Literal["hold", "reject", "discard"] = "reject"
    isolation: Literal["worker", "call"] = "worker"
    allow_reduced_isolation: bool = False
    params: OptionalPath = None


class Log(Section, frozen=True):
    """Where the log goes.

    `file` None is nowhere.
    """

    level: Literal["debug", "info", "warning", "error"] = "info"
    format: Literal["text", "json"] = "text"
    file: OptionalPath = None


class Workspace(Section, frozen=True):
    """A workspace: its people, its rule file, its mailbox and what it overrides.

    `name` is for people; `identifier` is the name of the table. `rules` is the file that exists, or None.
    """

    name: Line = ""
    owner: MailboxText = ""
    rules: OptionalPath = None
    plus: tuple[Line, ...] = ()
    mailbox: Mailbox | None = None
    gates: Gates = Gates()
    people: People = People()
    items: Items = Items()
    body: Body = Body()
    attachments: Attachments = Attachments()
    errors: Errors = Errors()
    replies: Replies = Replies()
    notify: Notify = Notify()
    identifier: Filled[str] = ""


class Root(Section, frozen=True):
    """What Allegra mail reads and what it does with it; docs/config.md tells more."""

    schema: Format = FORMAT
    instance: Instance = Instance()
    store: Store = Store()
    workers: Workers = Workers()
    defaults: Defaults = Defaults()
    system: System = System()
    gates: Gates = Gates()
    people: People = People()
    items: Items = Items()
    body: Body = Body()
    attachments: Attachments = Attachments()
    limits: Limits = Limits()
    errors: Errors = Errors()
    smtp: Smtp | None = None
    oauth: Mapping[str, OAuth] = {}
    replies: Replies = Replies()
    notify: Notify = Notify()
    outbox: Outbox = Outbox()
    rules: Rules = Rules()
    hooks: Hooks = Hooks()
    webhooks: Mapping[str, Webhook] = {}
    lmtp: Lmtp | None = None
    http: Http | None = None
    console: Console = Console()
    directory: Mapping[str, Directory] = {}
    log: Log = Log()
    workspace: Mapping[str, Workspace] = {}
