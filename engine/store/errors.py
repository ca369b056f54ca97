"""The ways in which the store says no.

Here: exceptions whose text is a sentence for people. Not here: anything that needs the database driver, so that a
command can name these without paying for it.
Invariant: a `StoreError` means that the database is away, full, locked or not ours; nothing was written.
"""

from __future__ import annotations


class StoreError(Exception):
    """The database cannot be used now; the text says why and what to do."""


class OtherSchema(StoreError):
    """The database has the schema of another release."""


class Busy(StoreError):
    """Somebody else holds the database or a lock in it; trying again later helps."""


class NoRoom(StoreError):
    """There is too little room on the disk to take anything in."""


class NotFound(Exception):
    """There is no such thing, or more than one; the text names what was asked for, `value` is that alone."""

    def __init__(self, sentence: str, value: str = "") -> None:
        super().__init__(sentence)
        self.value = value


class Refused(Exception):
    """The thing is there, but this may not be done to it; the text says why, `value` is what stands in the way."""

    def __init__(self, sentence: str, value: str = "") -> None:
        super().__init__(sentence)
        self.value = value


class Unclear(Refused):
    """A query that means nothing; the text says what would."""


class Conflict(Exception):
    """A unique key or a reference forbids this row: somebody did it already, or something still needs it."""


class ClaimLost(Exception):
    """Another runner has taken this mail meanwhile: whatever was decided about it is void."""
