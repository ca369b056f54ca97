"""That a console lives, and when it last answered somebody: for the service manager, and for `allegra health`.

Here: `Answered`, held by a console. Not here: the file and its lock (`run/alive.py`), what is made of it (`health.py`).
Invariant: a request costs nothing but every ten seconds; what cannot be noted keeps nobody from being answered.
"""

from __future__ import annotations

from pathlib import Path
from time import monotonic

from engine.run.alive import Alive
from engine.store.errors import StoreError

KIND = "console"

NOTED_S = 10.0
"""Seconds between two notes that somebody was answered."""


def _alive(beside: Path) -> Alive:
    try:
        return Alive(beside, KIND)
    except StoreError:
        return Alive(None, KIND)


class Answered:
    """One console beside a database; another one beside the same notes nothing."""

    def __init__(self, beside: Path) -> None:
        self._alive, self._noted = _alive(beside), 0.0

    def ready(self) -> None:
        """Tell the service manager that requests are answered from now on."""
        self._alive.say("READY=1")

    def note(self) -> None:
        """Note that somebody was answered now."""
        if monotonic() - self._noted >= NOTED_S:
            self._noted = monotonic()
            self._alive.touch()

    def close(self) -> None:
        """It ended by itself."""
        self._alive.say("STOPPING=1")
        self._alive.close()
