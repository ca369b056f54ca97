"""Strangers' text made fit for a mail of ours.

Here: one line for a header or a sentence, many lines for a body. Not here: how they are encoded (`writing.py`).
Invariant: what comes out holds no control character, no other line end than LF, and no half of a surrogate pair.
"""

from __future__ import annotations

import re

SUBJECT_CHARS = 200
NAME_CHARS = 100
BODY_CHARS = 200_000

_LINES = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]+")
_CONTROL_BYTES = bytes({*range(0x20), 0x7F} - {*b"\t\n"})
_UPPER_CONTROL = re.compile(b"\xc2[\x80-\x9f]")
"""The control characters behind ASCII, as UTF-8."""


def one_line(value: str, limit: int) -> str:
    """Text for a header: control and line characters, and those that turn the direction around, become blanks."""
    clean = value[: limit * 4]
    if not clean.isprintable():
        clean = _LINES.sub(" ", clean).encode("utf-8", "replace").decode()
    return " ".join(clean.split())[:limit]


def text(value: str, most: int = BODY_CHARS) -> str:
    """Text for a body: plain line ends, no control characters but tab, at most so many characters."""
    lines = value[:most].replace("\r\n", "\n").replace("\r", "\n")
    clean = lines.encode("utf-8", "replace").translate(None, _CONTROL_BYTES)
    return (clean if lines.isascii() else _UPPER_CONTROL.sub(b"", clean)).decode()
