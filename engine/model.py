"""The nouns of the engine, in the order a mail meets them.

Here: frozen data and nothing else; standard library only. Not here: how any of it is made, stored or shown.
Invariant: everything is a frozen dataclass of plain values and tuples, so everything survives a trip through JSON.
Times are aware datetimes in UTC; sizes are bytes; addresses keep the case they came in and compare case-folded.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum

from rules.frozen import dataclass
from rules.problem import Problem as Problem
from rules.problem import Severity as Severity
from rules.trace import FileTrace

Value = str | int | float | bool | None | tuple[str, ...]
"""What a field of an item may hold; dates are ISO strings, lists are tuples of text."""


# ── what came in ──────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Origin:
    """Where the bytes were found.

    `mailbox` is a configured name (`system` or a workspace), `key` the transport key: `folder/UIDVALIDITY/UID`,
    a UIDL, a Maildir unique name, `queue-id/recipient`. Unique per mailbox, see reliability in docs/.
    """

    mailbox: str
    key: str
    size_bytes: int = 0


@dataclass(frozen=True, slots=True)
class Envelope:
    """RFC 5321 addresses, if the transport told them. `reverse_path` is None when unknown, "" for the null path."""

    reverse_path: str | None = None
    forward_paths: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RawMail:
    """The bytes as they came. `digest` is the sha256 of `content` in hex; `truncated`: only the header was taken."""

    content: bytes
    origin: Origin
    received_at: datetime
    digest: str
    envelope: Envelope = Envelope()
    truncated: bool = False


# ── what it says ──────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Address:
    """One RFC 5322 mailbox. `address` is the addr-spec as written, without comments and folding."""

    address: str
    name: str = ""

    @property
    def local(self) -> str:
        """The part before the last @, as written."""
        return self.address.rpartition("@")[0]

    @property
    def domain(self) -> str:
        """The part behind the last @, lower case."""
        return self.address.rpartition("@")[2].lower()

    @property
    def key(self) -> str:
        """The form in which addresses compare."""
        return self.address.casefold()


@dataclass(frozen=True, slots=True)
class Header:
    """One header field: its name as written, its value unfolded and decoded (RFC 2047)."""

    name: str
    value: str


@dataclass(frozen=True, slots=True)
class Part:
    """A leaf of the MIME tree: what it claims to be and which slice of the raw mail holds it.

    `start` and `end` are offsets into `RawMail.content` of the still encoded body; `encoding` is the
    Content-Transfer-Encoding (`7bit 8bit binary base64 quoted-printable x-uuencode`), lower case.
    `path` is the IMAP-like number of the part ("1.2"); `alternative` tells that it stands in a multipart/alternative.
    `flowed` and `delsp` are the parameters of RFC 3676: text whose lines are to be joined.
    """

    content_type: str
    start: int
    end: int
    encoding: str = "7bit"
    charset: str = ""
    filename: str = ""
    disposition: str = ""
    content_id: str = ""
    path: str = "1"
    alternative: bool = False
    related: bool = False
    flowed: bool = False
    delsp: bool = False


@dataclass(frozen=True, slots=True)
class Attachment:
    """A part that is not body text. `name` is safe to show and to save; `content_type` is judged by the bytes.

    `digest` is the sha256 of the decoded bytes, `size_bytes` their number. `inline` claims a picture shown in the text.
    `content` holds bytes that stand nowhere in the raw mail (unpacked, made smaller); empty means: decode `part`.
    """

    name: str
    content_type: str
    declared_type: str
    size_bytes: int
    digest: str
    part: Part
    inline: bool = False
    content_id: str = ""
    width_px: int = 0
    height_px: int = 0
    content: bytes = b""


@dataclass(frozen=True, slots=True)
class Defect:
    """The mail is odd in this way. Data, never an exception."""

    code: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Mail:
    """A parsed mail, never half parsed: what could not be read is empty and a defect says so.

    `text` is the body as text, converted from HTML when there is no plain part; `html` is the HTML body as it came
    (never show it unsanitised); `html_part` is where it stands. `from_` holds every mailbox of every From header:
    more or fewer than one is a reason not to believe any of them. `core_digest` is the sha256 without the leading
    trace headers, `fingerprint` a soft identity over Message-ID, Date, From, Subject and body (reliability in docs/).
    """

    raw: RawMail
    message_id: str = ""
    in_reply_to: tuple[str, ...] = ()
    references: tuple[str, ...] = ()
    date: datetime | None = None
    from_: tuple[Address, ...] = ()
    sender: tuple[Address, ...] = ()
    reply_to: tuple[Address, ...] = ()
    to: tuple[Address, ...] = ()
    cc: tuple[Address, ...] = ()
    delivered_to: tuple[Address, ...] = ()
    subject: str = ""
    text: str = ""
    html: str = ""
    text_parts: tuple[str, ...] = ()
    html_part: Part | None = None
    parts: tuple[Part, ...] = ()
    attachments: tuple[Attachment, ...] = ()
    headers: tuple[Header, ...] = ()
    defects: tuple[Defect, ...] = ()
    core_digest: str = ""
    fingerprint: str = ""

    @property
    def fields(self) -> Mapping[str, tuple[str, ...]]:
        """All values of every header field, top first, by its name in lower case."""
        global _fields
        if _fields[0] is not self.headers:  # ten questions in a row are about the same mail
            found: dict[str, tuple[str, ...]] = {}
            for header in self.headers:
                name = header.name.lower()
                found[name] = (*found[name], header.value) if name in found else (header.value,)
            _fields = (self.headers, found)
        return _fields[1]

    def header(self, name: str, default: str = "") -> str:
        """The first value of a header field, by name in any case."""
        return self.fields.get(name.lower(), (default,))[0]

    def header_values(self, name: str) -> tuple[str, ...]:
        """All values of a header field, top first."""
        return self.fields.get(name.lower(), ())


_fields: tuple[tuple[Header, ...], Mapping[str, tuple[str, ...]]] = ((), {})


# ── what is true about it ─────────────────────────────────────────────────────────────────────────────────────


class Auto(StrEnum):
    """Was this mail written by a machine, and of which kind (RFC 3834, RFC 3464, RFC 5965, RFC 3798, RFC 2919)."""

    NONE = "none"
    BOUNCE = "bounce"
    AUTO_REPLY = "auto_reply"
    AUTO_GENERATED = "auto_generated"
    MAILING_LIST = "mailing_list"
    FEEDBACK_REPORT = "feedback_report"
    DISPOSITION = "disposition"


@dataclass(frozen=True, slots=True)
class Automatic:
    """The class of an automatic mail and the sign it was recognised by, as a sentence fragment."""

    kind: Auto = Auto.NONE
    reason: str = ""


@dataclass(frozen=True, slots=True)
class BouncedRecipient:
    """One recipient block of a delivery status (RFC 3464, 2.3)."""

    address: str
    action: str = ""
    status: str = ""
    diagnostic: str = ""


@dataclass(frozen=True, slots=True)
class Bounce:
    """What a delivery status notification reports, and the Message-ID of the mail it is about."""

    recipients: tuple[BouncedRecipient, ...] = ()
    original_message_id: str = ""


@dataclass(frozen=True, slots=True)
class Authentication:
    """Results that a trusted server wrote down (RFC 8601); "none" where it wrote nothing."""

    spf: str = "none"
    dkim: str = "none"
    dmarc: str = "none"
    arc: str = "none"
    authserv_id: str = ""


@dataclass(frozen=True, slots=True)
class Account:
    """A person with an account here. `status` is active, registered, locked or guest."""

    id: int
    login: str
    name: str
    emails: tuple[str, ...] = ()
    status: str = "active"
    groups: tuple[str, ...] = ()
    language: str = ""
    admin: bool = False


@dataclass(frozen=True, slots=True)
class Sender:
    """Who seems to write. `matched_by` is exact, suffix or "" (no account); `problem` says why From is not believed."""

    address: Address = Address("")
    account: Account | None = None
    matched_by: str = ""
    problem: str = ""


class Kind(StrEnum):
    """What a reply can answer."""

    ITEM = "item"
    TOPIC = "topic"


@dataclass(frozen=True, slots=True)
class ItemFacts:
    """The item (or topic) as a decision needs to know it."""

    id: int
    workspace: str
    title: str = ""
    kind: Kind = Kind.ITEM
    type: str = ""
    status: str = ""
    closed: bool = False
    closed_at: datetime | None = None
    changed_at: datetime | None = None
    locked: bool = False
    private: bool = False
    fields: tuple[tuple[str, Value], ...] = ()
    people: tuple[str, ...] = ()
    attachment_digests: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Thread:
    """The item this mail answers and how that was found.

    `by` is token, message_id, plus, subject, rule or "" (a new conversation); `marker` is the text that led there.
    `dangling` means a marker was found that names nothing; `proven` that the marker could not be guessed
    (a signed token or a Message-ID of ours); `private` that it answers an internal note.
    """

    item: ItemFacts | None = None
    by: str = ""
    marker: str = ""
    dangling: bool = False
    proven: bool = False
    private: bool = False
    tried: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Cut:
    """The new part of a reply, and the rest: folded, never lost. `why` names what the cut was made at."""

    new: str = ""
    quoted: str = ""
    signature: str = ""
    why: str = ""


@dataclass(frozen=True, slots=True)
class Facts:
    """What is true about a mail before anything is decided; a snapshot that rules and gates read."""

    mailbox: str
    workspace: str = ""
    sender: Sender = Sender()
    authentication: Authentication = Authentication()
    automatic: Automatic = Automatic()
    bounce: Bounce | None = None
    thread: Thread = Thread()
    cut: Cut = Cut()
    own_addresses: tuple[str, ...] = ()
    plus: str = ""
    language: str = ""
    own_loop: bool = False
    hops: int = 0
    sender_mails_last_hour: int = 0
    total_mails_last_hour: int = 0
    spam_score: float | None = None
    spam_flag: bool = False
    duplicate_of: str = ""
    released: Release | None = None


@dataclass(frozen=True, slots=True)
class Release:
    """A person let a held mail go on: what rules, gates and hooks would hold is noted and passed."""

    by: str
    reason: str = ""
    workspace: str = ""
    item: int = 0
    generation: int = 1


@dataclass(frozen=True, slots=True)
class Status:
    """A status an item may have; `closed` ends the work."""

    name: str
    closed: bool = False


@dataclass(frozen=True, slots=True)
class CustomField:
    """A field an admin added. `kind` is text, long_text, int, float, bool, date, list, user or version."""

    name: str
    kind: str = "text"
    values: tuple[str, ...] = ()
    multiple: bool = False
    types: tuple[str, ...] = ()
    required: bool = False
    default: Value = None


@dataclass(frozen=True, slots=True)
class Catalog:
    """What a workspace offers: the lists that fields choose from. `status` is active, closed or archived."""

    workspace: str
    name: str = ""
    status: str = "active"
    public: bool = True
    modules: tuple[str, ...] = ("items",)
    types: tuple[str, ...] = ("Task",)
    statuses: tuple[Status, ...] = (Status("New"), Status("In progress"), Status("Closed", True))
    priorities: tuple[str, ...] = ("Low", "Normal", "High", "Urgent")
    categories: tuple[str, ...] = ()
    versions: tuple[str, ...] = ()
    fields: tuple[CustomField, ...] = ()


# ── what is decided ───────────────────────────────────────────────────────────────────────────────────────────


class Verdict(StrEnum):
    """The five things that can become of a mail."""

    ACCEPT = "accept"
    DISCARD = "discard"
    REJECT = "reject"
    HOLD = "hold"
    DEFER = "defer"


@dataclass(frozen=True, slots=True)
class Decider:
    """Who decided: `kind` is gate, rule, hook, stage, person or engine; rules and hooks have a file and a line."""

    kind: str
    name: str
    file: str = ""
    line: int = 0


@dataclass(frozen=True, slots=True)
class Disposition:
    """A verdict with its reason code (`reasons.py`), a sentence for people, and who decided."""

    verdict: Verdict
    code: str
    because: str
    by: Decider


class Target(StrEnum):
    """What an accepted mail becomes."""

    NEW_ITEM = "new_item"
    COMMENT = "comment"
    NOTE = "note"
    TOPIC_POST = "topic_post"


class Role(StrEnum):
    """What a person on a mail may become on the item; an earlier one includes the later ones."""

    EDITOR = "editor"
    READER = "reader"
    WATCHER = "watcher"


@dataclass(frozen=True, slots=True)
class FieldChange:
    """One decided field: the value and who decided it (the first one wins)."""

    name: str
    value: Value
    by: Decider


@dataclass(frozen=True, slots=True)
class PersonChange:
    """Somebody who joins the item. `login` is empty for a person that is to be created from `address`."""

    address: Address
    role: Role
    login: str = ""


@dataclass(frozen=True, slots=True)
class AttachmentFate:
    """What becomes of one attachment: kept, or left out and why."""

    attachment: Attachment
    keep: bool = True
    because: str = ""


@dataclass(frozen=True, slots=True)
class NewUser:
    """An account to be created from the mail, referred to by its address until it has an id."""

    address: Address
    first_name: str
    last_name: str
    groups: tuple[str, ...] = ()
    language: str = ""


@dataclass(frozen=True, slots=True)
class Skip:
    """A gate that a rule opens for this mail."""

    gate: str
    because: str
    by: Decider


@dataclass(frozen=True, slots=True)
class Reply:
    """An automatic mail to be sent: `template` by name; `to` empty means the sender. `text` is for `reject with`."""

    template: str
    to: tuple[str, ...] = ()
    text: str = ""


@dataclass(frozen=True, slots=True)
class Draft:
    """What the stages have decided so far. A stage returns a new one; setting `disposition` settles it.

    `by_keyword`: a `Project:` line of the mail chose the workspace.
    """

    workspace: str = ""
    hops: tuple[str, ...] = ()
    disposition: Disposition | None = None
    target: Target = Target.NEW_ITEM
    item: ItemFacts | None = None
    title: str = ""
    text: str = ""
    quoted: str = ""
    html_part: Part | None = None
    fields: tuple[FieldChange, ...] = ()
    assignee: FieldChange | None = None
    labels: tuple[str, ...] = ()
    people: tuple[PersonChange, ...] = ()
    cc_role: Role | None = None
    attachments: tuple[AttachmentFate, ...] = ()
    drop_names: tuple[str, ...] = ()
    new_users: tuple[NewUser, ...] = ()
    author: str = ""
    start_new: bool = False
    by_keyword: bool = False
    thread_by: tuple[str, str] | None = None
    skips: tuple[Skip, ...] = ()
    hooks: tuple[str, ...] = ()
    reply: Reply | None = None
    no_reply: bool = False
    forwards: tuple[str, ...] = ()
    notifies: tuple[str, ...] = ()
    private: bool = False
    notes: tuple[Note, ...] = ()
    rule_traces: tuple[FileTrace, ...] = ()


@dataclass(frozen=True, slots=True)
class Note:
    """One line of why, for the trace. `mark` is ok, warn, stop or info; `code` a reason code where one applies."""

    text: str
    mark: str = "ok"
    code: str = ""


# ── what is to be done ────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class CreateUser:
    """An account to make; later effects name it by address."""

    user: NewUser


@dataclass(frozen=True, slots=True)
class CreateItem:
    """The item to make, all fields in it. `author` is a login, or an address of a CreateUser before it."""

    workspace: str
    title: str
    text: str
    author: str
    fields: tuple[tuple[str, Value], ...] = ()
    quoted: str = ""
    html_part: Part | None = None
    private: bool = False


@dataclass(frozen=True, slots=True)
class AddComment:
    """A comment on an item; `internal` makes it a note that only staff sees."""

    item: int
    text: str
    author: str
    internal: bool = False
    quoted: str = ""
    html_part: Part | None = None


@dataclass(frozen=True, slots=True)
class PostToTopic:
    """A post below a topic."""

    topic: int
    text: str
    author: str
    title: str = ""
    quoted: str = ""
    html_part: Part | None = None


@dataclass(frozen=True, slots=True)
class SetField:
    """A field of the existing item changes."""

    item: int
    name: str
    value: Value


@dataclass(frozen=True, slots=True)
class AddLabel:
    """A label on the item; `item` 0 means the one made by this plan."""

    item: int
    label: str


@dataclass(frozen=True, slots=True)
class AddPerson:
    """Somebody becomes editor, reader or watcher; `person` is a login or the address of a CreateUser."""

    item: int
    person: str
    role: Role


@dataclass(frozen=True, slots=True)
class Attach:
    """An attachment joins the item; its bytes stay in the raw mail until that is purged."""

    item: int
    attachment: Attachment


@dataclass(frozen=True, slots=True)
class SendMail:
    """A mail for the outbox, as data: composed when it is delivered.

    `kind` is ack, comment_ack, rejected, held, report, forward, notify or account; `automatic` mail goes out at
    most once and with a null reverse-path, the rest at least once. `reason` is the sentence that rejected or held.
    """

    kind: str
    template: str
    to: tuple[str, ...]
    language: str = ""
    reason: str = ""
    text: str = ""
    automatic: bool = True
    item: int = 0


@dataclass(frozen=True, slots=True)
class CallWebhook:
    """A webhook for the outbox; `event` as in [webhooks]."""

    name: str
    event: str


Effect = (
    CreateUser
    | CreateItem
    | AddComment
    | PostToTopic
    | SetField
    | AddLabel
    | AddPerson
    | Attach
    | SendMail
    | CallWebhook
)


class Settle(StrEnum):
    """Which folder setting the mailbox action follows after commit."""

    SUCCESS = "success"
    FAILURE = "failure"
    HOLD = "hold"
    NOTHING = "nothing"


class Outcome(StrEnum):
    """What became of a mail."""

    CREATED = "created"
    COMMENT = "comment"
    NOTE = "note"
    HELD = "held"
    REJECTED = "rejected"
    DISCARDED = "discarded"
    DUPLICATE = "duplicate"
    DEFERRED = "deferred"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Change:
    """A part of the draft that a stage changed, as text."""

    name: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class StageTrace:
    """What one stage did: how long, which parts of the draft changed, and why."""

    name: str
    us: int = 0
    changes: tuple[Change, ...] = ()
    notes: tuple[Note, ...] = ()


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything commit needs and nothing else."""

    disposition: Disposition
    outcome: Outcome
    workspace: str
    effects: tuple[Effect, ...] = ()
    settle: Settle = Settle.SUCCESS
    item: int = 0


@dataclass(frozen=True, slots=True)
class Receipt:
    """What happened to a mail, once per generation."""

    mail: str
    generation: int
    outcome: Outcome
    code: str
    because: str
    by: Decider
    workspace: str = ""
    item: int = 0
    comment: int = 0
    outbox: tuple[int, ...] = ()
