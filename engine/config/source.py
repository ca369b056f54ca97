"""The file behind a configuration: places for problems, origins for values.

Here: turning a finding into a problem with file, line, column and caret. Not here: what makes a finding.
Invariant: the text is scanned for positions only when somebody asks for one.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from typing import TYPE_CHECKING

from rules.problem import Problem

if TYPE_CHECKING:
    from engine.config.positions import Positions
    from engine.config.tidy import Finding, Path, Tidy


class Source:
    """The text of a file, the name it is called by in problems, and how its keys were spelled."""

    def __init__(self, file: str, text: str, tidy: Tidy) -> None:
        self.file = file
        self._text = text
        self._tidy = tidy

    @cached_property
    def positions(self) -> Positions:
        """The places of all keys and values."""
        from engine.config.positions import Positions

        return Positions(self._text)

    def problem(self, finding: Finding) -> Problem:
        """Give a finding its place."""
        variable = (
            finding.path[1] if finding.path[:1] == ("",) else self._tidy.env.get(_prefix(finding, self._tidy), "")
        )
        if variable:
            return Problem(finding.code, finding.message, "environment", where=str(variable), help=finding.help,
                           severity=finding.severity)  # fmt: skip
        path = self._tidy.place(finding.path)
        places = self.positions
        place = places.key(path) if finding.on_key else places.value(path, finding.at)
        if place is None:
            return Problem(finding.code, finding.message, self.file, help=finding.help, severity=finding.severity)
        return Problem(
            finding.code,
            finding.message,
            self.file,
            place.line,
            place.column,
            place.length,
            place.excerpt,
            help=finding.help,
            severity=finding.severity,
        )

    def origin(self, candidates: Iterable[Path]) -> str:
        """Where the first of these paths that is written stands."""
        for path in candidates:
            for length in range(len(path), 1, -1):
                part = path[:length]
                section = ".".join(map(str, part[:-1]))
                if part in self._tidy.env:
                    return f"environment {self._tidy.env[part]}"
                if (place := self._value(part)) is not None:
                    return f"{section}, {self.file}:{place}"
        return "default"

    def _value(self, path: Path) -> int | None:
        """The line of a key with a value; tables have none."""
        span = self.positions.spans.get(self._tidy.place(path))
        if span is None or span.key == span.value:
            return None
        return self.positions.at(span.key[0]).line


def _prefix(finding: Finding, tidy: Tidy) -> Path:
    """The longest part of a finding's path that came from the environment."""
    for length in range(len(finding.path), 0, -1):
        if finding.path[:length] in tidy.env:
            return finding.path[:length]
    return ()
