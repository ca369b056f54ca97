"""The answers to FETCH, and sets of UIDs.

Here: reading what imaplib leaves of FETCH answers, in 5 us a message. Not here: asking (`guarded.py`).
Invariant: time is linear in the text, whatever it says; an answer that was cut off is dropped.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime

_ITEM = re.compile(
    rb"UID (?P<uid>\d{1,10})\b|RFC822\.SIZE (?P<size>\d{1,18})\b|INTERNALDATE \"(?P<date>[^\"]{1,40})\""
    rb"|FLAGS \((?P<flags>[^)]{0,4000})\)"
    rb"|(?P<body>BODY\[[^\]]{0,200}\](?:<\d+>)?) (?:\{\d+\}$|(?P<quoted>\"(?:[^\"\\]|\\.)*\")|NIL)",
    re.IGNORECASE,
)

_COPYUID = re.compile(rb"(\d{1,10}) ([0-9:,]{1,20000}) ([0-9:,]{1,20000})\Z")


@dataclass(slots=True)
class Row:
    """What a FETCH told about one message; None where it did not say."""

    size_bytes: int | None = None
    internaldate: datetime | None = None
    flags: tuple[str, ...] = ()
    body: bytes | None = None


def uid_set(uids: Sequence[int]) -> str:
    """Write UIDs as a sequence set, neighbours joined to ranges."""
    parts: list[str] = []
    ordered = sorted(uids)
    start = 0
    for index in range(1, len(ordered) + 1):
        if index == len(ordered) or ordered[index] != ordered[index - 1] + 1:
            first, last = ordered[start], ordered[index - 1]
            parts.append(str(first) if first == last else f"{first}:{last}")
            start = index
    return ",".join(parts)


def copied(told: Sequence[bytes], uids: Sequence[int]) -> dict[int, tuple[int, int]]:
    """Read COPYUID (RFC 4315, 3): of those `uids` the UIDVALIDITY and the UID in the folder they were put into."""
    asked = set(uids)
    found: dict[int, tuple[int, int]] = {}
    for line in told:
        if parts := _COPYUID.match(line):
            here, there = (_numbers(parts[set_], len(asked)) for set_ in (2, 3))
            if len(here) == len(there):
                validity = int(parts[1])
                found |= {uid: (validity, now) for uid, now in zip(here, there, strict=True) if uid in asked}
    return found


def _numbers(told: bytes, most: int) -> list[int]:
    """Write a sequence set out, in its order; nothing of one that holds more than was asked for."""
    numbers: list[int] = []
    for part in told.split(b","):
        first, _, last = part.partition(b":")
        if not first.isdigit() or not (last or first).isdigit():
            return []
        low, high = sorted((int(first), int(last or first)))
        if high - low >= most - len(numbers):
            return []
        numbers += range(low, high + 1)
    return numbers


def read_rows(told: Sequence[bytes | tuple[bytes, bytes] | None]) -> Iterator[tuple[int, Row]]:
    """Read FETCH answers as imaplib leaves them: pairs of text and literal, closed by a text."""
    row, uid = Row(), 0
    for piece in told:
        if piece is None:
            continue
        text, literal = piece if isinstance(piece, tuple) else (piece, None)
        for found in _ITEM.finditer(text):
            kind = found.lastgroup
            if kind == "uid":
                uid = int(found["uid"])
            elif kind == "size":
                row.size_bytes = int(found["size"])
            elif kind == "date":
                with suppress(ValueError):
                    row.internaldate = parsedate_to_datetime(found["date"].decode("ascii"))
            elif kind == "flags":
                row.flags = tuple(found["flags"].decode("ascii", "replace").split())
            elif literal is not None and found.end() == len(text):
                row.body = literal
            elif kind == "quoted":
                row.body = re.sub(rb"\\(.)", rb"\1", found["quoted"][1:-1])
        if literal is None:
            if uid:
                yield uid, row
            row, uid = Row(), 0


def together(first: Row, second: Row) -> Row:
    """Two answers about one message make one."""
    return Row(
        first.size_bytes if second.size_bytes is None else second.size_bytes,
        second.internaldate or first.internaldate,
        second.flags or first.flags,
        first.body if second.body is None else second.body,
    )
