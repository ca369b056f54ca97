"""How much waits for one person, as the links beside each page say it.

Here: `waits`. Not here: what waits (`held.py`, `outbox.py`), the links (`console/nav.py`). Invariant: what somebody may
not see is not counted, and costs nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from engine.desk.scope import Scope
    from engine.store.store import Store

MOST = 99
"""More than that is told as that."""


class Waits(Struct, frozen=True):
    """How many mails are held, and how many letters failed or are held; one more than `MOST` stands for all beyond."""

    held: int = 0
    letters: int = 0


def waits(store: Store, scope: Scope) -> Waits:
    """Count it."""
    return Waits(store.figures.held(scope.sight, MOST + 1), store.figures.letters(scope.letters, MOST + 1))


def told(number: int) -> str:
    """Say a number of these, "" for nothing."""
    return f"{MOST}+" if number > MOST else str(number) if number else ""
