"""Colours on a terminal: what is good, what waits, what is wrong, what is beside the point.

Here: the styles by name, and which word of a list has which. Not here: whether colours are wanted (`main.py` says so to
click, which takes them out where nobody sees them).
Invariant: a colour is put on after widths were counted, and nothing is told by colour alone.
"""

from __future__ import annotations

from typing import Any

import click

STYLES: dict[str, dict[str, Any]] = {
    "good": {"fg": "green"},
    "waits": {"fg": "yellow"},
    "bad": {"fg": "red"},
    "dim": {"dim": True},
    "head": {"bold": True},
    "error": {"fg": "red", "bold": True},
    "warning": {"fg": "yellow", "bold": True},
    "info": {"fg": "cyan", "bold": True},
    "place": {"fg": "blue"},
    "help": {"fg": "cyan"},
}

STATES = {
    "created": "good", "comment": "good", "note": "good", "sent": "good", "ok": "good", "active": "good",
    "held": "waits", "deferred": "waits", "queued": "waits", "paused": "waits", "busy": "waits", "incomplete": "waits",
    "error": "bad", "failed": "bad", "failing": "bad", "rejected": "bad", "unknown": "bad", "locked": "bad",
    "discarded": "dim", "duplicate": "dim", "off": "dim", "purged": "dim", "archived": "dim",
    "✔": "good", "✘": "bad", "✋": "bad", "!": "waits",
}  # fmt: skip
"""Words for states and marks as lists and explanations show them -> their style."""


def paint(style: str, text: str) -> str:
    """Put a style on a text; an unknown one changes nothing."""
    return click.style(text, **STYLES[style]) if style in STYLES else text


def state(word: str, shown: str = "") -> str:
    """Put the style of a state on its word, or on how that is `shown` (padded, in capitals)."""
    return paint(STATES.get(word.strip().casefold(), ""), shown or word)


def marks(line: str) -> str:
    """Put styles on the verdict or the mark that a line of an explanation begins with."""
    begun = line[:24]
    verdict = begun.strip().split(" ")[0]
    if line.startswith(" ") and verdict.isupper() and verdict.casefold() in STATES:
        return line.replace(verdict, state(verdict), 1)
    for mark in ("✔", "✘", "✋"):
        if mark in begun:
            return line.replace(mark, state(mark), 1)
    return line
