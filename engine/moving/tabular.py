"""Tables as others export them: CSV of any spreadsheet, and JSON lines.

Here: rows with their line, a value by the name of its column. Not here: which columns there are (`threads.py`,
`people.py`). Invariant: a row is short and narrow, or it is a problem.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Collection, Iterator, Sequence
from itertools import count
from pathlib import Path
from typing import Any

from msgspec import Struct

from engine.moving.reading import LONGEST_LINE, Problems, excerpt

MOST_COLUMNS, LONGEST_VALUE = 200, 2_000
_RUNS = ("=", "+", "@", "\t")
"""What a value begins with that a spreadsheet takes for a formula; and a minus, but for the minus alone."""

_WRONG = {"unexpected end of data": "a quote that begins here has no end"}


class Row(Struct, frozen=True):
    """One row: its values by the name of their column in small letters, and its line."""

    line: int
    values: dict[str, str]


def rows(
    text: str, is_json: bool, problems: Problems, names: Sequence[str] = (), known: Collection[str] = (),
    there: dict[str, None] | None = None,
) -> Iterator[Row]:  # fmt: skip
    """Read the rows of a CSV file, or of JSON lines.

    With `names` the file may have no head: it has one if there is a `known` name in its first line, and else its
    columns are these. `there` fills with all columns by their names in small letters, empty ones too.
    """
    there = {} if there is None else there
    yield from _json_rows(text, problems, there) if is_json else _csv_rows(text, problems, names, known, there)


def is_json(path: Path, text: str) -> bool:
    """Tell whether a file is JSON lines, or a list of objects, rather than CSV."""
    return path.suffix.lower() in (".json", ".jsonl", ".ndjson") or looks_like_json(text)


def looks_like_json(text: str) -> bool:
    """Tell whether a text begins as JSON lines or a list of objects do."""
    return re.match(r"\s*(?:\{|\[\s*[{\]])", text) is not None


def runs(value: str) -> bool:
    """Tell whether a spreadsheet would take a value for a formula."""
    return value.startswith(_RUNS) or (value.startswith("-") and len(value) > 1)


def _csv_rows(
    text: str, problems: Problems, names: Sequence[str], known: Collection[str], there: dict[str, None]
) -> Iterator[Row]:  # fmt: skip
    first = text.lstrip("\n").split("\n", 1)[0][:LONGEST_LINE]
    counted = {each: first.count(each) for each in (";", ",", "\t")}
    delimiter = max(counted, key=lambda each: counted[each]) if any(counted.values()) else ","
    csv.field_size_limit(LONGEST_LINE)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    head: list[str] = []
    while True:
        line = reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            problems.add("D101", f"this is no CSV: {_WRONG.get(str(error), error)}", line)
            return
        if not any(cell.strip() for cell in cells):
            continue
        if len(cells) > MOST_COLUMNS:
            problems.add("D130", f"has {len(cells)} columns; {MOST_COLUMNS} are the most", line)
            if not head:
                return
            continue
        if not head:
            head = _named(cells)
            there |= dict.fromkeys(head)
            if not names or set(known) & set(head):
                continue
            head = list(names)
        if len(cells) > len(head) and any(cell.strip() for cell in cells[len(head) :]):
            problems.add("D130", f"has {len(cells)} columns, and the head has {len(head)}", line)
            continue
        pairs = zip(head, (cell.strip() for cell in cells), strict=False)
        yield from _checked(line, {name: value for name, value in pairs if name and value}, problems)


def _plain(name: str) -> str:
    return " ".join(name.split()).lower()


def _named(cells: Sequence[str]) -> list[str]:
    """The columns by their names in small letters; the second of a name is `name 2`, so that none hides another."""
    head: list[str] = []
    for cell in cells:
        name = _plain(cell)
        numbered = (each for number in count(2) if (each := f"{name} {number}") not in head)
        head.append(next(numbered) if name and name in head else name)
    return head


def _json_rows(text: str, problems: Problems, there: dict[str, None]) -> Iterator[Row]:
    if text.lstrip().startswith("["):
        yield from _json_list(text, problems, there)
        return
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            try:
                entry = json.loads(line)
            except (ValueError, RecursionError) as error:
                problems.add("D101", f"this is no JSON: {_why(error)}", number)
                continue
            yield from _json_row(entry, number, problems, there)


def _json_list(text: str, problems: Problems, there: dict[str, None]) -> Iterator[Row]:
    try:
        entries = json.loads(text)
    except (ValueError, RecursionError) as error:
        line = error.lineno if isinstance(error, json.JSONDecodeError) else 1
        problems.add("D101", f"this is no JSON: {_why(error)}", line)
        return
    for number, entry in enumerate(entries, 1):
        yield from _json_row(entry, number, problems, there)


def _why(error: Exception) -> str:
    return error.msg if isinstance(error, json.JSONDecodeError) else "it is nested too deeply, or a number is too long"


def _json_row(entry: Any, line: int, problems: Problems, there: dict[str, None]) -> Iterator[Row]:
    if not isinstance(entry, dict):
        problems.add("D101", "is no JSON object", line)
        return
    if len(entry) > MOST_COLUMNS:
        problems.add("D130", f"has {len(entry)} keys; {MOST_COLUMNS} are the most", line)
        return
    values = {}
    for name, value in entry.items():
        there[_plain(name)] = None
        if isinstance(value, list) and all(isinstance(each, str | int) for each in value):
            value = "; ".join(map(str, value))
        if isinstance(value, dict | list):
            problems.add("D130", f'"{excerpt(name)}" is neither a text nor a number nor a list of texts', line)
        elif value is not None and str(value).strip():
            values[_plain(name)] = str(value).strip()
    yield from _checked(line, values, problems)


def _checked(line: int, values: dict[str, str], problems: Problems) -> Iterator[Row]:
    for name, value in values.items():
        if len(value) > LONGEST_VALUE:
            problems.add("D130", f'"{excerpt(name)}" has {len(value)} characters; {LONGEST_VALUE} are the most', line)
            return
    yield Row(line, values)
