"""What the items that a search finds have in common.

Here: `kinds`, counted of items by their numbers. Not here: finding them (`item_query.py`, `item_views.py`).
Invariant: it looks at `MOST_COUNTED` items at most, the newest of them, each by its number; what is not among the
numbers is in no count.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from engine.model.figures import MOST_FACETS, ItemKinds, Share
from engine.store import tables
from engine.store.database import Database
from engine.store.item_query import NOBODY, unanswered_among

MOST_COUNTED = 1_000
"""Items that are counted."""

AT_ONCE = 500


def kinds(database: Database, numbers: Sequence[int]) -> ItemKinds:
    """Count the items with these numbers, the newest first."""
    item, place = tables.Item, tables.Workspace
    counted = numbers[:MOST_COUNTED]
    status, assigned, workspace, unanswered = Counter[str](), Counter[str](), Counter[str](), 0
    keys = item.status, item.assigned_to, place.identifier
    for start in range(0, len(counted), AT_ONCE):
        here = counted[start : start + AT_ONCE]
        query = item.select(*keys, tables.fn.COUNT(item.id)).join(place).where(item.id.in_(here)).group_by(*keys)
        for its_status, who, where, many in database.all(query):
            status[its_status] += many
            assigned[who or NOBODY] += many
            workspace[where] += many
        asked = unanswered_among(here)
        unanswered += len(database.rows(asked.sql, *asked.params, len(here)))
    return ItemKinds(
        len(counted), len(numbers) > len(counted), _most(status), _most(assigned), _most(workspace), unanswered
    )


def _most(counted: Counter[str]) -> tuple[Share, ...]:
    found = [Share(value, items) for value, items in counted.items() if value]
    return tuple(sorted(found, key=lambda share: (-share.items, share.value))[:MOST_FACETS])
