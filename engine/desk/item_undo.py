"""Taking back what somebody just changed of an item: its fields and its labels.

Here: `changed`, `undo`. Not here: the changes (`items.py`), words that were said, which stay said.
Invariant: it is an act like every other one, judged by the same functions; what somebody else changed meanwhile is not
touched, and then nothing is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.desk.doing import How, done, once
from engine.desk.item_act import catalog_of, found, judged, may_edit
from engine.model.plan import AddLabel, DropLabel, Effect, SetField
from engine.store.errors import Refused

if TYPE_CHECKING:
    from engine.model.acts import Acted
    from engine.model.desk import ItemFacts
    from engine.model.hearing import Change
    from engine.run.engine import Engine
    from engine.store.store import Store

FACTS = ("title", "type", "status", "priority", "assigned_to", "category", "version")
"""Fields that can be set back; each is changed by whoever may edit the item."""

LABEL = "label"


def changed(store: Store, number: int, key: str) -> tuple[Change, ...]:
    """Give what the act with this key changed of an item and can be set back; nothing for an act about another one."""
    acted = store.acted(key) if key else None
    if acted is None or acted.item != number:
        return ()
    changes = [change for event in acted.events for change in event.changes]
    return tuple(changes) if all(each.name in (*FACTS, LABEL) for each in changes) else ()


@once
def undo(engine: Engine, number: int, key: str, how: How) -> Acted:
    """Set back what the act with this key changed, all of it. Raises NotFound, Unclear, and Refused where it is not so
    any more.
    """
    store = engine.store
    with store.joining():
        item = found(engine, number)
        may_edit(engine, how.by, item)
        changes = changed(store, number, key)
        if not changes:
            raise Refused(f"there is nothing of item #{number} to take back")
        _are_so(store, item, changes)
        return done(engine, item, [_back(engine, number, change) for change in changes], how)


def _are_so(store: Store, item: ItemFacts, changes: tuple[Change, ...]) -> None:
    """Raise Refused where a value is not the one any more that it was changed to."""
    view = store.items.view(item.id)
    labels = () if view is None else view.labels
    now = {"title": item.title, **{name: str(value) for name, value in item.fields}}
    for name, before, after in ((each.name, each.before, each.after) for each in changes):
        is_now = now.get(name, "")
        if name == LABEL:
            is_so = after in labels if after else before not in labels
            is_now = "there" if (after or before) in labels else "not there"
        else:
            is_so = is_now == after
        if not is_so:
            said = f"label {after or before}" if name == LABEL else name
            raise Refused(f"somebody changed it meanwhile: {said} is {is_now or 'empty'} now; nothing was taken back")


def _back(engine: Engine, number: int, change: Change) -> Effect:
    if change.name == LABEL:
        return DropLabel(number, change.after) if change.after else AddLabel(number, change.before)
    value = judged(change.name, change.before, catalog_of(engine, number), engine.looking())
    return SetField(number, change.name, value)
