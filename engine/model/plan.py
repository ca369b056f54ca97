"""What is to be done about a mail, and what happened to it.

Here: effects, plans, outcomes and receipts as frozen data. Not here: doing it (`store/`, `outbox/`).
Invariant: a new item or user is referred to symbolically; ids are put in at commit.
Over 300 lines: a class for each effect.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum

from msgspec import Struct

from engine.model.desk import Value
from engine.model.draft import Decider, Disposition, NewUser, Role
from engine.model.events import Why
from engine.model.facts import Auto
from engine.model.mail import Address, Attachment, Part
from engine.model.words import Stored


class CreateUser(Struct, frozen=True):
    """An account to make; later effects name it by address."""

    user: NewUser


class CreateItem(Struct, frozen=True):
    """The item to make, all fields in it. `author` is a login, or an address of a CreateUser before it.

    `language` is that of who wrote it.
    """

    workspace: str
    title: str
    text: str
    author: str
    fields: tuple[tuple[str, Value], ...] = ()
    quoted: str = ""
    html_part: Part | None = None
    private: bool = False
    language: str = ""


class AddComment(Struct, frozen=True):
    """A comment on an item; `internal` makes it a note that only staff sees, `draft` one that waits to be sent."""

    item: int
    text: str
    author: str
    internal: bool = False
    quoted: str = ""
    html_part: Part | None = None
    draft: bool = False


class PostToTopic(Struct, frozen=True):
    """A post below a topic."""

    topic: int
    text: str
    author: str
    title: str = ""
    quoted: str = ""
    html_part: Part | None = None


class LockTopic(Struct, frozen=True):
    """A topic takes no posts any more, or takes them again."""

    topic: int
    locked: bool


class SetField(Struct, frozen=True):
    """A field of the existing item changes."""

    item: int
    name: str
    value: Value


class AddLabel(Struct, frozen=True):
    """A label on the item; `item` 0 means the one made by this plan."""

    item: int
    label: str


class AddPerson(Struct, frozen=True):
    """Somebody becomes editor, reader or watcher; `person` is a login or the address of a CreateUser."""

    item: int
    person: str
    role: Role


class DropLabel(Struct, frozen=True):
    """A label comes off the item."""

    item: int
    label: str


class DropPerson(Struct, frozen=True):
    """Somebody has no role on the item any more."""

    item: int
    person: str


class Publish(Struct, frozen=True):
    """A note becomes a comment that everybody on the item sees.

    With `authorise` its author joins as a reader and may reply from then on; `by` is who said so.
    """

    item: int
    note: int
    by: str
    authorise: bool = False


class SendDraft(Struct, frozen=True):
    """A draft becomes a comment, the newest of the item, by whoever sends it."""

    item: int
    draft: int
    by: str


class EditWords(Struct, frozen=True):
    """The words of a note or a draft become others; what was said in public stays as it is."""

    item: int
    comment: int
    text: str


class DropDraft(Struct, frozen=True):
    """A draft is gone with its files."""

    item: int
    draft: int


class MergeItem(Struct, frozen=True):
    """What an item holds joins another one; it is closed with `status`, and what names it leads there."""

    item: int
    into: int
    status: str = ""


class DeleteItem(Struct, frozen=True):
    """An item is gone with all that hangs on it, once those who hear of it are told; its number never comes back."""

    item: int


class SetCopies(Struct, frozen=True):
    """Who stood in To and Cc of a mail of the requester; those without an account hear the answers."""

    item: int
    copies: tuple[Address, ...]


class Unsubscribe(Struct, frozen=True):
    """Whom a row of the outbox went to wants no more notices of its kind."""

    row: int


class CameBack(Struct, frozen=True):
    """A mail of ours was not delivered: a report says so, which names our Message-ID (RFC 3464)."""

    message_id: str
    status: str = ""
    diagnostic: str = ""


class Attach(Struct, frozen=True):
    """An attachment joins the item; its bytes stay in the raw mail until that is purged."""

    item: int
    attachment: Attachment


class Tell(Struct, frozen=True):
    """How people are to be told of what a plan or an act does; who they are is found when it is committed.

    `event` is what became of a mail that changed nothing, "" where the effects say what happened. `answer_to` is where
    an automatic answer goes, `unanswerable` why no machine may answer. `template` and `text` are those of that answer,
    `no_answer` why there is none, `ordered` that a rule wants one, whatever happened. `because` and `code` are the
    sentence and the reason code of a refusal, a hold or a report, `told` is the sentence for the sender, `report` tells
    that admins hear of it. `named` are people that rules notify, `forwards` addresses that get the mail itself,
    `copied` the keys of the addresses in To and Cc. `account`: an account was made for the sender, who hears of it.
    `machine` is the kind of mail where a machine wrote it, `quiet` is why nobody at all is told, `arrived_at` when the
    mail reached our servers, `since` since when a mailbox or the way out is away. `proven`: whoever wrote it was sent
    something of ours about it, `personal`: and nobody else was; the words of somebody inside leave for others only
    then.
    """

    event: str = ""
    answer_to: str = ""
    unanswerable: str = ""
    language: str = ""
    template: str = ""
    text: str = ""
    no_answer: Why | None = None
    because: str = ""
    told: str = ""
    code: str = ""
    report: bool = False
    named: tuple[str, ...] = ()
    forwards: tuple[str, ...] = ()
    copied: tuple[str, ...] = ()
    account: bool = False
    machine: Auto | None = None
    proven: bool = True
    personal: bool = True
    quiet: Why | None = None
    arrived_at: datetime | None = None
    ordered: bool = False
    since: datetime | None = None


Effect = (
    CreateUser
    | CreateItem
    | AddComment
    | PostToTopic
    | LockTopic
    | SetField
    | AddLabel
    | AddPerson
    | Attach
    | DropLabel
    | DropPerson
    | Publish
    | SendDraft
    | EditWords
    | DropDraft
    | MergeItem
    | DeleteItem
    | SetCopies
    | CameBack
    | Unsubscribe
    | Tell
)


class Done(Stored):
    """What an effect is called where it is stored; the last two are of releases before events."""

    CREATE_USER = "CreateUser"
    CREATE_ITEM = "CreateItem"
    ADD_COMMENT = "AddComment"
    POST_TO_TOPIC = "PostToTopic"
    LOCK_TOPIC = "LockTopic"
    SET_FIELD = "SetField"
    ADD_LABEL = "AddLabel"
    ADD_PERSON = "AddPerson"
    ATTACH = "Attach"
    DROP_LABEL = "DropLabel"
    DROP_PERSON = "DropPerson"
    PUBLISH = "Publish"
    SEND_DRAFT = "SendDraft"
    EDIT_WORDS = "EditWords"
    DROP_DRAFT = "DropDraft"
    MERGE_ITEM = "MergeItem"
    DELETE_ITEM = "DeleteItem"
    SET_COPIES = "SetCopies"
    CAME_BACK = "CameBack"
    UNSUBSCRIBE = "Unsubscribe"
    TELL = "Tell"
    SEND_MAIL = "SendMail"
    CALL_WEBHOOK = "CallWebhook"


DONE: Mapping[type[Effect], Done] = {
    CreateUser: Done.CREATE_USER,
    CreateItem: Done.CREATE_ITEM,
    AddComment: Done.ADD_COMMENT,
    PostToTopic: Done.POST_TO_TOPIC,
    LockTopic: Done.LOCK_TOPIC,
    SetField: Done.SET_FIELD,
    AddLabel: Done.ADD_LABEL,
    AddPerson: Done.ADD_PERSON,
    Attach: Done.ATTACH,
    DropLabel: Done.DROP_LABEL,
    DropPerson: Done.DROP_PERSON,
    Publish: Done.PUBLISH,
    SendDraft: Done.SEND_DRAFT,
    EditWords: Done.EDIT_WORDS,
    DropDraft: Done.DROP_DRAFT,
    MergeItem: Done.MERGE_ITEM,
    DeleteItem: Done.DELETE_ITEM,
    SetCopies: Done.SET_COPIES,
    CameBack: Done.CAME_BACK,
    Unsubscribe: Done.UNSUBSCRIBE,
    Tell: Done.TELL,
}
"""The name of every effect in traces; a class may be renamed, its name there never."""


class Settle(StrEnum):
    """Which folder setting the mailbox action follows after commit."""

    SUCCESS = "success"
    FAILURE = "failure"
    HOLD = "hold"
    NOTHING = "nothing"


class Outcome(Stored):
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


class Plan(Struct, frozen=True):
    """What commit carries out."""

    disposition: Disposition
    outcome: Outcome
    workspace: str
    effects: tuple[Effect, ...] = ()
    settle: Settle = Settle.SUCCESS
    item: int = 0


class Receipt(Struct, frozen=True):
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
