"""The files that another system writes: text of a bearable size, with a line for everything that is wrong.

Here: bytes to text, and problems at a line. Not here: what a format looks like (`tabular.py`, `ldif.py`, `vcard.py`,
the files of `settings/`).
Invariant: nothing is read beyond the limit; what is no text is said with its line, never guessed.
"""

from __future__ import annotations

import codecs
from pathlib import Path

from engine.store.load import LoadError
from engine.store.places import Text, Where
from rules.problem import Problem

MOST_BYTES = 64 << 20
MOST_PROBLEMS = 50
LONGEST_LINE = 1 << 20
EXCERPT = 100

_MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))


def read_text(path: Path, encoding: str = "utf-8", *, most: int = MOST_BYTES) -> str:
    """Read a text file, its line ends as `\\n`; a mark at its beginning says more of it than `encoding`.

    Raises LoadError for what cannot be read, is larger than `most` bytes, is no text in that encoding, or holds NUL.
    """
    try:
        with path.open("rb") as stream:
            content = stream.read(most + 1)
    except OSError as error:
        raise LoadError((Problem("D100", f"cannot be read: {error.strerror}", str(path)),)) from None
    if len(content) > most:
        raise LoadError((Problem("D100", f"is larger than {most >> 20} MB", path.name),))
    named = next((name for mark, name in _MARKS if content.startswith(mark)), encoding)
    try:
        text = content.decode(named)
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        advice = "if it is of an older Windows or spreadsheet: --encoding cp1252" if named == "utf-8" else ""
        raise LoadError((Problem("D100", f"is no text in {named}", path.name, line, help=advice),)) from None
    except UnicodeError:
        raise LoadError((Problem("D100", f"is no text in {named}", path.name),)) from None
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise LoadError((Problem("D100", "holds a NUL character: this is no text", path.name, line),))
    return text.replace("\r\n", "\n").replace("\r", "\n")


class Lines(Text):
    """The places of what was read out of a file line by line: an entry stands in one line.

    Problems of the loader name an entry by its table and number; `placed` says in which line that is.
    """

    def __init__(self, file: str) -> None:
        super().__init__(file, "", False)
        self.placed: dict[tuple[str, int], int] = {}

    def problem(self, code: str, message: str, path: Where, advice: str = "") -> Problem:
        """Make a problem at the line of an entry."""
        line = 0
        if len(path) > 1 and isinstance(path[0], str) and isinstance(path[1], int):
            line = self.placed.get((path[0], path[1]), 0)
        return Problem(code, message, self.file, line, help=advice)


class Problems:
    """All that is wrong with a file, up to a number that somebody still reads."""

    def __init__(self, file: str) -> None:
        self._file, self._more = file, 0
        self._found: list[Problem] = []

    def add(self, code: str, message: str, line: int, advice: str = "") -> None:
        """Note a problem at a line."""
        if len(self._found) < MOST_PROBLEMS:
            self._found.append(Problem(code, message, self._file, line, help=advice))
        else:
            self._more += 1

    def __bool__(self) -> bool:
        return bool(self._found)

    def end(self) -> None:
        """Raise LoadError if there are any."""
        if not self._found:
            return
        self._found.sort(key=lambda each: each.line)
        if self._more:
            self._found.append(Problem("D139", f"and {self._more} more problems like these", self._file))
        raise LoadError(tuple(self._found))


def excerpt(text: str) -> str:
    """Give the beginning of what a stranger wrote, for a sentence."""
    shown = " ".join(text.split())
    return shown if len(shown) <= EXCERPT else f"{shown[:EXCERPT]}…"
