"""Settings of another system as they stand in a file: a name, a value and a line, whatever the file is.

Here: the shape, which reader takes which file. Not here: the readers (`words.py`, `markup.py`, `php.py`, `dump.py`),
what a setting means (`redmine.py`, `itop.py`, `eventum.py`).
Invariant: a sentence about a file of settings never repeats a line of it: there are passwords in it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path

from msgspec import Struct

from engine.moving.reading import Problems, read_text
from engine.moving.tabular import looks_like_json, rows

MOST_BYTES = 4 << 20
MOST_SETTINGS = 5_000
LONGEST_VALUE = 10_000

Value = str | tuple[str, ...] | tuple[tuple[str, str], ...]


class Given(Struct, frozen=True):
    """One setting: its name in small letters with _, its value, its line; `group` counts mailboxes, 0 is none.

    A list is its texts, a table the pairs of key and value.
    """

    name: str
    value: Value
    line: int = 0
    group: int = 0
    file: str = ""

    @property
    def text(self) -> str:
        """The value as one text, a list with line ends between."""
        if isinstance(self.value, str):
            return self.value.strip()
        return "\n".join(each if isinstance(each, str) else each[0] for each in self.value)

    @property
    def texts(self) -> tuple[str, ...]:
        """The value as several texts: of a table its keys, of a text its lines."""
        return tuple(each.strip() for each in self.text.split("\n") if each.strip())


Reader = Callable[[str, Problems], Iterator[Given]]


def plain_name(name: str) -> str:
    """Give a name as tables of ours have it: small letters, `_` for blanks, hyphens and the doubled one."""
    return re.sub(r"[\s\-_]+", "_", name.strip().lower()).strip("_:")


def read(path: Path, encoding: str = "utf-8") -> list[Given]:
    """Read the settings of a file. Raises LoadError with all that is wrong with it."""
    problems = Problems(path.name)
    text = read_text(path, encoding, most=MOST_BYTES)
    found: list[Given] = []
    for each in _reader(path, text)(text, problems):
        if len(found) >= MOST_SETTINGS:
            problems.add("D150", f"has more than {MOST_SETTINGS} settings", each.line)
            break
        size = len(each.value) if isinstance(each.value, str) else sum(map(len, map(str, each.value)))
        if size > LONGEST_VALUE:
            said = f'the value of "{each.name[:80]}" has {size} characters; {LONGEST_VALUE} are the most'
            problems.add("D150", said, each.line)
        found.append(Given(each.name, each.value, each.line, each.group, path.name))
    if not found and not problems:
        problems.add("D150", "holds no setting that can be read", 0)
    problems.end()
    return found


def _reader(path: Path, text: str) -> Reader:
    """The reader for a file, told by what it looks like; names only decide where that says nothing."""
    from engine.moving.settings import dump, markup, php, words

    suffix, start = path.suffix.lower(), text.lstrip()[:200]
    if suffix not in (".yml", ".yaml") and words.is_call(text):
        return words.read
    if start.startswith("<?php") or re.match(r"(?:return\s+)?(?:array\s*\(|\[\s*['\"])", start):
        return php.read
    if start.startswith("<"):
        return markup.read_xml
    if looks_like_json(text):
        return read_json
    if re.search(r"^[ \t]*INSERT[ \t]+(?:IGNORE[ \t]+)?INTO\b", text, re.IGNORECASE | re.MULTILINE):
        return dump.read
    if suffix == ".csv" or re.match(r"[\"']?(?:[\w .()+-]+[\"']?[,;\t])+[\"']?[\w .()+-]+[\"']?\s*\n", start):
        return read_csv
    if suffix in (".yml", ".yaml") or start.startswith("---") or re.match(r"[\w.-]+:(?:\s|$)", start):
        return markup.read_yaml
    return words.read


def read_json(text: str, problems: Problems) -> Iterator[Given]:
    """Read JSON: an object of settings, a list of objects (a mailbox each), or such a line each."""
    try:
        whole = json.loads(text)
    except ValueError:
        whole = None
    except RecursionError:
        problems.add("D101", "is nested too deeply", 1)
        return
    entries = whole if isinstance(whole, list) else [whole] if isinstance(whole, dict) else []
    for number, row in enumerate(rows("\n".join(map(json.dumps, entries)) if entries else text, True, problems), 1):
        for name, value in row.values.items():
            yield Given(plain_name(name), value, 0 if entries else row.line, number)


def read_csv(text: str, problems: Problems) -> Iterator[Given]:
    """Read CSV: rows of name and value, or a row a mailbox with a column a setting."""
    for number, row in enumerate(rows(text, False, problems), 1):
        if "name" in row.values and set(row.values) <= {
            "id",
            "name",
            "value",
            "updated_on",
            "created_at",
            "updated_at",
        }:
            yield Given(plain_name(row.values["name"]), row.values.get("value", ""), row.line)
        else:
            for name, value in row.values.items():
                yield Given(plain_name(name), value, row.line, number)
