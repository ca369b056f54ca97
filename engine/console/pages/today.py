"""The first page: is mail flowing, and what waits for me.

Here: how long back the flow goes. Not here: what stands on it (`desk/today.py`).
"""

from __future__ import annotations

from datetime import timedelta

from engine.console.asked import Asked, Page
from engine.desk import today
from engine.desk.health import worst
from engine.desk.numbers import Asked as Wanted

TIMES = {"24h": timedelta(hours=24), "7d": timedelta(days=7), "30d": timedelta(days=30)}
"""How far back the flow may go."""


def front(asked: Asked) -> Page:
    """How mailboxes fare, what came of the mail of a day, where it went, and what waits."""
    last = asked.args.get("last", "24h")
    last = last if last in TIMES else "24h"
    found = today.today(Wanted(asked.store, asked.config, asked.scope, TIMES[last], asked.now, asked.zone))
    checks = [check for tile in found.tiles for check in tile.checks]
    twin = {
        "status": worst(checks),
        "checks": checks,
        **{name: getattr(found, name) for name in found.__struct_fields__},
    }
    data = {"today": found, "last": last, "times": tuple(TIMES)}
    return Page("today.html", "Today", data, twin, "allegra health")
