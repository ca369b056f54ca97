"""An account that is let in no more: what let it in goes.

Here: its sessions and tokens where it is locked, all of it and its drafts where the account is removed or forgotten.
Not here: letting in (`access.py`). Invariant: each is done within the transaction that changes the account.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from engine.model.desk import AccountStatus
from engine.store import tables

if TYPE_CHECKING:
    from engine.store.database import Database


def sign_off(database: Database, account: int, status: Any) -> None:
    """End the sessions and tokens of an account that gets this status, unless it is active or no other one (None)."""
    if status not in (None, AccountStatus.ACTIVE):
        for table in (tables.Session, tables.Token):
            database.do(table.delete().where(table.account == account))


def let_out(database: Database, account: int) -> dict[str, int]:
    """Delete all that lets an account in, and what it was writing; tells how many rows of which table."""
    gone = {}
    begun = tables.RuleDraft, tables.BegunWords
    theirs = tables.Credential, tables.Session, tables.KnownNetwork, tables.LoginFailure, tables.Token, *begun
    for table in theirs:
        if rows := database.do(table.delete().where(table.account == account)):
            gone[table._meta.table_name] = rows
    return gone
