"""Invitations: the first event of an iCalendar object.

Here: the few properties an item can use (RFC 5545, RFC 5546). Not here: recurrence, alarms, answers.
Invariant: nothing raises; at most LINES lines are looked at; times are UTC, a time without a zone is taken as UTC.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from msgspec import Struct

from engine.mail import charset, headers, parts
from engine.mail.parameters import parameters
from engine.mail.types import CALENDAR
from engine.model.mail import Mail

UID_FIELD = "calendar_uid"
"""The field of an item that keeps the UID of its invitation."""

LONGEST_UID = 255

LINES = 5000
LINE_LENGTH = 20_000


class Invitation(Struct, frozen=True):
    """An event. `method` is REQUEST, CANCEL, REPLY, PUBLISH …; `organizer` an address; `all_day` means dates only."""

    method: str = ""
    summary: str = ""
    start: datetime | None = None
    end: datetime | None = None
    location: str = ""
    organizer: str = ""
    uid: str = ""
    all_day: bool = False


_FOLD = re.compile(r"\r?\n[ \t]")
_PROPERTY = re.compile(r'([A-Za-z0-9-]+)((?:;[^:;"]*+(?:"[^"]*+"[^:;"]*+)*+)*+):(.*)\Z', re.DOTALL)
_TIME = re.compile(r"(\d{4})(\d\d)(\d\d)(?:T(\d\d)(\d\d)(\d\d)?(Z)?)?\Z")
_OFFSET = re.compile(r"([+-])(\d\d)(\d\d)")
_DURATION = re.compile(r"\+?P(?:(\d{1,4})W)?(?:(\d{1,5})D)?(?:T(?:(\d{1,5})H)?(?:(\d{1,6})M)?(?:(\d{1,7})S)?)?\Z")
_WINDOWS = {
    "w. europe standard time": "Europe/Berlin", "romance standard time": "Europe/Paris",
    "central europe standard time": "Europe/Budapest", "central european standard time": "Europe/Warsaw",
    "gmt standard time": "Europe/London", "greenwich standard time": "Atlantic/Reykjavik", "utc": "UTC",
    "fle standard time": "Europe/Kyiv", "gtb standard time": "Europe/Bucharest",
    "e. europe standard time": "Europe/Chisinau",
    "russian standard time": "Europe/Moscow", "turkey standard time": "Europe/Istanbul",
    "israel standard time": "Asia/Jerusalem", "arabian standard time": "Asia/Dubai",
    "india standard time": "Asia/Kolkata",
    "china standard time": "Asia/Shanghai", "singapore standard time": "Asia/Singapore",
    "tokyo standard time": "Asia/Tokyo", "korea standard time": "Asia/Seoul",
    "aus eastern standard time": "Australia/Sydney",
    "new zealand standard time": "Pacific/Auckland", "e. south america standard time": "America/Sao_Paulo",
    "argentina standard time": "America/Argentina/Buenos_Aires", "eastern standard time": "America/New_York",
    "central standard time": "America/Chicago", "mountain standard time": "America/Denver",
    "pacific standard time": "America/Los_Angeles", "south africa standard time": "Africa/Johannesburg",
    "egypt standard time": "Africa/Cairo",
}  # fmt: skip


def invitation(content: bytes) -> Invitation | None:
    """Read the first VEVENT; None if there is none."""
    text = _FOLD.sub("", charset.guess(content))
    method, inside, own_offsets = "", "", _offsets(text)
    event: dict[str, tuple[str, str]] = {}
    for line in text.splitlines()[:LINES]:
        found = _PROPERTY.match(line[:LINE_LENGTH])
        if found is None:
            continue
        name, value = found[1].upper(), found[3].strip()
        if name == "METHOD" and not method:
            method = value.upper()
        elif name == "BEGIN":
            inside = inside or ("event" if value.upper() == "VEVENT" else "")
            if inside and value.upper() != "VEVENT":
                inside = "part"  # an alarm in the event
        elif name == "END" and inside:
            if value.upper() == "VEVENT":
                break
            inside = "event"
        elif inside == "event":
            event.setdefault(name, (found[2], value))
    if not event:
        return None
    start, all_day = _time(event.get("DTSTART"), own_offsets)
    end, _ = _time(event.get("DTEND"), own_offsets)
    if end is None and start is not None:
        end = _after(start, event.get("DURATION", ("", ""))[1])
    _, organizer = event.get("ORGANIZER", ("", ""))
    return Invitation(
        method,
        _text(event, "SUMMARY"),
        start,
        end,
        _text(event, "LOCATION"),
        organizer[7:] if organizer[:7].lower() == "mailto:" else organizer,
        event.get("UID", ("", ""))[1].strip()[:LONGEST_UID],
        all_day,
    )


def of(mail: Mail) -> Invitation | None:
    """Read the first invitation of a mail, None if there is none."""
    found = next((each for each in mail.attachments if each.declared_type in CALENDAR), None)
    return None if found is None else invitation(found.content or parts.content(mail.raw.content, found.part))


def _text(event: dict[str, tuple[str, str]], name: str) -> str:
    """Undo the escapes of RFC 5545 3.3.11; a line break becomes a blank."""
    value = event.get(name, ("", ""))[1]
    return headers.decode(re.sub(r"\\(.)", lambda found: " " if found[1] in "nN" else found[1], value)).strip()


def _time(found: tuple[str, str] | None, own_offsets: dict[str, timedelta]) -> tuple[datetime | None, bool]:
    """Read DATE-TIME or DATE (RFC 5545 3.3.4, 3.3.5); tells whether it was only a date."""
    parsed = _TIME.match(found[1]) if found else None
    if found is None or parsed is None:
        return None, False
    year, month, day, hour, minute, second, zulu = parsed.groups()
    zone: tzinfo | None = UTC
    if hour is not None and not zulu:
        label = parameters("x" + found[0])[1].get("tzid", "")
        zone = _zone(label)
    try:
        local = datetime(int(year), int(month), int(day), int(hour or 0), int(minute or 0), min(int(second or 0), 59))
        if zone is None:
            return (local - own_offsets.get(label, timedelta())).replace(tzinfo=UTC), False
        return local.replace(tzinfo=zone).astimezone(UTC), hour is None
    except (ValueError, OverflowError):
        return None, False


def _zone(label: str) -> tzinfo | None:
    """Find a time zone by its IANA or Windows name; None if nobody knows it."""
    if not label:
        return UTC
    name = _WINDOWS.get(label.lower(), label)
    if not re.fullmatch(r"[A-Za-z0-9_+-]+(?:/[A-Za-z0-9_+-]+){0,2}", name):
        return None
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None


def _offsets(text: str) -> dict[str, timedelta]:
    """Read the standard offset of the zones the object defines itself: good enough for a zone nobody else knows."""
    found: dict[str, timedelta] = {}
    label = ""
    for line in text.splitlines()[:LINES]:
        if line.startswith("TZID:"):
            label = line[5:].strip()
        elif line.startswith("TZOFFSETTO:"):
            offset = _OFFSET.match(line[11:])
            if offset and label:
                size = timedelta(hours=int(offset[2]), minutes=int(offset[3]))
                found[label] = -size if offset[1] == "-" else size
    return found


def _after(start: datetime, duration: str) -> datetime | None:
    parsed = _DURATION.match(duration)
    if parsed is None or not any(parsed.groups()):
        return None
    weeks, days, hours, minutes, seconds = (int(number or 0) for number in parsed.groups())
    try:
        return start + timedelta(weeks=weeks, days=days, hours=hours, minutes=minutes, seconds=seconds)
    except OverflowError:
        return None
