"""From a pattern as Python's `re` takes it to one that RE2 takes.

Here: reading a pattern once, from left to right. Not here: matching (`facades/regex.py`).
Invariant: linear in the pattern; what RE2 cannot do raises `NeedsBacktracking`, what nobody can do is left to RE2.
"""

from __future__ import annotations

import string
import unicodedata

from msgspec import Struct

IGNORECASE, MULTILINE, DOTALL, VERBOSE, ASCII = 2, 8, 16, 64, 256

_SPACE = r"\t-\r\x1c-\x20\x{85}\x{a0}\x{1680}\x{2000}-\x{200a}\x{2028}\x{2029}\x{202f}\x{205f}\x{3000}"
_OUTSIDE = {
    "d": r"\p{Nd}",
    "D": r"\P{Nd}",
    "w": r"[\p{L}\p{N}_]",
    "W": r"[^\p{L}\p{N}_]",
    "s": f"[{_SPACE}]",
    "S": f"[^{_SPACE}]",
}
_INSIDE = {"d": r"\p{Nd}", "D": r"\P{Nd}", "w": r"\p{L}\p{N}_", "s": _SPACE}
_FLAGS = {"i": IGNORECASE, "m": MULTILINE, "s": DOTALL, "x": VERBOSE, "a": ASCII, "u": 0}


class NeedsBacktracking(Exception):
    """The pattern looks around, refers back or is atomic: RE2 has none of these."""


class Translated(Struct, frozen=True):
    """A pattern for RE2; on some texts only the other engine means the same as Python.

    `bounded` has `\\b` (RE2 knows only ASCII words), `ended` has a `$` that also means "before the last newline".
    """

    text: str
    flags: int
    bounded: bool
    ended: bool


def translate(pattern: str, flags: int) -> Translated:
    """Write a pattern for RE2. Raises NeedsBacktracking where RE2 has no such thing."""
    return _Reader(pattern, flags).read()


class _Reader:
    __slots__ = ("at", "bounded", "ended", "flags", "out", "pattern", "quantified")

    def __init__(self, pattern: str, flags: int) -> None:
        self.pattern = pattern
        self.flags = flags
        self.at = 0
        self.out: list[str] = []
        self.bounded = self.ended = self.quantified = False

    def read(self) -> Translated:
        self._leading_flags()
        if self.flags & VERBOSE:
            raise NeedsBacktracking
        while self.at < len(self.pattern):
            self._token()
        names = "".join(n for n, bit in (("i", IGNORECASE), ("m", MULTILINE), ("s", DOTALL)) if self.flags & bit)
        return Translated((f"(?{names})" if names else "") + "".join(self.out), self.flags, self.bounded, self.ended)

    def _leading_flags(self) -> None:
        if not self.pattern.startswith("(?"):
            return
        end = self.pattern.find(")")
        letters = self.pattern[2:end]
        if end > 2 and all(letter in _FLAGS for letter in letters):
            for letter in letters:
                self.flags |= _FLAGS[letter]
            self.at = end + 1

    def _token(self) -> None:
        char = self.pattern[self.at]
        self.at += 1
        quantified, self.quantified = self.quantified, False
        if char == "\\":
            self._escape(inside=False)
        elif char == "[":
            self._set()
        elif char == "(":
            self._group()
        elif char == "$" and not self.flags & MULTILINE:
            self.ended = True
            self.out.append(r"\z")
        elif char in "*+?":
            if quantified and char == "+":
                raise NeedsBacktracking
            self.quantified = not quantified
            self.out.append(char)
        elif char == "{":
            self._braces()
        else:
            self.out.append(r"\]" if char == "]" else r"\}" if char == "}" else char)

    def _braces(self) -> None:
        end = self.pattern.find("}", self.at)
        low, comma, high = self.pattern[self.at : max(end, 0)].partition(",")
        if end < 0 or not (low or comma) or not all(not n or (n.isdecimal() and n.isascii()) for n in (low, high)):
            self.out.append(r"\{")
            return
        self.at = end + 1
        self.quantified = True
        self.out.append(f"{{{low or 0}{comma}{high}}}")

    def _group(self) -> None:
        if self.pattern[self.at : self.at + 1] != "?":
            self.out.append("(")
            return
        rest = self.pattern[self.at + 1 : self.at + 3]
        if rest.startswith("#"):
            end = self.pattern.find(")", self.at)
            self.at = len(self.pattern) if end < 0 else end + 1
        elif rest.startswith(":"):
            self.at += 2
            self.out.append("(?:")
        elif rest == "P<":
            self.at += 3
            self.out.append("(?P<")
        else:
            self._scoped_flags()

    def _scoped_flags(self) -> None:
        end = self.at + 1
        while self.pattern[end : end + 1] in (*"is-",) and end < len(self.pattern):
            end += 1
        if self.pattern[end : end + 1] != ":" or end == self.at + 1:
            raise NeedsBacktracking
        self.out.append("(" + self.pattern[self.at : end + 1])
        self.at = end + 1

    def _set(self) -> None:
        self.out.append("[")
        if self.pattern[self.at : self.at + 1] == "^":
            self.at += 1
            self.out.append("^")
        first = True
        while self.at < len(self.pattern):
            char = self.pattern[self.at]
            self.at += 1
            if char == "]" and not first:
                self.out.append("]")
                return
            first = False
            if char == "\\":
                self._escape(inside=True)
            else:
                self.out.append("\\" + char if char in "[]" else char)

    def _escape(self, *, inside: bool) -> None:
        char = self.pattern[self.at : self.at + 1]
        self.at += 1
        known = _INSIDE if inside else _OUTSIDE
        if char in known and char and not self.flags & ASCII:
            self.out.append(known[char])
        elif char in "dDwWsS" and char:
            if inside and not self.flags & ASCII:
                raise NeedsBacktracking
            self.out.append("\\" + char)
        elif char in ("u", "U"):
            digits = self.pattern[self.at : self.at + (4 if char == "u" else 8)]
            self.at += len(digits)
            self.out.append(f"\\x{{{digits}}}")
        elif char == "N" and self.pattern[self.at : self.at + 1] == "{":
            self._named()
        elif char in "123456789" and char:
            raise NeedsBacktracking
        elif char == "b" and inside:
            self.out.append(r"\x08")
        elif char in ("b", "B"):
            self.bounded = not self.flags & ASCII or self.bounded
            self.out.append("\\" + char)
        elif char == "Z":
            self.out.append(r"\z")
        elif char and char not in string.ascii_letters + string.digits:
            self.out.append("\\" + char if char in string.punctuation and char != "_" else char)
        else:
            self.out.append("\\" + char)

    def _named(self) -> None:
        end = self.pattern.find("}", self.at)
        try:
            char = unicodedata.lookup(self.pattern[self.at + 1 : end])
        except KeyError:
            raise NeedsBacktracking from None
        self.at = end + 1
        self.out.append(f"\\x{{{ord(char):x}}}")
