"""A problem: something wrong in a configuration, a rule file or a script that a person has to mend.

Here: the one shape every problem has, and the one way it is printed.
Not here: defects (bad mail is data) and faults (broken code is an exception).
Invariant: problems come as a list, all of them at once, each with a place and, where one is known, a way out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from enum import StrEnum

from msgspec import Struct


class PatternError(ValueError):
    """A pattern that cannot be used. `position` is an index into the text as it was given, `length` what is meant."""

    def __init__(self, message: str, position: int = 0, help: str = "", *, length: int = 1, code: str = "E201") -> None:
        super().__init__(message)
        self.message = message
        self.position = position
        self.help = help
        self.length = length
        self.code = code


class Severity(StrEnum):
    """How much it matters: an error stops loading, a warning is worth reading, an info explains."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


class Problem(Struct, frozen=True):
    """One thing that is wrong and where.

    `line` and `column` count from 1; 0 means "the whole file". `column` and `length` count characters
    of `excerpt`, the line of the file as it stands there (without its line end).
    """

    code: str
    message: str
    file: str
    line: int = 0
    column: int = 0
    length: int = 1
    excerpt: str = ""
    where: str = ""
    help: str = ""
    severity: Severity = Severity.ERROR

    @property
    def place(self) -> str:
        """`file:line:column`, as far as each is known."""
        parts = [self.file]
        if self.line:
            parts.append(str(self.line))
            if self.column:
                parts.append(str(self.column))
        return ":".join(parts)


def in_order(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    """Sort by file, place and code, the order in which a reader meets them."""
    return tuple(sorted(problems, key=lambda p: (p.file, p.line, p.column, p.code, p.message)))


Paint = Callable[[str, str], str]
"""Puts a style, by its name, on a text: error, warning, info, place, help."""


def _plain(style: str, text: str) -> str:
    return text


def render(problem: Problem, paint: Paint = _plain) -> str:
    """Print a problem the way compilers do: headline, place, line, caret, help."""
    place = problem.place + (f"   ({problem.where})" if problem.where else "")
    headline = f"{paint(str(problem.severity), f'{problem.severity}[{problem.code}]')}: {problem.message}"
    gutter = len(str(problem.line)) if problem.line else 0
    bar = paint("place", "|")
    lines = [headline, f"{' ' * gutter}{paint('place', '-->')} {place}"]
    if problem.excerpt and problem.line:
        before = _blank(problem.excerpt[: max(problem.column - 1, 0)])
        carets = "^" * max(_width(problem.excerpt[max(problem.column - 1, 0) :][: problem.length]), 1)
        caret = before + paint(str(problem.severity), carets)
        lines += [f"{' ' * gutter} {bar}", f"{paint('place', str(problem.line))} {bar} {problem.excerpt}"]
        lines.append(f"{' ' * gutter} {bar} {caret}" if problem.column else f"{' ' * gutter} {bar}")
    if problem.help:
        first, *rest = problem.help.split("\n")
        lines.append(f"{' ' * gutter} = {paint('help', 'help')}: {first}")
        lines += [f"{' ' * gutter}         {line}" for line in rest]
    return "\n".join(lines)


def _blank(text: str) -> str:
    """Blanks as wide as `text` on a terminal; a tab stays a tab so that the caret stands below its character."""
    return "\t".join(" " * _width(part) for part in text.split("\t"))


def _width(text: str) -> int:
    """Columns that `text` takes on a terminal (wide East Asian characters two, combining marks none)."""
    if text.isascii():
        return len(text)
    from wcwidth import wcswidth

    return max(wcswidth(text), 0)
