"""All tables, and the words of peewee that queries are written with: what `engine.store.tables` gives when it is asked.

Here: the list of all tables and what can be asked about one. Not here: the tables (`people.py`, `access.py`,
`mail.py`, `counts.py`, `rules.py`, `items.py`).
Invariant: parents stand before children.
"""

from __future__ import annotations

from typing import Any

from peewee import EXCLUDED, JOIN, SQL, Case, Field, Value, fn

from engine.store.tables.access import Credential, KnownNetwork, LoginFailure, Session, Token
from engine.store.tables.column import Table
from engine.store.tables.counts import Measure, RuleHit, Sender, Tally
from engine.store.tables.items import (
    Attachment,
    BegunWords,
    Blob,
    Comment,
    ImportedMarker,
    Item,
    ItemCopy,
    ItemField,
    ItemLabel,
    ItemPerson,
    Numbering,
    Post,
    Topic,
)  # fmt: skip
from engine.store.tables.mail import (
    Act,
    AddressState,
    Effect,
    Event,
    Inbound,
    LeftAlone,
    Mailbox,
    Mute,
    Outbox,
    Presentation,
    RawMail,
    Receipt,
    SchemaVersion,
    Trace,
    Trail,
    Trouble,
)  # fmt: skip
from engine.store.tables.people import (
    Account,
    AccountGroup,
    Email,
    FieldName,
    ListedAddress,
    Member,
    Membership,
    Preference,
    Role,
    Turn,
    Workspace,
)  # fmt: skip
from engine.store.tables.rules import RuleDraft, RuleText, RuleVersion

__all__ = [  # noqa: RUF022
    "EXCLUDED", "JOIN", "SQL", "TABLES", "Case", "Value", "columns", "fn",
    "Account", "AccountGroup", "Act", "AddressState", "Attachment", "BegunWords", "Blob", "Comment", "Credential",
    "Effect", "Email", "Event", "FieldName", "ImportedMarker", "Inbound", "Item", "ItemCopy", "ItemField", "ItemLabel",
    "ItemPerson",
    "KnownNetwork", "LeftAlone", "ListedAddress", "LoginFailure", "Mailbox", "Measure", "Member", "Membership", "Mute",
    "Numbering", "Outbox", "Post", "Preference", "Presentation", "RawMail", "Receipt", "Role", "RuleDraft", "RuleHit",
    "RuleText", "RuleVersion", "SchemaVersion",
    "Sender", "Session", "Table", "Tally", "Token", "Topic", "Trace", "Trail", "Trouble", "Turn",
    "Workspace",
]  # fmt: skip

TABLES: tuple[type[Table], ...] = (
    Account, Email, AccountGroup, Membership, Role, Workspace, Member, Preference, Credential, Session, KnownNetwork,
    LoginFailure, Token, Turn, FieldName, Mailbox, LeftAlone, ListedAddress, RawMail, Inbound, Presentation, Blob,
    Item, Numbering, ImportedMarker, ItemField, ItemLabel, ItemPerson, ItemCopy,
    Comment, Topic, Post, Attachment, Receipt, Trace, Tally, RuleHit, Sender, Measure, Effect, Act, Event, Outbox,
    AddressState, Mute, Trouble, Trail, RuleText, RuleVersion, RuleDraft, BegunWords, SchemaVersion,
)  # fmt: skip
"""Every table, parents before children."""


def columns(table: type[Table], *without: str) -> tuple[str, ...]:
    """Give the names of a table's columns in order, except those named."""
    fields: list[Field[Any]] = table._meta.sorted_fields
    return tuple(field.column_name for field in fields if field.column_name not in without)
