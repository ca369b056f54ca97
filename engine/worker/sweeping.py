"""What the dead left, and what nobody rang for.

Here: `sweep`. Not here: when (`loop.py`).
Invariant: losing all bells costs one tick; what a dead process had claimed is given back, wherever it lived.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from engine.store.bells import Bell
from engine.store.database import time
from engine.store.migrations import check_version

if TYPE_CHECKING:
    from engine.config import Config
    from engine.store.store import Store

GRACE_S = 30.0
"""What was claimed less long ago is given back by the parent of who died: it knows which mail was in hand."""


def sweep(store: Store, config: Config) -> list[Bell]:
    """Give back what the dead had, take stalled bells away, ring for what lies there; gives what was rung.

    Raises StoreError, also for a schema that is another one now.
    """
    database = store.database
    check_version(database)
    now = time(database.now())
    store.queue.give_back_of_dead(now, config.settings("").errors.retry, GRACE_S)
    store.visiting.leave_for_dead(now)
    if database.workers is not None:
        database.workers.sweep()
    rung = lies_there(store, now)
    if rung:
        with store.writing():
            for bell in rung:
                database.ring(bell)
    return rung


def lies_there(store: Store, now: datetime) -> list[Bell]:
    """Tell what there is to do."""
    found = [Bell.DECIDE] if store.queue.due_mailboxes(now) else []
    if store.visiting.is_due(now):
        found.append(Bell.FETCH)
    if store.outbox.waiting(now) or store.queue.is_anything_to_tell(now):
        found.append(Bell.DELIVER)
    return found
