"""Tables of people and of the places where items live.

Here: accounts, addresses, groups, roles, workspaces, members, fields. Not here: what anybody may do (`directory.py`).
Invariant: a `key` is the form in which names (case-folded) and addresses (`model/addresses.py`) compare.
"""

from __future__ import annotations

from peewee import SQL, AutoField, BigIntegerField, CompositeKey, TextField

from engine.store.tables import column
from engine.store.tables.column import Table


class Account(Table):
    id = AutoField()
    login = TextField(unique=True)
    name = column.text()
    name_key = column.text(index=True)
    status = column.text("active")
    language = column.text()
    admin = column.flag()
    created_at = column.number()


class Email(Table):
    key = TextField(primary_key=True)
    address = TextField()
    account = column.to(Account, index=True)
    position = column.number()

    class Meta:
        without_rowid = True


class AccountGroup(Table):
    id = AutoField()
    key = TextField(unique=True)
    name = TextField()


class Membership(Table):
    account = column.to(Account)
    group = column.to(AccountGroup, index=True)

    class Meta:
        primary_key = CompositeKey("account", "group")
        without_rowid = True


class Role(Table):
    id = AutoField()
    key = TextField(unique=True)
    name = TextField()
    permissions = column.text("[]")


class Workspace(Table):
    id = AutoField()
    identifier = TextField(unique=True)
    name = column.text()
    status = column.text("active")
    public = column.flag(True)
    parent = column.text()
    lists = column.text("{}")


class Member(Table):
    id = AutoField()
    workspace = column.to(Workspace)
    account = column.to(Account, null=True, index=True)
    group = column.to(AccountGroup, null=True, index=True)
    role = column.to(Role)

    class Meta:
        indexes = ((("workspace", "account", "group", "role"), True),)


class FieldName(Table):
    id = AutoField()
    key = TextField(unique=True)
    name = TextField()
    kind = column.text("text")
    definition = column.text("{}")
    defined = column.flag()

    class Meta:
        table_name = "field"


class Preference(Table):
    """What somebody wants to hear; one of a workspace wins over one of none (workspace "")."""

    account = column.to(Account)
    workspace = TextField()
    key = TextField()
    value = TextField()

    class Meta:
        primary_key = CompositeKey("account", "workspace", "key")
        without_rowid = True


class ListedAddress(Table):
    """What a directory said of an address, and when; it is asked again when that is too old."""

    directory = TextField()
    address_key = TextField()
    at = BigIntegerField(constraints=[SQL("DEFAULT 0")], default=0, index=True)
    answer = TextField()

    class Meta:
        table_name = "listed"
        primary_key = CompositeKey("directory", "address_key")
        without_rowid = True


class Turn(Table):
    """Who of a group had the last item that was given out by turn; `name` is the group's key."""

    name = TextField(primary_key=True)
    account = column.number()

    class Meta:
        without_rowid = True
