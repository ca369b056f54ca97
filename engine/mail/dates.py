"""The Date field: text -> a time in UTC.

Here: RFC 5322 3.3 and 4.3, tolerant. Not here: when a mail was received (`RawMail.received_at`).
Invariant: nothing raises; what is no date is none, and a defect tells of it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_tz

from engine.mail import headers
from engine.model.mail import Defect

_DATE = re.compile(
    r"(?:[A-Za-z]{3,9},?\s+)?(\d{1,2})\s+([A-Za-z]{3})[a-z]*\s+(\d{4})\s+(\d{1,2}):(\d\d)(?::(\d\d))?\s*([+-])(\d\d)(\d\d)"
)
_MONTH_NAMES = "jan feb mar apr may jun jul aug sep oct nov dec"
_MONTHS = {name: number for number, name in enumerate(_MONTH_NAMES.split(), 1)}


def read(values: Sequence[str], note: list[Defect]) -> datetime | None:
    """Read the first of these raw values as a time in UTC."""
    if not values:
        return None
    found = _DATE.match(values[0])
    try:
        if found and found[2].lower() in _MONTHS:
            return _usual(found)
        loose = parsedate_tz(headers.decode(values[0][:200]))
        if loose is not None:
            return datetime(*loose[:5], min(loose[5], 59), tzinfo=UTC) - timedelta(seconds=loose[9] or 0)
    except (ValueError, OverflowError, TypeError, IndexError):
        pass
    note.append(Defect("date_unreadable", headers.decode(values[0][:80])))
    return None


def _usual(found: re.Match[str]) -> datetime:
    day, month, year, hour, minute, second, sign, off_hours, off_minutes = found.groups()
    offset = timedelta(hours=int(off_hours), minutes=int(off_minutes))
    local = datetime(
        int(year), _MONTHS[month.lower()], int(day), int(hour), int(minute), min(int(second or 0), 59), tzinfo=UTC
    )
    return local + offset if sign == "-" else local - offset
