"""Whether who was told may read it still, when it goes out: a row may have waited for days.

Here: the one question. Not here: who is told (`decision/hearing.py`). Invariant: rights only end a row, never widen it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.model.addresses import bare
from engine.model.desk import GROUP

if TYPE_CHECKING:
    from engine.config import Config
    from engine.model.stored import OutboxContext, OutboxRow
    from engine.store.store import Store


def may_read(row: OutboxRow, about: OutboxContext, store: Store, config: Config) -> bool:
    """Tell whether who worked there when it was written does so still: a row about an item may have waited for days."""
    account = store.directory.account_by_id(row.account) if row.account else None
    if account is None or not (row.told.inside and about.item) or account.admin:
        return True
    place, assigned_to = about.workspace, about.assigned_to
    if about.merged_into:  # its words stand there now
        facts = store.items.item(about.merged_into)
        if facts is None:
            return False
        place, assigned_to = facts.workspace, str(dict(facts.fields).get("assigned_to") or "")
    workspace = config.workspaces.get(place)
    owner = store.directory.person(bare(workspace.owner)) if workspace is not None and workspace.owner else None
    named = {account.login.casefold(), *(f"{GROUP}{group}".casefold() for group in account.groups)}
    return (
        (owner is not None and owner.id == account.id)
        or assigned_to.casefold() in named
        or store.directory.may(account.login, "edit_items", place)
    )
