"""Tables of who is let in: passwords, sessions, tokens, and tries that failed.

Here: what proves a secret, never one. Not here: accounts (`people.py`), what anybody may do (`directory.py`).
Invariant: each row is about one account, and goes with it; a failure may be about none (account 0).
"""

from __future__ import annotations

from peewee import AutoField, BigIntegerField, CompositeKey, ForeignKeyField, TextField

from engine.store.tables import column
from engine.store.tables.column import Table
from engine.store.tables.people import Account


class Credential(Table):
    account = ForeignKeyField(Account, primary_key=True, backref="+")
    hash = TextField()
    set_at = BigIntegerField()
    set_by = column.text()


class Session(Table):
    """Somebody who is in; `hash` is that of the cookie."""

    hash = TextField(primary_key=True)
    account = column.to(Account, index=True)
    csrf = TextField()
    made_at = BigIntegerField()
    seen_at = BigIntegerField()
    sudo_at = column.number()
    ip = column.text()
    agent = column.text()

    class Meta:
        without_rowid = True


class KnownNetwork(Table):
    """Where an account signed in last from; it does not wait there for the failures of others."""

    account = column.to(Account)
    network = TextField()
    at = BigIntegerField()

    class Meta:
        primary_key = CompositeKey("account", "network")
        without_rowid = True


class LoginFailure(Table):
    """A try that failed, or is under way; `who` is a digest of what was typed, be it anybody or not."""

    id = AutoField()
    who = TextField()
    account = column.number()
    network = column.text()
    at = BigIntegerField(index=True)

    class Meta:
        indexes = ((("who", "at"), False), (("network", "at"), False))


class Token(Table):
    """What lets a program in until it expires."""

    hash = TextField(primary_key=True)
    account = column.to(Account, index=True)
    name = TextField()
    made_at = BigIntegerField()
    expires_at = BigIntegerField()
    used_at = column.number()

    class Meta:
        without_rowid = True
