"""A later release, whose schema has one step more; and a process that waits before it takes a lease.

Here: what is changed in the child. Not here: what must come of it.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any


def later(wait_s: float = 30.0) -> None:
    """This process is of the next release."""
    from engine.store import migrations
    from engine.store.sqlite import Sqlite
    from engine.store.store import Store

    def add_colour(database: Sqlite, _told: object) -> None:
        database.run("ALTER TABLE item ADD COLUMN colour TEXT NOT NULL DEFAULT ''")

    migrations.STEPS = (*migrations.STEPS, ("items have a colour", add_colour))
    assert Store.open.__kwdefaults__ is not None
    Store.open.__kwdefaults__["upgrade_wait_s"] = wait_s


def later_and_impatient() -> None:
    """The next release, which does not wait long for a running pass."""
    later(0.2)


def slow_to_lease() -> None:
    """Write down that the database is open, then wait for a file called `go on`."""
    from engine.store.lease import Leases

    lease = Leases.lease

    def waiting(self: Any, *arguments: Any, **options: Any) -> Any:
        Path("opened").touch()
        end = time.monotonic() + 30
        while not Path("go on").exists() and time.monotonic() < end:
            time.sleep(0.01)
        return lease(self, *arguments, **options)

    Leases.lease = waiting  # type: ignore[method-assign, assignment]
