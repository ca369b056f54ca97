"""What the help desk has: accounts, items and topics, and the lists that their fields choose from.

Here: what a decision needs to know of them, as frozen data. Not here: how they are stored (`store/`).
"""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct

from engine.model.words import Stored

Value = str | int | float | bool | None | tuple[str, ...]
"""What a field of an item may hold; dates are ISO strings, lists are tuples of text."""

GROUP = "group:"
"""Before the name of a group where a field may hold a person or a group."""

TURN = "turn:"
"""Before the name of a group whose people take turns: who is next is found when it is committed."""

LEGAL_HOLD = "legal-hold"
"""The label, in capitals or not, of items that nobody may delete and in which nobody is forgotten."""


class AccountStatus(Stored):
    """What an account may be. Who is registered has not yet finished signing up; a guest stands for strangers."""

    ACTIVE = "active"
    REGISTERED = "registered"
    LOCKED = "locked"
    GUEST = "guest"


class Account(Struct, frozen=True):
    """A person with an account here."""

    id: int
    login: str
    name: str
    emails: tuple[str, ...] = ()
    status: AccountStatus = AccountStatus.ACTIVE
    groups: tuple[str, ...] = ()
    language: str = ""
    admin: bool = False


class Kind(Stored):
    """What a reply can answer."""

    ITEM = "item"
    TOPIC = "topic"


class ItemFacts(Struct, frozen=True):
    """The item (or topic) as a decision needs to know it.

    `people` have to do with it, by login and address; `answered` of them are who opened it, is copied on it, reads or
    edits it, or wrote on it: the answers go to them. `authorised` are the addresses that a person let reply.
    `merged_into` is the item that it leads to, 0 for none; a decision never sees one that leads elsewhere.
    `attachment_digests` are those of files that everybody on it sees, `internal_digests` those of notes and drafts.
    """

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
    answered: tuple[str, ...] = ()
    authorised: tuple[str, ...] = ()
    attachment_digests: tuple[str, ...] = ()
    merged_into: int = 0
    internal_digests: tuple[str, ...] = ()


class Status(Struct, frozen=True, omit_defaults=True):
    """A status an item may have; `closed` ends the work."""

    name: str
    closed: bool = False


class CustomField(Struct, frozen=True, omit_defaults=True):
    """A field an admin added. `kind` is text, long_text, int, float, bool, date, list, user or version."""

    name: str
    kind: str = "text"
    values: tuple[str, ...] = ()
    multiple: bool = False
    types: tuple[str, ...] = ()
    required: bool = False
    default: Value = None


class WorkspaceStatus(Stored):
    """What a workspace may be; only an active one takes mail."""

    ACTIVE = "active"
    CLOSED = "closed"
    ARCHIVED = "archived"


class Catalog(Struct, frozen=True, omit_defaults=True):
    """What a workspace offers: the lists that fields choose from."""

    workspace: str
    name: str = ""
    status: WorkspaceStatus = WorkspaceStatus.ACTIVE
    public: bool = True
    modules: tuple[str, ...] = ("items",)
    types: tuple[str, ...] = ("Task",)
    statuses: tuple[Status, ...] = (Status("New"), Status("In progress"), Status("Closed", True))
    priorities: tuple[str, ...] = ("Low", "Normal", "High", "Urgent")
    categories: tuple[str, ...] = ()
    versions: tuple[str, ...] = ()
    fields: tuple[CustomField, ...] = ()
