"""What a mail is called and which mails it names, read from its header alone, without reading the mail.

Here: `named`, for who has to know the order of mails before they are decided. Not here: the threading of a decision,
which takes what the parser reads (`parse.py`).
Invariant: looks at the first `HEAD` bytes and no further; what cannot be read names nothing.
"""

from __future__ import annotations

import re
from typing import Final

from engine.model.stored import Named

HEAD = 65_536
"""Bytes of a mail that are looked at."""

MOST_ANSWERED = 100
"""So many Message-IDs that a mail names count, the last ones: those of the mails next to it."""

_BLANK: Final = re.compile(rb"\n\r?\n")
_FIELD: Final = re.compile(rb"\n(message-id|in-reply-to|references)[ \t]*:([^\n]*(?:\n[ \t][^\n]*)*)", re.IGNORECASE)
_ID: Final = re.compile(rb"<([^<>]{1,998})>")


def named(content: bytes) -> Named:
    """Give the Message-ID of a mail and those of the mails it answers, as `References` and `In-Reply-To` name them."""
    end = _BLANK.search(content, 0, HEAD)
    own, others = b"", list[bytes]()
    for field, value in _FIELD.findall(b"\n" + content[: end.start() if end else HEAD]):
        ids = [b"".join(each.split()) for each in _ID.findall(value)] or [
            each for each in value.split() if b"@" in each
        ]
        if field[0] in b"mM":
            own = own or (ids[0] if ids else b"")
        else:
            others += ids
    return Named(own, tuple(others[-MOST_ANSWERED:]))
