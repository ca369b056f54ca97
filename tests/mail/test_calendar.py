"""Invitations."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.mail.calendar import Invitation, invitation


def event(*lines: str, method: str = "REQUEST") -> Invitation | None:
    whole = ["BEGIN:VCALENDAR", f"METHOD:{method}", "BEGIN:VEVENT", *lines, "END:VEVENT", "END:VCALENDAR"]
    return invitation("\r\n".join(whole).encode())


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("DTSTART:20261201T100000Z", "2026-12-01T10:00:00+00:00"),
        ("DTSTART:20261201T100000", "2026-12-01T10:00:00+00:00"),
        ("DTSTART;TZID=Europe/Berlin:20260701T100000", "2026-07-01T08:00:00+00:00"),
        ('DTSTART;TZID="Europe/Berlin":20261201T100000', "2026-12-01T09:00:00+00:00"),
        ("DTSTART;TZID=Pacific Standard Time:20261201T100000", "2026-12-01T18:00:00+00:00"),
        ("DTSTART;VALUE=DATE:20261201", "2026-12-01T00:00:00+00:00"),
        ("DTSTART:20261301T100000Z", None),
        ("DTSTART;TZID=../../etc/passwd:20261201T100000", "2026-12-01T10:00:00+00:00"),
        ("DTSTART:tomorrow", None),
    ],
)
def test_start_is_read_as_utc(line: str, expected: str | None) -> None:
    found = event(line)
    assert found is not None
    assert (found.start.isoformat() if found.start else None) == expected
    assert found.all_day == ("VALUE=DATE" in line)


def test_duration_gives_the_end() -> None:
    found = event("DTSTART:20261201T100000Z", "DURATION:P1DT2H30M")
    assert found and found.end and found.end.isoformat() == "2026-12-02T12:30:00+00:00"


def test_zone_that_only_the_mail_knows_counts_by_its_own_offset() -> None:
    text = (
        "BEGIN:VCALENDAR\nBEGIN:VTIMEZONE\nTZID:Our Zone\nBEGIN:STANDARD\nTZOFFSETTO:+0300\nEND:STANDARD\n"
        "END:VTIMEZONE\n"
        "BEGIN:VEVENT\nDTSTART;TZID=Our Zone:20261201T100000\nEND:VEVENT\nEND:VCALENDAR\n"
    )
    found = invitation(text.encode())
    assert found and found.start and found.start.isoformat() == "2026-12-01T07:00:00+00:00"


def test_folded_and_escaped_text_is_read_and_an_alarm_is_not() -> None:
    found = event(
        "SUMMARY;LANGUAGE=en:Long \\, and\r\n  folded\\nline", "BEGIN:VALARM", "SUMMARY:Alarm", "END:VALARM", "UID:7"
    )
    assert found == Invitation("REQUEST", "Long , and folded line", uid="7")


def test_no_event_is_no_invitation() -> None:
    assert invitation(b"BEGIN:VCALENDAR\nEND:VCALENDAR") is None
    assert invitation(b"") is None


PIECES = st.sampled_from(
    [
        "BEGIN:VEVENT\n", "END:VEVENT\n", "DTSTART", ";TZID=", ":", "99999999T999999Z\n", "DURATION:P9999W\n", "\n ",
        "\\", '"', "x", "ORGANIZER:mailto:", "\n",
    ]
)  # fmt: skip


@given(st.lists(PIECES, max_size=20).map("".join))
def test_any_calendar_is_read_without_raising(text: str) -> None:
    for found in (invitation(text.encode()), invitation(b"BEGIN:VEVENT\n" + text.encode())):
        for moment in (found.start, found.end) if found is not None else ():
            assert moment is None or moment.utcoffset() == timedelta(0), "times are UTC"
