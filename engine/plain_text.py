"""Strangers' text, made safe for a terminal.

Here: one line without control characters and changes of direction, and how many columns it takes.
Not here: tables and pages (`cli/`, `explain/`).
"""

from __future__ import annotations

import re
import unicodedata

_UNSHOWN = re.compile("[\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]")


def safe_json(text: str) -> str:
    """Escape what JSON would let through to a terminal: control characters beyond ASCII, changes of direction."""
    return _UNSHOWN.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def printable(text: str, limit: int = 0) -> str:
    """Make strangers' text safe for a terminal: one line, no control or direction characters, at most `limit` long."""
    clean = "".join(" " if char in "\t\r\n" else char for char in text if char in "\t\r\n" or _shows(char)).strip()
    if limit and len(clean) > limit:
        clean = clean[: limit - 1] + "…"
    return clean


def safe_line(line: str) -> str:
    """Make a line of a text safe for a terminal; blanks and tabs stay where they are."""
    return "".join(char if char == "\t" or _shows(char) else "·" for char in line)


def _shows(char: str) -> bool:
    return char.isprintable() or unicodedata.category(char) == "Zs"


def columns(text: str) -> int:
    """Count the terminal columns of a text: wide East Asian characters two, combining marks none."""
    return sum(2 if unicodedata.east_asian_width(char) in "WF" else not unicodedata.combining(char) for char in text)
