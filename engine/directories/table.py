"""A table of people in a file, as spreadsheets write it.

Here: CSV bytes -> entries by address. Not here: what an entry says (`entry.py`).
Invariant: the file is read whole or not at all, and anew when it was changed; it is never written, and nothing in it is
ever computed. What cannot be read is `Away`, with the line.
"""

from __future__ import annotations

import csv
import io
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

from engine.directories.entry import LONGEST_ADDRESS, Away, Values, addresses, standing
from engine.model.addresses import key_of
from engine.model.answers import Listed

if TYPE_CHECKING:
    from engine.config.directory import Directory

MOST_BYTES, MOST_MB = 32 << 20, 32
"""A file that is bigger is not read: all of it is held in memory while mail is decided."""

DELIMITERS = ";\t,"
TRIES = 3
_PARTS = re.compile(r"[;,|\s]+")
_LIST = re.compile(r"[;,|]")

Stamp = tuple[int, int, int]


class Table:
    """A file with a line of names and a line a person; read when first asked, and again when it was changed."""

    def __init__(self, own: Directory) -> None:
        self._own = own
        self._path = own.path or Path()
        self._read_at: Stamp | None = None
        self._people: dict[str, list[Values]] = {}
        self._counted = ""

    def find(self, address: str) -> Listed:
        """Tell what the table says of an address. Raises: Away."""
        self._look_again()
        found = self._people.get(key_of(address), []) if len(address) <= LONGEST_ADDRESS else []
        return standing(found, self._own)

    def look(self) -> str:
        """Read it, and count. Raises: Away."""
        self._look_again()
        return self._counted

    def close(self) -> None:
        """Nothing is open between two readings."""

    def _look_again(self) -> None:
        try:
            if self._read_at is None or _stamp(os.stat(self._path)) != self._read_at:  # noqa: PTH116 - a stat a look
                self._read()
        except OSError as error:
            raise Away(f"{self._path} cannot be read: {error.strerror}") from None

    def _read(self) -> None:
        stamp, content = self._content()
        try:
            text = content.decode("utf-8-sig" if self._own.encoding == "utf-8" else self._own.encoding)
        except UnicodeError as error:
            line = content[: getattr(error, "start", 0)].count(b"\n") + 1
            raise Away(
                f"{self._path} is not {self._own.encoding}: line {line} is not; encoding says how it is"
            ) from None
        self._people, self._counted = _rows(text, self._own, self._path)
        self._read_at = stamp

    def _content(self) -> tuple[Stamp, bytes]:
        """The bytes, all of one moment."""
        for _ in range(TRIES):
            with self._path.open("rb") as file:
                before = os.fstat(file.fileno())
                if before.st_size > MOST_BYTES:
                    size = f"{before.st_size / (1 << 20):.0f} MB"
                    raise Away(f"{self._path} has {size}: more than {MOST_MB} MB are not read")
                content = file.read(MOST_BYTES + 1)
                after = os.fstat(file.fileno())
            if _stamp(before) == _stamp(after) and len(content) == after.st_size:
                return _stamp(after), content
        raise Away(f"{self._path} changes while it is read")


LONGEST = 131_072
"""Characters of a field."""

_WRONG = {"unexpected end of data": "a quote that begins here has no end"}


def _stamp(state: os.stat_result) -> Stamp:
    return state.st_mtime_ns, state.st_size, state.st_ino


def _rows(text: str, own: Directory, path: Path) -> tuple[dict[str, list[Values]], str]:
    """The people by the keys of their addresses, and how many there are, in words. Raises: Away."""
    if "\0" in text:
        raise Away(f"{path} holds a NUL: it is no table")
    first = text.partition("\n")[0]
    wanted = own.attributes
    by = next((each for each in DELIMITERS if len(first.split(each)) > 1), ",")
    csv.field_size_limit(LONGEST)  # it counts for the whole process
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=by, strict=True)
    people: dict[str, list[Values]] = {}
    known, without, line = 0, [], 1
    try:
        heads = [name.strip().lower() for name in next(reader, [])]
        for each in sorted({"addresses", *wanted.written}):
            names = getattr(wanted, each)
            if names and not any(name.lower() in heads for name in names):
                raise Away(f'{path} has no column "{names[0]}" in its first line')
        line = reader.line_num + 1
        for row in reader:
            if any(map(str.strip, row[len(heads) :])):
                raise Away(f"{path}, line {line}: has {len(row)} columns, and the first line has {len(heads)}")
            values = _values(heads, row, own)
            theirs = addresses([each for name in wanted.addresses for each in values.get(name.lower(), ())])
            for address in theirs:
                there = people.setdefault(key_of(address), [])
                if values not in there:
                    there.append(values)
            known += bool(theirs)
            if values and not theirs:
                without.append(line)
            line = reader.line_num + 1
    except csv.Error as error:
        raise Away(f"{path}, line {line}: {_WRONG.get(str(error), error)}") from None
    return people, _counted(known, without)


def _counted(known: int, without: list[int]) -> str:
    """How many people there are; the lines that are nobody, for want of an address, beside them."""
    people = "1 person" if known == 1 else f"{known} people"
    if not without:
        return people
    lines = "a line has" if len(without) == 1 else f"{len(without)} lines have"
    first = f"line {without[0]}" if len(without) == 1 else f"the first is line {without[0]}"
    return f"{people}; {lines} no address ({first})"


def _values(heads: list[str], row: list[str], own: Directory) -> Values:
    """One line by the names of its columns; addresses and groups may be several in one field."""
    values: dict[str, list[str]] = {}  # two columns may have one name
    several = {name.lower() for name in own.attributes.addresses}
    lists = {name.lower() for name in own.attributes.groups}
    for head, value in zip(heads, row, strict=False):
        if text := value.strip():
            found = _PARTS.split(text) if head in several else _LIST.split(text) if head in lists else [text]
            values.setdefault(head, []).extend(found)
    return values
