"""Where things stand in a TOML file: the places tomllib does not tell.

Here: one scan over a text that tomllib has already accepted, giving for every key and value its slice of the file,
the word that names it, and for a string the file index of each of its characters. Not here: what the values are.
Invariant: line ends are `\\n` (the caller turns `\\r\\n` into `\\n`, as tomllib does); indices count characters.
"""

from __future__ import annotations

import re
import tomllib
from bisect import bisect_right

from msgspec import Struct

Path = tuple[str | int, ...]
"""Keys from the root; tables of an array and elements of a list by number: ("rule", 0, "then", 1)."""

_Key = tuple[str, int, int]
"""A key of a dotted name and the slice of its word."""

_SPACE = re.compile(r"(?:[ \t\n]+|#[^\n]*)*")
_KEY = re.compile(r'"((?:[^"\\\n]|\\.)*)"|\'([^\'\n]*)\'|([A-Za-z0-9_-]+)')
_DOT = re.compile(r"[ \t]*\.[ \t]*")
_HEADER = re.compile(r"\[(\[)?[ \t]*")
_STRING = re.compile(
    r'"""(?:[^"\\]|\\.|"(?!""))*"{3,5}'
    r"|'''(?:[^']|'(?!''))*'{3,5}"
    r'|"(?:[^"\\\n]|\\.)*"'
    r"|'[^'\n]*'",
    re.DOTALL,
)
_BARE = re.compile(r"[^,\]}\n#]*")
_ESCAPE = re.compile(r"\\(?:u[0-9A-Fa-f]{4}|U[0-9A-Fa-f]{8}|[ \t]*\n[ \t\n]*|.)", re.DOTALL)


class Place(Struct, frozen=True):
    """A slice of the file; the key that leads to the value stands at `key_start` to `key_end`."""

    start: int
    end: int
    key_start: int = 0
    key_end: int = 0


class Spot(Struct, frozen=True):
    """What a person needs to find a place: line and column from 1, a length inside of the line, the line itself."""

    line: int
    column: int
    length: int
    excerpt: str


class Places:
    """The places of one file.

    `found` has the headers, the keys with a value and the elements of lists. `words` has the slice of the word that
    names each key and each table, of those too that are only named on the way (`a` in `[a.b]`); an element is its own.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self.found: dict[Path, Place] = {}
        self.words: dict[Path, tuple[int, int]] = {}
        self._lines = [0] + [found.end() for found in re.finditer("\n", text)]
        self._pos = 0
        self._counts: dict[Path, int] = {}
        self._scan()

    def line(self, path: Path) -> int:
        """The line where a table or value begins, 0 if it is not there."""
        place = self.found.get(path)
        return bisect_right(self._lines, place.key_start) if place else 0

    def spot(self, start: int, end: int) -> Spot:
        """Describe a slice; of one that spans lines only the first line is meant."""
        line = bisect_right(self._lines, start)
        first = self._lines[line - 1]
        last = self.text.find("\n", first)
        last = len(self.text) if last < 0 else last
        return Spot(line, start - first + 1, max(min(end, last) - start, 1), self.text[first:last])

    def key(self, path: Path) -> Spot:
        """The place of a key (or of a table header)."""
        place = self._nearest(path)
        return self.spot(place.key_start, place.key_end)

    def value(self, path: Path) -> Spot:
        """The place of a whole value."""
        place = self._nearest(path)
        return self.spot(place.start, place.end)

    def word(self, path: Path) -> Spot | None:
        """The place of the word that names a key or table, or what is around it; None where nothing is."""
        path = self._named(path)
        return self.spot(*self.words[path]) if path else None

    def content(self, path: Path, at: int = -1) -> Spot | None:
        """The place of a value, or of character `at` of a string; of a table the word that names it."""
        path = self._named(path)
        place = self.found.get(path)
        if place is None or place.key_end > place.start:
            return self.word(path)
        if at >= 0 and self.text[place.start] in "\"'":
            return self.inside(path, at, at + 1)
        return self.spot(place.start, place.end)

    @property
    def pairs(self) -> int:
        """How many keys have a value."""
        return sum(place.start > place.key_end > place.key_start for place in self.found.values())

    def inside(self, path: Path, start: int, end: int) -> Spot:
        """The place of the characters `start` to `end` of a string value."""
        return self.spot(*self.slice(path, start, end))

    def slice(self, path: Path, start: int, end: int) -> tuple[int, int]:
        """Characters `start` to `end` of a string value as indices into the file."""
        place = self.found.get(path)
        if place is None:
            place = self._nearest(path)
            return place.start, place.end
        offsets = self._offsets(place)
        first = offsets[min(start, len(offsets) - 1)]
        last = offsets[min(max(end, start + 1) - 1, len(offsets) - 1)] + 1
        return first, max(last, first + 1)

    def _nearest(self, path: Path) -> Place:
        """The place of a path, or of what it stands in."""
        while path and path not in self.found:
            path = path[:-1]
        return self.found.get(path, Place(0, 1, 0, 1))

    def _named(self, path: Path) -> Path:
        """A path that has a word, or that of what it stands in; () where nothing is."""
        while path and path not in self.words:
            path = path[:-1]
        return path

    def _offsets(self, place: Place) -> list[int] | range:
        """The file index of every character of a string value, and one more for its end."""
        text, start, end = self.text, place.start, place.end
        quote = text[start]
        width = 3 if text.startswith(quote * 3, start) and end - start >= 6 else 1
        inner = start + width
        if width == 3 and text.startswith("\n", inner):
            inner += 1
        end -= width
        if quote == "'" or text.find("\\", inner, end) < 0:
            return range(inner, end + 1)
        offsets: list[int] = []
        position = inner
        while position < end:
            escape = _ESCAPE.match(text, position) if text[position] == "\\" else None
            if escape is None:
                offsets.append(position)
                position += 1
                continue
            if width == 1 or not escape[0][1:].isspace():  # a backslash at the end of a line stands for nothing
                offsets.append(position)
            position = escape.end()
        return [*offsets, end]

    # ── the scan ──────────────────────────────────────────────────────────────────────────────────────────────

    def _scan(self) -> None:
        text, table = self.text, ()  # type: tuple[str, Path]
        while True:
            self._skip()
            if self._pos >= len(text):
                return
            start = self._pos
            header = _HEADER.match(text, start)
            if header:
                self._pos = header.end()
                keys = self._keys()
                end = text.find("]", self._pos)
                self._pos = (end if end >= 0 else len(text)) + (2 if header[1] else 1)
                table = self._table(keys, array=bool(header[1]))
                self.found[table] = Place(start, self._pos, start, self._pos)
            else:
                before = self._pos
                self._pair(table)
                if self._pos == before:  # not TOML; tomllib has said so
                    return

    def _table(self, keys: list[_Key], array: bool) -> Path:
        path: Path = ()
        for number, (name, *word) in enumerate(keys, 1):
            path = (*path, name)
            self._name(path, word, anew=number == len(keys))
            if array and number == len(keys):
                self._counts[path] = self._counts.get(path, -1) + 1
            if path in self._counts:
                path = (*path, self._counts[path])
                self._name(path, word)
        return path

    def _name(self, path: Path, word: list[int], anew: bool = False) -> None:
        """Note the word of a path: the first that names it, unless it is declared `anew`."""
        if anew or path not in self.words:
            self.words[path] = (word[0], word[1])

    def _skip(self) -> None:
        found = _SPACE.match(self.text, self._pos)
        if found:
            self._pos = found.end()

    def _keys(self) -> list[_Key]:
        keys: list[_Key] = []
        while found := _KEY.match(self.text, self._pos):
            basic, literal, bare = found.groups()
            name = bare or literal or (_unescaped(basic) if basic else "")
            keys.append((name, found.start(), found.end()))
            self._pos = found.end()
            dot = _DOT.match(self.text, self._pos)
            if not dot:
                break
            self._pos = dot.end()
        return keys

    def _pair(self, table: Path) -> None:
        start = self._pos
        keys = self._keys()
        end = self._pos
        equals = self.text.find("=", end)
        if equals < 0 or not keys:
            self._pos = start
            return
        path = table
        for name, *word in keys:
            path = (*path, name)
            self._name(path, word)
        self._pos = equals + 1
        self._value(path, start, end)

    def _value(self, path: Path, key_start: int, key_end: int) -> None:
        self._skip()
        text, start = self.text, self._pos
        string = _STRING.match(text, start)
        if string:
            self._pos = string.end()
        elif text.startswith("[", start):
            self._pos += 1
            self._list(path)
        elif text.startswith("{", start):
            self._pos += 1
            self._inline(path)
        else:
            bare = _BARE.match(text, start)
            self._pos = start + len(bare[0].rstrip()) if bare else start + 1
        self.found[path] = Place(start, self._pos, key_start, key_end)
        if key_start == key_end:
            self.words[path] = (start, self._pos)

    def _list(self, path: Path) -> None:
        number = 0
        while self._pos < len(self.text):
            self._skip()
            if self.text.startswith("]", self._pos):
                self._pos += 1
                return
            if self.text.startswith(",", self._pos):
                self._pos += 1
                continue
            before = self._pos
            self._value((*path, number), before, before)
            number += 1
            if self._pos == before:
                self._pos += 1

    def _inline(self, path: Path) -> None:
        while self._pos < len(self.text):
            self._skip()
            if self.text.startswith("}", self._pos):
                self._pos += 1
                return
            if self.text.startswith(",", self._pos):
                self._pos += 1
                continue
            before = self._pos
            self._pair(path)
            if self._pos == before:
                self._pos += 1


def _unescaped(text: str) -> str:
    """What stands between double quotes, read as TOML."""
    try:
        return str(tomllib.loads(f'x = "{text}"')["x"]) if "\\" in text else text
    except tomllib.TOMLDecodeError:
        return text
