"""The tables: what the database holds, one class each.

Here: the list of all tables and what can be asked about one. Not here: queries, and what the columns mean in words
(docs/store.md describes every table; a test checks that). A change of a table needs a step in `migrations.py`.
Invariant: times are microseconds since 1970 in UTC, 0 for none; lists and objects are JSON text.
"""

from __future__ import annotations

from typing import Any

from peewee import Field

from engine.store.tables.column import Table
from engine.store.tables.items import (
    Attachment,
    Blob,
    Comment,
    Item,
    ItemField,
    ItemLabel,
    ItemPerson,
    Post,
    Topic,
)  # fmt: skip
from engine.store.tables.mail import (
    Effect,
    Inbound,
    Mailbox,
    Outbox,
    Presentation,
    RawMail,
    Receipt,
    RuleText,
    SchemaVersion,
)  # fmt: skip
from engine.store.tables.people import (
    Account,
    AccountGroup,
    Email,
    FieldName,
    Member,
    Membership,
    Role,
    Workspace,
)  # fmt: skip

__all__ = [  # noqa: RUF022
    "TABLES", "columns", "name_of",
    "Account", "AccountGroup", "Attachment", "Blob", "Comment", "Effect", "Email", "FieldName", "Inbound",
    "Item", "ItemField", "ItemLabel", "ItemPerson", "Mailbox", "Member", "Membership", "Outbox", "Post",
    "Presentation", "RawMail", "Receipt", "Role", "RuleText", "SchemaVersion", "Table", "Topic", "Workspace",
]  # fmt: skip

TABLES: tuple[type[Table], ...] = (
    Account, Email, AccountGroup, Membership, Role, Workspace, Member, FieldName, Mailbox, RawMail, Inbound,
    Presentation, Blob, Item, ItemField, ItemLabel, ItemPerson, Comment, Topic, Post, Attachment, Receipt, Effect,
    Outbox, RuleText, SchemaVersion,
)  # fmt: skip
"""Every table, parents before children."""


def name_of(table: type[Table]) -> str:
    """Give the name of a table in the database."""
    return str(table._meta.table_name)


def columns(table: type[Table], *without: str) -> tuple[str, ...]:
    """Give the names of a table's columns in order, except those named."""
    fields: list[Field[Any]] = table._meta.sorted_fields
    return tuple(field.column_name for field in fields if field.column_name not in without)
