"""How values look on a page: what strangers wrote made harmless, times short, outcomes with a sign and a word.

Here: the filters of the templates. Not here: the templates, cleaning (`engine/plain_text.py`). Invariant: what a
filter gives is text, which the template escapes; no control or direction character of a stranger reaches a page.
"""

from __future__ import annotations

import re
from datetime import datetime, tzinfo

from engine.console import words as words_of
from engine.desk.charts import SIGNS
from engine.plain_text import STRANGE, clean

MARKS = {"ok": "✔", "warn": "!", "stop": "‖", "info": "·"}


def words(text: str) -> str:
    """Give a stranger's text of many lines: they stay, what steers a screen goes."""
    return re.sub(STRANGE, "", text.replace("\r\n", "\n")).expandtabs(4)


def exact(moment: datetime, zone: tzinfo) -> str:
    """Tell a time to the second, with its zone."""
    return f"{moment.astimezone(zone):%Y-%m-%d %H:%M:%S %Z}"


def age(moment: datetime, now: datetime) -> str:
    """Tell for how long something waits: 12 min, 5 h, 3 d."""
    seconds = max((now - moment).total_seconds(), 0.0)
    for name, length in (("d", 86_400.0), ("h", 3_600.0)):
        if seconds >= 2 * length:
            return f"{seconds // length:.0f} {name}"
    return f"{seconds // 60:.0f} min"


def passed(moment: datetime, now: datetime) -> str:
    """Tell how much time passed since something was: 41 s, 12 min."""
    seconds = max((now - moment).total_seconds(), 0.0)
    return f"{seconds:.0f} s" if seconds < 120 else age(moment, now)


def size(many: int) -> str:
    """Tell how many bytes."""
    return f"{many / 1e6:.1f} MB" if many >= 1_000_000 else f"{many / 1e3:.1f} kB" if many >= 1_000 else f"{many} B"


def took(us: int) -> str:
    """Tell how long something took."""
    return f"{us / 1e6:.1f} s" if us >= 1_000_000 else f"{us / 1e3:.1f} ms" if us >= 1_000 else f"{us} µs"


def quoted(text: str) -> str:
    """Write the value of a word of a search."""
    return f'"{text}"' if " " in text else text


FILTERS = {
    "quoted": quoted,
    "clean": clean, "words": words, "short": words_of.short, "number": words_of.number,
    "exact": exact, "age": age, "passed": passed, "size": size,
    "took": took,
    "sign": lambda outcome: SIGNS.get(str(outcome), "·"), "mark": lambda mark: MARKS.get(str(mark), "·"),
}  # fmt: skip
