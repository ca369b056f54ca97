"""What a store hands out: claimed mails, rows of lists, views of items, rows of the outbox.

Here: frozen data and nothing else. Not here: who gives it (`ports/`) and where it is kept (`store/`).
Invariant: no row holds more than short texts, but for the bytes of a mail that was asked for by itself.
Over 300 lines: data only, and what it means.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from msgspec import Struct

from engine.model.events import Kind
from engine.model.hearing import Change, Outgoing

if TYPE_CHECKING:
    from engine.model.desk import Value
    from engine.model.draft import Decider
    from engine.model.facts import Release
    from engine.model.mail import RawMail

# ── the ledger ────────────────────────────────────────────────────────────────────────────────────────────────


class Named(NamedTuple):
    """The Message-ID of a mail, b"" without one, and those of the mails it answers; no angle brackets."""

    own: bytes = b""
    answers: tuple[bytes, ...] = ()


class Spooled(Struct, frozen=True):
    """A mail that this process has claimed. `row` is its number in the ledger, `mail` its public id.

    `seen_before`: these bytes were in this mailbox already; there is nothing to decide, only its mailbox action was
    planned again. `attempts` counts this one; `owner` is who holds the claim. `raw_row` and `mode` are for commit:
    where the bytes are; `update` to change what an earlier generation made, `quiet` to send nothing.
    """

    row: int
    mail: str
    generation: int
    attempts: int
    raw: RawMail
    release: Release | None
    seen_before: bool
    received_at: datetime
    owner: str = ""
    raw_row: int = 0
    mode: str = ""
    named: Named = Named()


class Undecided(NamedTuple):
    """A mail that is not decided yet. `elsewhere`: another process has it in hand and lives.

    It waits until `next_at`, if that is to come.
    """

    row: int
    mail: str
    elsewhere: bool
    next_at: datetime


class Claimed(NamedTuple):
    """What a claim took: mails to work on, and those that it gave up because each attempt had ended in a crash."""

    mails: list[Spooled]
    crashed: list[Spooled]


class Waiting(Struct, frozen=True):
    """Mails of a mailbox that wait for the same reason; the first of them is due at `until`."""

    mails: int
    code: str
    because: str
    until: datetime


class HeldSince(NamedTuple):
    """When the newest mail that is held was decided, None where only mail of ours is; since when the oldest waits."""

    newest: datetime | None
    oldest: datetime


# ── mailboxes ─────────────────────────────────────────────────────────────────────────────────────────────────


class Sorted(NamedTuple):
    """Keys of a listing: `unknown` ones, and those `back` of mails that were moved away or deleted, in their order.

    A key that is back names a mail somebody put back, or another one if the server started its numbers anew.
    """

    unknown: list[str]
    back: list[str]


class MailboxState(Struct, frozen=True):
    """How a mailbox fares. `failures` counts the passes since it last worked; `holder` is who works on it now.

    `withheld` are the keys of messages that were listed and could not be fetched when they were last asked for;
    `left_alone` mails are older than the time that the mailbox is read from. `retry_at` is when it may be tried again.
    """

    name: str
    ok_at: datetime | None
    failures: int
    failing_since: datetime | None
    failed_at: datetime | None
    code: str
    sentence: str
    paused: str
    holder: str
    epoch: str
    withheld: tuple[str, ...] = ()
    left_alone: int = 0
    older_than: datetime | None = None
    retry_at: datetime | None = None


class Standing(Struct, frozen=True):
    """How the next pass finds a mailbox. `retry_at` is when it may be tried again, None where nothing keeps it.

    `refused` are the times of late at which its login was refused, `settings` the digest of what it was tried with when
    it failed last. `faulty` are the mails, by their numbers in the ledger and once for each attempt, that broke the
    machine one after the other, all by the same `fault`.
    """

    paused: str = ""
    failures: int = 0
    failing_since: datetime | None = None
    code: str = ""
    sentence: str = ""
    retry_at: datetime | None = None
    refused: tuple[datetime, ...] = ()
    settings: str = ""
    fault: str = ""
    faulty: tuple[int, ...] = ()


class Taken(Struct, frozen=True):
    """A mailbox that was taken up, as it was found then: what stands here is not asked again.

    `owner` has its lease, "" where it pauses and was left alone. `epoch`, `uidnext` and `epochs` are what is known of
    its numbers, `aside` the messages that broke a session, as they are stored. Mails of it `wait` to be decided or are
    in hand, something `is_planned` there, mail lies there that `is_old`. It is due again at `held_until` by itself, as
    it is stored; 0 where it was not taken up because it was due.
    """

    name: str
    number: int
    owner: str
    standing: Standing
    epoch: str = ""
    uidnext: int = 0
    epochs: int = 0
    aside: str = ""
    wait: bool = True
    is_planned: bool = True
    is_old: bool = True
    held_until: int = 0


class Visited(Struct, frozen=True):
    """How the work on a mailbox ended: when it had been read, None where it was not, and when it is due next.

    None leaves that as it is; so does whoever let it be due sooner meanwhile.
    """

    taken: Taken
    worked_at: datetime | None = None
    next_at: datetime | None = None


class LeftAlone(Struct, frozen=True):
    """How many mails lie in a mailbox that are older than `since`; `keys` are those whose date cost a question."""

    since: datetime
    mails: int = 0
    keys: frozenset[str] = frozenset()


# ── the archive ───────────────────────────────────────────────────────────────────────────────────────────────


class MailRow(Struct, frozen=True):
    """A mail in a list. While it waits to be decided (again) its outcome is `deferred`; `topic` is that of a post.

    `waits_until` is when a waiting mail is due, None if the next pass takes it; while its mailbox pauses it waits for
    that, and code and `because` say so. `erased_at` is when its bytes were let go. `home` is the workspace of its
    newest receipt, "" for none; while it waits to be decided again that is the receipt of an earlier generation.
    """

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
    waits_until: datetime | None = None
    erased_at: datetime | None = None
    home: str = ""

    @property
    def purged_at(self) -> datetime | None:
        """When a person had the mail purged; None where only its bytes were let go in time."""
        told = self.sender or self.subject or self.recipients or self.message_id
        return None if told else self.erased_at


class Searched(Struct, frozen=True):
    """What a search found, and whether there is more.

    Where the time was over before all were looked at, `looked_to` is the first row that was, from which a search goes
    on, and `looked_since` when the oldest mail that may be seen came among those; else they are 0 and None.
    """

    mails: list[MailRow]
    more: bool = False
    looked_since: datetime | None = None
    looked_to: int = 0


class StoredMail(Struct, frozen=True):
    """A decided mail with its bytes, to be decided again for comparison."""

    mail: str
    generation: int
    received_at: datetime
    outcome: str
    raw: RawMail


class Backup(Struct, frozen=True):
    """A backup that was written: its size, and the names of the small files beside the database that are in it."""

    size_bytes: int
    files: tuple[str, ...] = ()


class Pruned(Struct, frozen=True):
    """What was let go: raw mails and their bytes, traces; and how many attachments and bodies were kept from them.

    `outbox` counts rows of the outbox.
    """

    mails: int = 0
    bytes: int = 0
    traces: int = 0
    kept: int = 0
    outbox: int = 0


class Recounted(Struct, frozen=True):
    """How many mails and decisions were counted anew, and of how many decisions no trace is kept any more."""

    mails: int
    decisions: int
    untraced: int


# ── items ─────────────────────────────────────────────────────────────────────────────────────────────────────


class ItemRow(Struct, frozen=True):
    """An item in a list. `author` is a login or an address.

    `sender` is `Name <address>` of who has no account, `sender_name` the name in it.
    """

    id: int
    workspace: str
    title: str
    type: str
    status: str
    priority: str
    assigned_to: str
    author: str
    created_at: datetime
    changed_at: datetime
    comments: int = 0
    attachments: int = 0
    sender: str = ""
    sender_name: str = ""
    merged_into: int = 0

    @property
    def writer(self) -> str:
        """Who wrote it, for people."""
        return self.sender or self.author

    @property
    def by(self) -> str:
        """Who wrote it, in a list: somebody without an account is a guest."""
        return f"{self.author} (guest)" if self.sender else self.author


class CommentView(Struct, frozen=True):
    """A comment with the mail it came with (its id, "" for none); `author` and `sender` as in `ItemRow`.

    A draft is `internal`, too.

    `subject` is that of the mail where it says something else than the item, else "".
    """

    id: int
    author: str
    text: str
    quoted: str
    internal: bool
    created_at: datetime
    mail: str = ""
    html: str = ""
    subject: str = ""
    sender: str = ""
    draft: bool = False

    @property
    def writer(self) -> str:
        """Who wrote it, for people."""
        return self.sender or self.author


class Begun(Struct, frozen=True):
    """What somebody is writing on an item and has not sent: as what it is meant, the words, when it was kept."""

    mode: str
    words: str
    at: datetime


class DraftRow(Struct, frozen=True):
    """A draft in a list: its number, its item, who wrote it (a login or an address), when, and the words."""

    id: int
    item: int
    workspace: str
    title: str
    author: str
    text: str
    created_at: datetime


class EventRow(Struct, frozen=True):
    """Something that happened. `actor` is a login or an address, "" the engine; `mail` or `act` is what did it.

    `detail` is all that is kept with it, `changes`, `code` and `because` included.
    """

    id: int
    at: datetime
    name: str
    actor: str
    via: str
    item: int
    topic: int
    comment: int
    workspace: str
    mail: str
    act: str
    changes: tuple[Change, ...] = ()
    code: str = ""
    because: str = ""
    detail: Mapping[str, Any] = {}


class AttachmentView(Struct, frozen=True):
    """An attachment; its bytes are `Items.blob(digest)`."""

    id: int
    name: str
    content_type: str
    size_bytes: int
    digest: str
    inline: bool
    content_id: str
    comment: int


class ItemView(Struct, frozen=True):
    """Everything about an item. `html` and that of comments is a reference for `Items.html`.

    `people` are logins with their roles, `copies` addresses without an account, with their names.
    """

    item: ItemRow
    text: str
    quoted: str
    html: str
    private: bool
    closed_at: datetime | None
    mail: str
    fields: tuple[tuple[str, Value], ...]
    labels: tuple[str, ...]
    people: tuple[tuple[str, str], ...]
    copies: tuple[tuple[str, str], ...]
    comments: tuple[CommentView, ...]
    attachments: tuple[AttachmentView, ...]


# ── people who are forgotten ──────────────────────────────────────────────────────────────────────────────────────


class Forgotten(Struct, frozen=True):
    """A person who was forgotten: what they were called, and of each table how many rows changed or went."""

    address: str
    login: str
    names: tuple[str, ...]
    counts: tuple[tuple[str, int], ...]


# ── topics ────────────────────────────────────────────────────────────────────────────────────────────────────────


class TopicRow(Struct, frozen=True):
    """A topic in a list; `changed_at` is when the newest post came, or the topic was made."""

    id: int
    workspace: str
    title: str
    locked: bool
    posts: int
    created_at: datetime
    changed_at: datetime


class PostView(Struct, frozen=True):
    """A post below a topic; `author` is a login or an address, `sender` a stranger with name and address."""

    id: int
    author: str
    title: str
    text: str
    quoted: str
    created_at: datetime
    mail: str
    html: str
    sender: str = ""

    @property
    def writer(self) -> str:
        """Who wrote it, for people: a stranger by name and address, else the login."""
        return self.sender or self.author


class TopicView(Struct, frozen=True):
    """Everything about a topic; the `comment` of an attachment is the post that brought it."""

    topic: TopicRow
    posts: tuple[PostView, ...]
    attachments: tuple[AttachmentView, ...]


# ── the outbox ────────────────────────────────────────────────────────────────────────────────────────────────


class OutboxRow(Struct, frozen=True):
    """Something to be sent, claimed, with what it is composed of.

    `key` stays the same however often it is tried. `attempts` counts this one. `content` are the bytes of the first
    attempt, b"" before it. `queued_at` is when a person had it sent after all.
    """

    id: int
    key: str
    kind: Kind
    event: str
    told: Outgoing
    mail: str
    generation: int
    item: int
    topic: int
    message_id: str
    attempts: int
    language: str
    account: int
    created_at: datetime
    address_key: str = ""
    content: bytes = b""
    queued_at: datetime | None = None

    @property
    def waits_since(self) -> datetime:
        """When it began to wait for its way out: what is older than a limit is given up."""
        return self.queued_at or self.created_at

    @property
    def automatic(self) -> bool:
        """Tell whether it is sent at most once."""
        return self.kind is Kind.AUTO


class OutboxLine(Struct, frozen=True):
    """A row of the outbox in a list: somebody who was considered, and what became of it.

    `to` is an address, or the name of a webhook; `login` that of an account, "" without one. `said` is what a server
    said last, or more of why not; `waits_until` is when a row is due that waits. `subject` is that of the mail, ""
    before it was composed. `sent_in` is the row that carries it, 0 for none; its state is that of this row, then.
    """

    id: int
    state: str
    kind: Kind
    event: str
    to: str
    login: str
    name: str
    parts: tuple[str, ...]
    inside: bool
    item: int
    topic: int
    mail: str
    act: str
    title: str
    why: str
    said: str
    attempts: int
    created_at: datetime
    tried_at: datetime | None
    waits_until: datetime | None
    message_id: str
    template: str = ""
    subject: str = ""
    sent_in: int = 0
    workspace: str = ""


class Queued(NamedTuple):
    """How many rows wait to be sent or are being sent, and since when the first of them does."""

    rows: int = 0
    oldest: datetime | None = None


class TroubledAddress(Struct, frozen=True):
    """An address that our mail does not reach, or that is left alone. `state` is suspended, failing or muted.

    `failures` counts what came back or was refused in a row, `said` is the last of it, or why it is muted; `item` is
    the only item about which it is muted, 0 for all. `until` is when that ends, None where a person ends it.
    """

    address: str
    state: str
    failures: int = 0
    said: str = ""
    item: int = 0
    since: datetime | None = None
    until: datetime | None = None


class Attending(NamedTuple):
    """A worker that lives: which process on which host, and since when it is connected."""

    name: str
    since: datetime


class Trouble(Struct, frozen=True):
    """Something that does not work: what was said of it last, since when, and when it was last told aloud.

    `refused` are the times of the refused logins of the last hour, `settings` is the digest of what was tried last.
    """

    name: str
    said: str
    since: datetime
    told_at: datetime | None = None
    refused: tuple[datetime, ...] = ()
    settings: str = ""


NO_WAY_OUT = "smtp"
"""The trouble that mail does not go out."""


NO_ROOM = "disk.low"
"""The code of a mailbox that is not read, and the trouble, where there is too little room on the disk."""

REFUSED = "source.login_refused"
"""The code of a mailbox whose server refuses the login."""

BROKEN = "mailbox.broken"
"""The code of a mailbox that pauses because the machine breaks on mail after mail."""

PAUSED = "mailbox.paused"
"""The code of a mailbox that somebody paused."""


def pauses(standing: Standing) -> bool:
    """Tell whether a mailbox is neither read nor decided, by hand or because the machine is broken."""
    return bool(standing.paused) or standing.code == BROKEN


def unread(mailbox: str) -> str:
    """Name the trouble that a mailbox cannot be read."""
    return f"mailbox {mailbox}"


def failure(mailbox: str, code: str) -> str:
    """Name the trouble behind a mailbox that could not be read: one disk is one, however many mailboxes wait for it."""
    return NO_ROOM if code == NO_ROOM else unread(mailbox)


def stuck(mailbox: str) -> str:
    """Name the trouble that mail of a mailbox waits for something of ours."""
    return f"waits {mailbox}"


def missing(directory: str) -> str:
    """Name the trouble that a directory cannot be asked."""
    return f"directory {directory}"


def keyless(key: str) -> str:
    """Name the trouble that a key of [http] cannot be had."""
    return f"http key {key}"


def silent(mailbox: str) -> str:
    """Name the trouble that no mail comes to a mailbox."""
    return f"silent {mailbox}"


class SentFile(Struct, frozen=True):
    """A file that goes along with the words it came with; its bytes are `Items.blob(digest)`.

    `content_id` is how the HTML of the words names it, "" for a file that stands beside them.
    """

    name: str
    content_type: str
    size_bytes: int
    digest: str
    content_id: str = ""


class OutboxContext(Struct, frozen=True):
    """What a row is about, as far as it is known: the mail that is answered, the item, its words.

    `subject` to `name` are of the mail; `name` is that of its writer. `text` are the words of the comment, the post or
    the item, `files` came with them; `html` refers to the HTML they came as, `pictures` may stand in it. `quoted` were
    the last public words before of who gets it, of nobody else, by `quoted_from` at `quoted_at`.
    `first_id` is the Message-ID of the mail that made the item, `last_id` that of the last one this recipient wrote,
    `language` that of who asked. `signature` is that of the person inside whose words they are, "" without one of their
    own. `merged_into` is the item that it was merged into, where its words stand now.
    """

    mail: str = ""
    mailbox: str = ""
    subject: str = ""
    message_id: str = ""
    references: tuple[str, ...] = ()
    sender: str = ""
    received_at: datetime | None = None
    item: int = 0
    topic: int = 0
    title: str = ""
    workspace: str = ""
    name: str = ""
    status: str = ""
    type: str = ""
    priority: str = ""
    assigned_to: str = ""
    requester: str = ""
    requester_address: str = ""
    opened_at: datetime | None = None
    text: str = ""
    files: tuple[SentFile, ...] = ()
    quoted: str = ""
    quoted_from: str = ""
    quoted_at: datetime | None = None
    first_id: str = ""
    last_id: str = ""
    html: str = ""
    pictures: tuple[SentFile, ...] = ()
    signature: str = ""
    language: str = ""
    merged_into: int = 0
