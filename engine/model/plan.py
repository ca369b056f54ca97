"""What is to be done about a mail, and what happened to it.

Here: effects, plans, outcomes and receipts as frozen data. Not here: doing it (`store/`, `outbox/`).
Invariant: a new item or user is referred to symbolically; ids are put in at commit.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from msgspec import Struct

from engine.model.desk import Value
from engine.model.draft import Decider, Disposition, NewUser, Role
from engine.model.mail import Attachment, Part
from engine.model.words import Stored


class CreateUser(Struct, frozen=True):
    """An account to make; later effects name it by address."""

    user: NewUser


class CreateItem(Struct, frozen=True):
    """The item to make, all fields in it. `author` is a login, or an address of a CreateUser before it."""

    workspace: str
    title: str
    text: str
    author: str
    fields: tuple[tuple[str, Value], ...] = ()
    quoted: str = ""
    html_part: Part | None = None
    private: bool = False


class AddComment(Struct, frozen=True):
    """A comment on an item; `internal` makes it a note that only staff sees."""

    item: int
    text: str
    author: str
    internal: bool = False
    quoted: str = ""
    html_part: Part | None = None


class PostToTopic(Struct, frozen=True):
    """A post below a topic."""

    topic: int
    text: str
    author: str
    title: str = ""
    quoted: str = ""
    html_part: Part | None = None


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


class Attach(Struct, frozen=True):
    """An attachment joins the item; its bytes stay in the raw mail until that is purged."""

    item: int
    attachment: Attachment


class Letter(Stored):
    """What a mail that goes out is for."""

    ACK = "ack"
    COMMENT_ACK = "comment_ack"
    REJECTED = "rejected"
    HELD = "held"
    REPORT = "report"
    FORWARD = "forward"
    NOTIFY = "notify"
    ACCOUNT = "account"


class SendMail(Struct, frozen=True):
    """A mail for the outbox, as data: composed when it is delivered.

    `automatic` mail goes out at most once and with a null reverse-path, the rest at least once. `reason` is the
    sentence that rejected or held.
    """

    kind: Letter
    template: str
    to: tuple[str, ...]
    language: str = ""
    reason: str = ""
    text: str = ""
    automatic: bool = True
    item: int = 0


class CallWebhook(Struct, frozen=True):
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


class Done(Stored):
    """What an effect is called where it is stored."""

    CREATE_USER = "CreateUser"
    CREATE_ITEM = "CreateItem"
    ADD_COMMENT = "AddComment"
    POST_TO_TOPIC = "PostToTopic"
    SET_FIELD = "SetField"
    ADD_LABEL = "AddLabel"
    ADD_PERSON = "AddPerson"
    ATTACH = "Attach"
    SEND_MAIL = "SendMail"
    CALL_WEBHOOK = "CallWebhook"


DONE: Mapping[type[Effect], Done] = {
    CreateUser: Done.CREATE_USER,
    CreateItem: Done.CREATE_ITEM,
    AddComment: Done.ADD_COMMENT,
    PostToTopic: Done.POST_TO_TOPIC,
    SetField: Done.SET_FIELD,
    AddLabel: Done.ADD_LABEL,
    AddPerson: Done.ADD_PERSON,
    Attach: Done.ATTACH,
    SendMail: Done.SEND_MAIL,
    CallWebhook: Done.CALL_WEBHOOK,
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
