"""Where every key and value of a TOML text stands.

Here: a scanner that maps key paths to places. Not here: the values, which tomllib reads.
Invariant: it is only asked about text that tomllib accepted, walks it once, and never raises on such text.
A path is a tuple of keys and, for elements of arrays, indices: ("workspace", "finance", "gates", "dmarc").
"""

from __future__ import annotations

import re
import tomllib
from bisect import bisect_right

from msgspec import Struct

Path = tuple[str | int, ...]

_BLANK = re.compile(r"(?:[ \t\n]|#[^\n]*)*")
_SPACE = re.compile(r"[ \t]*")
_BARE = re.compile(r"[A-Za-z0-9_-]+")
_SCALAR = re.compile(r"[^\s,\]}#](?:[^\n,\]}#]*[^\s,\]}#])?")
_STRING = re.compile(
    r'"""(?:[^"\\]|\\.|"(?!""))*"{3,5}|\'\'\'(?:[^\']|\'(?!\'\'))*\'{3,5}|"(?:[^"\\\n]|\\.)*"|\'[^\'\n]*\'',
    re.DOTALL,
)


class Span(Struct, frozen=True):
    """Offsets of a key and of its value into the text; for elements of arrays both are the value's."""

    key: tuple[int, int]
    value: tuple[int, int]


class Place(Struct, frozen=True):
    """A place for people: line and column from 1, in characters, and the line itself."""

    line: int
    column: int
    length: int
    excerpt: str


class Positions:
    """The places of all keys and values of one text."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._starts = [0, *(match.end() for match in re.finditer("\n", text))]
        self.spans: dict[Path, Span] = {}
        self._tables: dict[Path, int] = {}
        self._walk()

    def key(self, path: Path) -> Place | None:
        """Where the key stands; that of the nearest table around it where it has none."""
        span = self._nearest(path)
        return self._place(*span.key) if span else None

    def value(self, path: Path, at: int = -1) -> Place | None:
        """Where the value stands, or character `at` of a text in it."""
        span = self._nearest(path)
        if span is None:
            return None
        start, end = span.value
        quote = re.match("\"\"\"\n?|'''\n?|\"|'", self._text[start:end])
        if at >= 0 and quote and "\\" not in self._text[start:end].split("'")[0]:
            start = min(start + quote.end() + at, max(end - 1, start))
            end = start + 1
        return self._place(start, end)

    @property
    def values(self) -> int:
        """How many keys have a value."""
        return sum(span.key != span.value for span in self.spans.values())

    def at(self, offset: int, length: int = 1) -> Place:
        """The place of an offset."""
        return self._place(offset, offset + length)

    def _nearest(self, path: Path) -> Span | None:
        for length in range(len(path), 0, -1):
            if (span := self.spans.get(path[:length])) is not None:
                return span
        return None

    def _place(self, start: int, end: int) -> Place:
        line = bisect_right(self._starts, start)
        first = self._starts[line - 1]
        stop = self._text.find("\n", first)
        excerpt = self._text[first : stop if stop >= 0 else len(self._text)]
        return Place(line, start - first + 1, max(min(end, first + len(excerpt)) - start, 1), excerpt)

    def _walk(self) -> None:
        text, at, table = self._text, 0, ()
        here: Path = table
        while (at := _match(_BLANK, text, at)) < len(text):
            before = at
            if text[at] == "[":
                array = text.startswith("[[", at)
                keys, at = self._keys(at + 1 + array)
                here = self._header(keys, array)
                at = _match(_SPACE, text, at) + 1 + array
            else:
                at = self._pair(at, here)
            if at <= before:
                return

    def _header(self, keys: list[tuple[str, int, int]], array: bool) -> Path:
        path: Path = ()
        for number, (name, start, end) in enumerate(keys):
            path = (*path, name)
            last = number == len(keys) - 1
            self.spans.setdefault(path, Span((start, end), (start, end)))
            if last:
                self.spans[path] = Span((start, end), (start, end))
            if array and last:
                self._tables[path] = self._tables.get(path, -1) + 1
            if path in self._tables:
                path = (*path, self._tables[path])
                self.spans.setdefault(path, Span((start, end), (start, end)))
        return path

    def _pair(self, at: int, here: Path) -> int:
        keys, at = self._keys(at)
        at = _match(_SPACE, self._text, at)
        at = _match(_SPACE, self._text, at + 1)
        path = here
        for name, start, end in keys[:-1]:
            path = (*path, name)
            self.spans.setdefault(path, Span((start, end), (start, end)))
        path = (*path, keys[-1][0])
        stop = self._value(at, path)
        self.spans[path] = Span((keys[-1][1], keys[-1][2]), (at, stop))
        return stop

    def _keys(self, at: int) -> tuple[list[tuple[str, int, int]], int]:
        """The dotted key that starts here, each part with its offsets."""
        found: list[tuple[str, int, int]] = []
        while True:
            at = _match(_SPACE, self._text, at)
            quoted = self._text[at : at + 1] in ("'", '"')
            end = _match(_STRING if quoted else _BARE, self._text, at)
            name = self._text[at:end]
            if quoted:
                name = tomllib.loads("k=" + name)["k"] if "\\" in name else name[1:-1]
            found.append((name, at, end))
            after = _match(_SPACE, self._text, end)
            if self._text[after : after + 1] != ".":
                return found, end
            at = after + 1

    def _value(self, at: int, path: Path) -> int:
        """Skip the value that starts here, noting what is in it; its end."""
        opening = self._text[at : at + 1]
        if opening in ("'", '"'):
            return _match(_STRING, self._text, at)
        if opening == "[":
            return self._array(at, path)
        if opening == "{":
            return self._inline(at, path)
        return _match(_SCALAR, self._text, at)

    def _array(self, at: int, path: Path) -> int:
        at = _match(_BLANK, self._text, at + 1)
        number = 0
        while at < len(self._text) and self._text[at] != "]":
            element = (*path, number)
            stop = self._value(at, element)
            self.spans[element] = Span((at, stop), (at, stop))
            if stop == at:
                break
            at = _match(_BLANK, self._text, stop)
            if self._text[at : at + 1] == ",":
                at = _match(_BLANK, self._text, at + 1)
            number += 1
        return at + 1

    def _inline(self, at: int, path: Path) -> int:
        at = _match(_BLANK, self._text, at + 1)
        while at < len(self._text) and self._text[at] != "}":
            stop = self._pair(at, path)
            if stop <= at:
                break
            at = _match(_BLANK, self._text, stop)
            if self._text[at : at + 1] == ",":
                at = _match(_BLANK, self._text, at + 1)
        return at + 1


def _match(pattern: re.Pattern[str], text: str, at: int) -> int:
    found = pattern.match(text, at)
    return found.end() if found else at
