"""Sieve scripts (RFC 5228) as a tree: commands, tests, arguments, and the comments before them.

Here: a tolerant reader. Not here: what any of it means in rules (`sieve_import.py`).
Invariant: linear in the script; what cannot be read raises `SieveFault` with its line.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from msgspec import Struct

MAX_DEPTH = 64

_TOKEN = re.compile(
    r"(?P<blank>[ \t\r\n]+)"
    r"|(?P<comment>#[^\n]*|/\*.*?\*/)"
    r"|(?P<multi>text:[ \t]*(?:#[^\n]*)?\r?\n(?:(?!\.\r?\n).*\n)*\.\r?(?:\n|\Z))"
    r'|(?P<string>"(?:[^"\\]|\\.)*")'
    r"|(?P<number>\d+[KMGkmg]?\b)"
    r"|(?P<tag>:[A-Za-z_]\w*)"
    r"|(?P<word>[A-Za-z_]\w*)"
    r"|(?P<sign>[\[\](){},;])",
    re.DOTALL,
)
_MULTI = re.compile(r"text:[^\n]*\n(.*?)\.\r?\n?\Z", re.DOTALL)


class SieveFault(ValueError):
    """A script that is no Sieve. `line` counts from 1."""

    def __init__(self, message: str, line: int) -> None:
        super().__init__(message)
        self.message = message
        self.line = line


class Tag(Struct, frozen=True):
    """`:contains` and the like, lower case, without the colon."""

    name: str


Argument = str | int | Tag | tuple[str, ...]


class SieveTest(Struct, frozen=True):
    """A test: name, arguments, tests inside (of `not`, `allof`, `anyof`)."""

    name: str
    arguments: tuple[Argument, ...] = ()
    tests: tuple[SieveTest, ...] = ()


class Command(Struct, frozen=True):
    """A command: name, arguments, its test and block; `source` is its text, `comment` what stands above it."""

    name: str
    line: int
    source: str
    arguments: tuple[Argument, ...] = ()
    test: SieveTest | None = None
    block: tuple[Command, ...] | None = None
    comment: str = ""


@dataclass(slots=True)
class _Token:
    kind: str
    text: str
    start: int
    end: int
    comments: list[str] = field(default_factory=list)


def read(script: str) -> tuple[Command, ...]:
    """Read a script. Raises: SieveFault."""
    return _Reader(script).commands()


class _Reader:
    def __init__(self, script: str) -> None:
        self.script = script
        self.tokens = self._tokens()
        self.at = 0
        self.depth = 0

    def _tokens(self) -> list[_Token]:
        found: list[_Token] = []
        comments: list[str] = []
        position = 0
        while position < len(self.script):
            match = _TOKEN.match(self.script, position)
            if not match:
                raise SieveFault(f"{self.script[position]!r} cannot stand here", self._line(position))
            position = match.end()
            kind = match.lastgroup or ""
            if kind == "comment":
                comments.append(match[0].strip("#/* \t\r\n"))
            elif kind != "blank":
                found.append(_Token(kind, match[0], match.start(), match.end(), comments))
                comments = []
        return found

    def _line(self, position: int) -> int:
        return self.script.count("\n", 0, position) + 1

    def _fault(self, message: str) -> SieveFault:
        token = self._peek()
        return SieveFault(message, self._line(token.start if token else len(self.script)))

    def _peek(self) -> _Token | None:
        return self.tokens[self.at] if self.at < len(self.tokens) else None

    def _is(self, text: str) -> bool:
        token = self._peek()
        return token is not None and token.text == text

    def _take(self, text: str = "") -> _Token:
        token = self._peek()
        if token is None or (text and token.text != text):
            raise self._fault(f"{text or 'something'} is missing")
        self.at += 1
        return token

    # ── grammar ───────────────────────────────────────────────────────────────────────────────────────────────

    def commands(self, nested: bool = False) -> tuple[Command, ...]:
        found = []
        while self._peek() is not None and not (nested and self._is("}")):
            found.append(self._command())
        return tuple(found)

    def _command(self) -> Command:
        first = self._take()
        if first.kind != "word":
            raise SieveFault(f"{first.text!r} is no command", self._line(first.start))
        arguments = self._arguments()
        token = self._peek()
        test = self._test() if token is not None and token.kind == "word" else None
        block = None
        if self._is("{"):
            self.depth += 1
            if self.depth > MAX_DEPTH:
                raise self._fault("nested too deep")
            self._take("{")
            block = self.commands(nested=True)
            end = self._take("}").end
            self.depth -= 1
        else:
            end = self._take(";").end
        comment = " ".join(first.comments)
        source = self.script[first.start : end]
        return Command(first.text.lower(), self._line(first.start), source, arguments, test, block, comment)

    def _test(self) -> SieveTest:
        name = self._take().text.lower()
        arguments = self._arguments()
        tests: list[SieveTest] = []
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise self._fault("nested too deep")
        token = self._peek()
        if self._is("("):
            self._take("(")
            tests.append(self._test())
            while self._is(","):
                self._take(",")
                tests.append(self._test())
            self._take(")")
        elif token is not None and token.kind == "word":
            tests.append(self._test())
        self.depth -= 1
        return SieveTest(name, arguments, tuple(tests))

    def _arguments(self) -> tuple[Argument, ...]:
        found: list[Argument] = []
        while (token := self._peek()) is not None:
            if token.kind == "tag":
                found.append(Tag(token.text[1:].lower()))
            elif token.kind == "number":
                found.append(_number(token.text))
            elif token.kind in ("string", "multi"):
                found.append(_string(token))
            elif token.text == "[":
                found.append(self._list())
                continue
            else:
                break
            self.at += 1
        return tuple(found)

    def _list(self) -> tuple[str, ...]:
        self._take("[")
        texts: list[str] = []
        while not self._is("]"):
            token = self._take()
            if token.kind not in ("string", "multi"):
                raise SieveFault("a list holds texts", self._line(token.start))
            texts.append(_string(token))
            if self._is(","):
                self._take(",")
        self._take("]")
        return tuple(texts)


def _number(text: str) -> int:
    units = {"k": 1 << 10, "m": 1 << 20, "g": 1 << 30}
    unit = units.get(text[-1].lower())
    return int(text[:-1]) * unit if unit else int(text)


def _string(token: _Token) -> str:
    if token.kind == "multi":
        found = _MULTI.match(token.text)
        body = found[1] if found else ""
        return re.sub(r"(?m)^\.\.", ".", body.replace("\r\n", "\n")).rstrip("\n")
    return re.sub(r"\\(.)", r"\1", token.text[1:-1], flags=re.DOTALL)
