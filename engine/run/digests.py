"""What people hear by the clock, not by an event: mail that is held.

Here: when it is due. Not here: who hears (`decision/hearing.py`), what it says (`outbox/values.py`).
Invariant: the owner hears of the first held mail at once, of more every `notify.held_every`, and once a day while
something has waited for a day; two processes that look at the same time tell once.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from engine.model.plan import Tell

if TYPE_CHECKING:
    from engine.run.engine import Engine

EVENT = "desk.held"
DAY = timedelta(days=1)


def held(engine: Engine, now: datetime) -> None:
    """Tell the owners of workspaces of what is held there, where that is due. Raises StoreError."""
    store = engine.store
    if not store.queue.is_anything_held():
        return
    for workspace, (newest, oldest) in store.ledger.held().items():
        every = timedelta(seconds=engine.config.settings(workspace).notify.held_every)
        with store.joining():
            if _is_due(store.ledger.last_happened(EVENT, workspace), newest, oldest, now, every):
                store.ledger.happened(EVENT, workspace, Tell(), engine.teller)


def _is_due(last: datetime | None, newest: datetime, oldest: datetime, now: datetime, every: timedelta) -> bool:
    if last is None:
        return True
    if newest > last:
        return now - last >= every
    return now - last >= DAY and now - oldest >= DAY
