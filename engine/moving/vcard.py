"""vCard 2.1, 3.0 and 4.0 (RFC 2426, RFC 6350) as address books export them: cards with their properties, decoded.

Here: folded lines, quoted-printable, escapes, parameters. Not here: what a property says of a person (`people.py`).
Invariant: a property that nobody asks for costs nothing, be it a photograph of a megabyte.
"""

from __future__ import annotations

import quopri
import re
from collections.abc import Collection, Iterator

from msgspec import Struct

from engine.moving.reading import LONGEST_LINE, Problems, excerpt

_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_QP = re.compile(r"[;:]?ENCODING=QUOTED-PRINTABLE|;QUOTED-PRINTABLE", re.IGNORECASE)


class Property(Struct, frozen=True):
    """One property: how much it is preferred (1 most, 100 least), and its parts: of `;` in the first, `,` in each."""

    preferred: int
    parts: tuple[tuple[str, ...], ...]


class Card(Struct, frozen=True):
    """One card: its first line, and the properties that were asked for, by capitals."""

    line: int
    properties: dict[str, list[Property]]


def cards(text: str, wanted: Collection[str], problems: Problems) -> Iterator[Card]:
    """Read the cards of a vCard file, of each only the properties `wanted`, named in capitals."""
    start, found = 0, dict[str, list[Property]]()
    for number, line in _unfolded(text, problems):
        head, colon, value = _split(line)
        name, *parameters = head.split(";")
        name = name.rpartition(".")[2].strip().upper()
        if not line.strip():
            continue
        if name == "BEGIN" and value.strip().upper() == "VCARD":
            if start:
                problems.add("D141", f"a card begins inside that of line {start}", number)
            start, found = number, {}
        elif not start:
            problems.add("D141", f'stands outside of a card: "{excerpt(line)}"', number)
            return
        elif name == "END":
            yield Card(start, found)
            start = 0
        elif not colon:
            problems.add("D141", f'this is no line of a card, NAME:VALUE: "{excerpt(line)}"', number)
        elif name in wanted:
            found.setdefault(name, []).append(_property(parameters, value, number, problems))
    if start:
        problems.add("D141", "this card does not end: END:VCARD is missing", start)


def _split(line: str) -> tuple[str, str, str]:
    """The head and the value: a colon inside quotes ends no head."""
    quoted = False
    for at, char in enumerate(line[:2000]):
        if char == '"':
            quoted = not quoted
        elif char == ":" and not quoted:
            return line[:at], ":", line[at + 1 :]
    return line[:2000], "", ""


def _unfolded(text: str, problems: Problems) -> Iterator[tuple[int, str]]:
    """The logical lines: a blank at the beginning goes on, and in quoted-printable a `=` at the end."""
    first, parts, size, soft = 1, list[str](), 0, False
    for number, each in enumerate(text.split("\n"), 1):
        if soft or (each[:1] in (" ", "\t") and parts):
            size += len(each)
            if size <= LONGEST_LINE:
                parts[-1] = parts[-1][:-1] if soft else parts[-1]
                parts.append(each if soft else each[1:])
            elif size - len(each) <= LONGEST_LINE:
                problems.add("D141", f"goes on for more than {LONGEST_LINE} characters", first)
            soft = soft and each.endswith("=")
            continue
        if parts:
            yield first, "".join(parts)
        first, parts, size = number, [each] if each else [], len(each)
        soft = each.endswith("=") and _QP.search(each.partition(":")[0]) is not None
    if parts:
        yield first, "".join(parts)


def _property(parameters: list[str], value: str, line: int, problems: Problems) -> Property:
    named = [each.strip().upper() for each in parameters]
    if any(_QP.fullmatch(f";{each}") for each in named):
        charset = next((each.partition("=")[2] for each in named if each.startswith("CHARSET=")), "utf-8")
        try:
            value = quopri.decodestring(value.encode("utf-8", "replace")).decode(charset)
        except (UnicodeDecodeError, LookupError):
            problems.add("D141", f"is no text in {excerpt(charset)}", line)
            value = ""
    preferred = 100
    for each in named:
        name, _, said = each.partition("=")
        if name == "PREF":
            preferred = int(said) if said.isdecimal() and len(said) < 4 else 1
        elif name == "TYPE" and "PREF" in said.strip('"').split(","):
            preferred = 1
    return Property(preferred, tuple(tuple(map(_plain, _parts(each, ","))) for each in _parts(value, ";")))


def _parts(text: str, separator: str) -> list[str]:
    """Cut at a separator that no backslash escapes."""
    return re.split(rf"(?<!\\){separator}", text)


def _plain(text: str) -> str:
    return _ESCAPED.sub(lambda found: " " if found[1] in "nN" else found[1], text).strip()
