"""Strangers' text, made safe for a terminal and for a page.

Here: one line without control characters and changes of direction, and how many columns it takes.
Not here: tables and pages (`cli/`, `explain/`, `console/`), pictures (`desk/draw.py`).
Patterns are compiled where they are used first: an idle run prints nothing.
"""

from __future__ import annotations

import re
import unicodedata

_JOINER = "\u200d"
_PICTURES = "\u2190-\u2bff\U0001f000-\U0001faff"
_LOOSE_JOINER = f"(?<![{_PICTURES}\ufe0f])\u200d|\u200d(?![{_PICTURES}])"
"""A joiner that joins no emoji shows nothing and hides that two texts differ."""

_RIGHT_TO_LEFT = "[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufeff\U00010800-\U00010fff\U0001e800-\U0001efff]"
_UNSHOWN = "[\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]"

LONGEST = 300
"""Characters of a text that stands in a line of a page."""

STRANGE = "[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]"
"""What steers a screen, or hides."""


def safe_json(text: str) -> str:
    """Escape what JSON would let through to a terminal: control characters beyond ASCII, changes of direction."""
    return re.sub(_UNSHOWN, lambda found: f"\\u{ord(found[0]):04x}", text)


def printable(text: str, limit: int = 0) -> str:
    """Make strangers' text safe for a terminal: one line, no control or direction characters, at most `limit` long."""
    clean = "".join(" " if char in "\t\r\n" else char for char in text if char in "\t\r\n" or _shows(char)).strip()
    if _JOINER in clean:
        clean = re.sub(_LOOSE_JOINER, "", clean)
    if limit and len(clean) > limit:
        clean = clean[: limit - 1] + "…"
    return clean


def clean(text: str, most: int = LONGEST) -> str:
    """Give a stranger's text for one line of a page: without what steers it, cut where it is long; ⚠ says so."""
    flat = " ".join(text.split())
    plain = re.sub(STRANGE, "", flat)
    plain = "".join([each for each in plain if unicodedata.category(each) not in ("Cs", "Co", "Cn")])
    cut = plain if len(plain) <= most else plain[: most - 1] + "…"
    return f"{cut} ⚠" if plain != flat else cut


def safe_line(line: str) -> str:
    """Make a line of a text safe for a terminal; blanks and tabs stay where they are."""
    return "".join(char if char == "\t" or _shows(char) else "·" for char in line)


def _shows(char: str) -> bool:
    return char.isprintable() or char == _JOINER or unicodedata.category(char) == "Zs"


def isolated(text: str) -> str:
    """Keep text that runs from right to left from turning what stands beside it (Unicode isolates, UAX 9)."""
    return f"\u2068{text}\u2069" if not text.isascii() and re.search(_RIGHT_TO_LEFT, text) else text


def fit(text: str, width: int) -> str:
    """Cut or pad text to a number of terminal columns."""
    text = printable(text, width)
    while columns(text) > width:
        text = text[:-2] + "…"
    return text + " " * (width - columns(text))


def columns(text: str) -> int:
    """Count the terminal columns of a text: wide East Asian characters two, combining marks none, an emoji two."""
    if text.isascii():
        return len(text)
    from wcwidth import wcswidth

    if (counted := wcswidth(text)) >= 0:
        return counted
    return sum(2 if unicodedata.east_asian_width(char) in "WF" else not unicodedata.combining(char) for char in text)
