"""When mail came that nobody has read yet, and what is older than a mailbox's `since`.

Here: `Judged`; by the time that a listing tells, that a header tells, that the From_ line of an mbox file tells.
Not here: how a server is asked (`imap.py`, `pop3.py`), what becomes of old mail (`run/since.py`).
Invariant: nothing raises, and what tells no date is not old.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_tz
from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from engine.sources.source import Listed

_FIELD = re.compile(rb"^(received|date):((?:[^\r\n]|\r?\n[ \t])*)", re.IGNORECASE | re.MULTILINE)


class Judged(Struct, frozen=True):
    """The keys of what came before a moment, and of what nobody asked about yet: the next pass goes on with these."""

    older: frozenset[str] = frozenset()
    unasked: frozenset[str] = frozenset()


def by_listing(listed: Iterable[Listed], since: datetime) -> Judged:
    """Judge by the times in a listing; what has none is not old."""
    return Judged(frozenset(each.key for each in listed if is_before(each.internaldate, since)))


def is_before(at: datetime | None, since: datetime) -> bool:
    """Tell whether a time is known and earlier; without an offset it is taken for UTC."""
    return at is not None and (at if at.tzinfo else at.replace(tzinfo=UTC)) < since


def of_header(header: bytes) -> datetime | None:
    """Tell when a mail came: by the topmost Received, which our own server wrote, else by Date; None for neither."""
    fields: dict[bytes, bytes] = {}
    for name, value in _FIELD.findall(header):
        fields.setdefault(name.lower(), value)
    for value in (fields.get(b"received", b"").rpartition(b";")[2], fields.get(b"date", b"")):
        if value and (found := _read(value)) is not None:
            return found
    return None


def of_from_line(line: bytes) -> datetime | None:
    """Tell when a mail was put into an mbox file, in UTC as RFC 4155 wants it."""
    words = line.split(None, 2)
    return _read(words[2]) if len(words) == 3 else None


def _read(value: bytes) -> datetime | None:
    try:
        told = parsedate_tz(value[:200].decode("ascii", "replace"))
        if told is None:
            return None
        return datetime(*told[:5], min(told[5], 59), tzinfo=UTC) - timedelta(seconds=told[9] or 0)
    except (ValueError, OverflowError, TypeError, IndexError):
        return None
