"""What a script gets when it reaches for something that is not its own.

Here: the exceptions of the language fence and how a near name is suggested.
Not here: what is allowed (`attributes.py`, `names.py`).
Invariant: each is also the exception Python would raise there, so that `except AttributeError` and `hasattr` work.
"""

from __future__ import annotations

from collections.abc import Iterable


class Denied(Exception):
    """The language fence refused something while the script ran."""


class DeniedAttribute(Denied, AttributeError):
    """There is no such attribute for a script."""


class DeniedType(Denied, TypeError):
    """A value of this type has no place here."""


class DeniedValue(Denied, ValueError):
    """A value is too big, too long or of the wrong form."""


class UnknownName(Denied, KeyError, AttributeError):
    """There is no such field or table."""

    def __str__(self) -> str:
        return str(self.args[0]) if self.args else ""


def near(name: str, names: Iterable[str]) -> str:
    """Give `: did you mean 'x'?` for the nearest known name, or nothing."""
    if len(name) > 60:
        return ""
    folded = name.casefold()
    best, distance = "", 3 if len(name) > 4 else 2
    for number, candidate in enumerate(names):
        if number > 300:
            break
        found = _distance(folded, candidate.casefold(), distance)
        if found < distance:
            best, distance = candidate, found
    return f": did you mean {best!r}?" if best else ""


def _distance(left: str, right: str, most: int) -> int:
    """Count the edits between two short names (Levenshtein), `most` if there are that many or more."""
    if abs(len(left) - len(right)) >= most or len(right) > 60:
        return most
    row = list(range(len(right) + 1))
    for i, a in enumerate(left, 1):
        before, row[0] = row[0], i
        for j, b in enumerate(right, 1):
            before, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, before + (a != b))
    return min(row[-1], most)
