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
    from engine.config.tidy import Finding, Path, Tidy
    from rules.places import Places


class Source:
    """The text of a file, the name it is called by in problems, and how its keys were spelled."""

    def __init__(self, file: str, text: str, tidy: Tidy) -> None:
        self.file = file
        self._text = text
        self._tidy = tidy

    @cached_property
    def places(self) -> Places:
        """The places of all keys and values."""
        from rules.places import Places

        return Places(self._text)

    def problem(self, finding: Finding) -> Problem:
        """Give a finding its place."""
        variable = (
            finding.path[1] if finding.path[:1] == ("",) else self._tidy.env.get(_prefix(finding, self._tidy), "")
        )
        if variable:
            return Problem(finding.code, finding.message, "environment", where=str(variable), help=finding.help,
                           severity=finding.severity)  # fmt: skip
        path = self._tidy.place(finding.path)
        places = self.places
        place = places.word(path) if finding.on_key else places.content(path, finding.at)
        if place is None:
            return Problem(finding.code, finding.message, self.file, help=finding.help, severity=finding.severity)
        return Problem(
            finding.code,
            finding.message,
            self.file,
            place.line,
            place.column,
            place.length,
            "" if finding.blind else place.excerpt,
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
                if line := self._line(part):
                    return f"{section}, {self.file}:{line}"
        return "default"

    def _line(self, path: Path) -> int:
        """The line of a key with a value; tables have none."""
        place = self.places.found.get(self._tidy.place(path))
        word = self.places.word(self._tidy.place(path))
        return word.line if word is not None and place is not None and place.start >= place.key_end else 0


def _prefix(finding: Finding, tidy: Tidy) -> Path:
    """The longest part of a finding's path that came from the environment."""
    for length in range(len(finding.path), 0, -1):
        if finding.path[:length] in tidy.env:
            return finding.path[:length]
    return ()
