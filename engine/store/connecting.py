"""Which class of `Database` is opened for a place.

Here: that choice, the only one. Not here: the classes. Invariant: a driver is loaded only where its database is used.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from engine.store.database import BUSY_S, Database

if TYPE_CHECKING:
    from engine.store.place import Where


def connection(where: Where | None, busy_s: float = BUSY_S, clock: Callable[[], datetime] | None = None) -> Database:
    """Give a connection that is not open yet; None is a database in memory. Raises StoreError without its driver."""
    if where is None or isinstance(where, Path):
        from engine.store.sqlite import Sqlite

        return Sqlite(where, busy_s, clock)
    from engine.store.place import need_driver

    need_driver()
    from engine.store.postgres import Postgres

    return Postgres(where, busy_s, clock)
