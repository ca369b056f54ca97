"""Statistics: what came of mail in a longer time, as pictures with their numbers.

Here: which pictures, of how long. Not here: the numbers (`desk/numbers.py`), drawing (`desk/draw.py`).
"""

from __future__ import annotations

from datetime import timedelta

from engine.console.asked import Asked, Page
from engine.desk import numbers

TIMES = {"7d": timedelta(days=7), "30d": timedelta(days=30), "90d": timedelta(days=90), "1y": timedelta(days=365)}
"""How far back one may look."""


def shown(asked: Asked) -> Page:
    """Some pictures that belong together, of a time."""
    last, group = asked.args.get("last", "30d"), asked.args.get("show", "Mail")
    last, group = last if last in TIMES else "30d", group if group in numbers.GROUPS else "Mail"
    wanted = numbers.Asked(asked.store, asked.config, asked.scope, TIMES[last], asked.now, asked.zone)
    pictures = numbers.pictures(wanted, numbers.GROUPS[group])
    data = {"pictures": pictures, "last": last, "group": group, "times": tuple(TIMES), "groups": tuple(numbers.GROUPS)}
    return Page("stats.html", "Statistics", data, {"last": last, "pictures": pictures}, f"allegra stats --last {last}")
