"""What a store must offer of what happened.

Here: `History`. Not here: writing the events that people hear of, which is part of a commit and of an act (`store.py`).
Invariant: an event is never changed but to forget a person.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from engine.model.sight import EVERY_ACT, ActSight

if TYPE_CHECKING:
    from datetime import datetime

    from engine.model.stored import EventRow


class History(Protocol):
    """What happened, for good: to one item, or what a query finds."""

    def of_item(self, item: int) -> list[EventRow]:
        """List what happened to an item, the oldest first."""

    def events(
        self, query: str = "", limit: int = 100, *, after: int = 0, before: int = 0, sight: ActSight = EVERY_ACT,
        now: datetime | None = None,
    ) -> tuple[list[EventRow], bool]:  # fmt: skip
        """List the newest events that a query finds, the oldest first, and tell whether older ones were not looked at.

        With `after` only those behind an event, with `before` those that came earlier. Raises Unclear.
        """

    def note(
        self, name: str, by: str, via: str, said: str = "", *, mail: str = "", item: int = 0, topic: int = 0,
        workspace: str = "", account: int = 0,
    ) -> None:  # fmt: skip
        """Write down for good what a person did beside items, or looked at.

        It is in the transaction that is open, or one of its own.
        `account` is the number of who else it is about. Raises NotFound for a mail that is not there.
        """

    def newest_event(self) -> int:
        """Give the number of the newest event, 0 where there is none."""
