"""What people did, found and told: the acts of everybody, for who may look over them.

Here: a page of events, and what each says in words. Not here: the words of a search (`store/event_query.py`), writing
events. Invariant: nothing is changed here; who owns a workspace sees what people did in it, who is admin all.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from engine.model.sight import EVERY_ACT, ActSight
from engine.store.errors import NotFound

if TYPE_CHECKING:
    from engine.desk.scope import Scope
    from engine.model.stored import EventRow
    from engine.store.store import Store

BY_PEOPLE = "-actor:- -via:mail"
"""The search for what people did, in place of what mail and the engine did."""


class Found(Struct, frozen=True):
    """A page of events, the newest first; `older` is where the next one begins, 0 where there is none.

    `beyond`: only so many were looked at, and older ones may fit.
    """

    events: tuple[EventRow, ...]
    older: int = 0
    beyond: bool = False


def may(scope: Scope) -> bool:
    """Tell whether somebody may look at what people did."""
    return scope.admin or bool(scope.owned)


def sight(scope: Scope) -> ActSight:
    """Give what somebody may see of it."""
    inside = frozenset([name for name in scope.owned if scope.may("edit_items", name)])
    return EVERY_ACT if scope.admin else ActSight(False, scope.owned, inside)


def found(store: Store, scope: Scope, query: str, limit: int, before: int = 0) -> Found:
    """Find what people did, the newest first, and what came before it. Raises NotFound for who may not, Unclear."""
    if not may(scope):
        raise NotFound("there is no such page")
    rows, beyond = store.history.events(query, limit + 1, before=before, sight=sight(scope))
    rows.reverse()
    return Found(tuple(rows[:limit]), rows[limit - 1].id if len(rows) > limit else 0, beyond)


def said(row: EventRow) -> str:
    """Tell what changed, or why."""
    changes = ", ".join(f"{each.name}: {each.before or '–'} → {each.after or '–'}" for each in row.changes)
    return changes or row.because or str(row.detail.get("said") or "")
