"""What people do to items as a whole: merge one into another, delete one.

Here: who may, what is refused, and what would go. Not here: the rows (`store/whole_items.py`), other acts (`items.py`).
Invariant: nothing leads in a circle, and nothing private becomes less so by it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from engine.desk import looking
from engine.desk.doing import How, done, once
from engine.desk.item_act import catalog_of, found, may_edit
from engine.model.addresses import bare, key_of
from engine.model.desk import LEGAL_HOLD
from engine.model.plan import DeleteItem, MergeItem
from engine.store.errors import NotFound, Refused

if TYPE_CHECKING:
    from engine.model.acts import Acted
    from engine.model.desk import Account
    from engine.run.engine import Engine
    from engine.store.store import Store

STILL_TO_GO = ("queued", "sending", "held", "digest")


@once
def merge(engine: Engine, number: int, into: int, how: How) -> Acted:
    """Let another item have what this one holds; it is closed, and what names it leads there.

    Raises NotFound, Refused.
    """
    item = found(engine, number)
    if into == number:
        raise Refused(f"item #{number} cannot be merged into itself")
    other = found(engine, into)
    may_edit(engine, how.by, item)
    may_edit(engine, how.by, other)
    if item.private and not other.private:
        raise Refused(f"item #{number} is private and #{into} is not: its words would be seen by more people")
    status = next((each.name for each in catalog_of(engine, number).statuses if each.closed), "")
    ended = item.status if item.closed else status
    return done(engine, item, [MergeItem(number, into, ended)], how)


class Weight(Struct, frozen=True):
    """What goes with an item: how much of each; `unsent` are mails about it that did not go out yet."""

    title: str
    comments: int
    notes: int
    drafts: int
    files: int
    files_bytes: int
    unsent: int


def weighed(store: Store, number: int) -> Weight:
    """Tell what goes with an item. Raises NotFound."""
    view = looking.item(store, number)
    drafts = sum(each.draft for each in view.comments)
    notes = sum(each.internal for each in view.comments) - drafts
    unsent = sum(each.state in STILL_TO_GO for each in store.outbox.told(item=number))
    return Weight(
        view.item.title, len(view.comments) - notes - drafts, notes, drafts, len(view.attachments),
        sum(each.size_bytes for each in view.attachments), unsent,
    )  # fmt: skip


@once
def delete(engine: Engine, number: int, how: How) -> Acted:
    """Take an item away for good, with all that hangs on it; its number is never given again.

    Raises NotFound, Refused.
    """
    item = engine.store.items.exactly(number)
    if item is None:
        raise NotFound(looking.gone(engine.store, number))
    _may_delete(engine, how.by, item.workspace)
    if LEGAL_HOLD in map(str.casefold, looking.item(engine.store, number).labels):
        raise Refused(f"item #{number} is labelled {LEGAL_HOLD}: take the label off first")
    return done(engine, item, [DeleteItem(number)], how)


def _may_delete(engine: Engine, by: Account, workspace: str) -> None:
    """What cannot be taken back is for admins and the owner of the workspace."""
    place = engine.config.workspaces.get(workspace)
    owner = key_of(bare(place.owner)) if place is not None and place.owner else ""
    if not (by.admin or owner in (by.login.casefold(), *map(key_of, by.emails))):
        raise Refused(f"{by.login} may not delete items of {workspace}: admins and its owner may")
