"""LDIF (RFC 2849) as directories export it: entries with their attributes, decoded.

Here: folded lines, base64, comments. Not here: what an attribute says of a person (`people.py`).
Invariant: an entry that is no person costs nothing; a value that cannot be decoded is a problem only where it is asked.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Collection, Iterator

from msgspec import Struct

from engine.moving.reading import LONGEST_LINE, Problems, excerpt

MOST_VALUES = 10_000
"""Lines of one entry: who is in more groups is no person."""


class Entry(Struct, frozen=True):
    """One entry: its first line, and the values of the attributes that were asked for, by small letters."""

    line: int
    values: dict[str, list[str]]


def entries(text: str, wanted: Collection[str], problems: Problems) -> Iterator[Entry]:
    """Read the entries of an LDIF file, of each only the attributes `wanted`, named in small letters."""
    start, values, lines = 0, dict[str, list[str]](), 0
    for number, line in _unfolded(text, problems):
        if not line:
            if values:
                yield Entry(start, values)
            start, values, lines = 0, {}, 0
            continue
        if line.startswith("#"):
            continue
        name, colon, value = line.partition(":")
        attribute = name.partition(";")[0].strip().lower()
        if not colon:
            problems.add("D140", f'this is no line of LDIF, NAME: VALUE: "{excerpt(line)}"', number)
            continue
        if attribute == "version" and not start:
            continue
        start, lines = start or number, lines + 1
        if attribute == "changetype" and value.strip().lower() != "add":
            problems.add("D140", f'"changetype: {excerpt(value)}" is a change, and not an entry', number)
        if lines > MOST_VALUES:
            if lines == MOST_VALUES + 1:
                problems.add("D140", f"the entry of line {start} has more than {MOST_VALUES} lines", number)
        elif attribute in wanted and (said := _value(attribute, value, number, problems)):
            values.setdefault(attribute, []).append(said)
    if values:
        yield Entry(start, values)


def _unfolded(text: str, problems: Problems) -> Iterator[tuple[int, str]]:
    """The logical lines with the number of their first line: what begins with a blank goes on above."""
    first, parts, size = 1, list[str](), 0
    for number, line in enumerate(text.split("\n"), 1):
        if line[:1] in (" ", "\t") and parts and parts[0]:
            size += len(line)
            if size <= LONGEST_LINE:
                parts.append(line[1:])
            elif size - len(line) <= LONGEST_LINE:
                problems.add("D140", f"goes on for more than {LONGEST_LINE} characters", first)
            continue
        if parts:
            yield first, "".join(parts)
        first, parts, size = number, [line], len(line)
    yield first, "".join(parts)


def _value(attribute: str, value: str, line: int, problems: Problems) -> str:
    if value.startswith("<"):
        problems.add("D140", f'"{attribute}" stands in another file ({excerpt(value[1:])}): that is not fetched', line)
        return ""
    if not value.startswith(":"):
        return value.strip()
    try:
        return base64.b64decode(value[1:].strip(), validate=True).decode("utf-8").strip()
    except (binascii.Error, UnicodeDecodeError):
        problems.add("D140", f'"{attribute}" is no text in base64 and UTF-8', line)
        return ""
