"""A piece of long work as somebody who waits for it sees it.

Here: frozen data. Not here: beginning and ending it (`jobs.py`), what its lines mean (who asks for it).
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from msgspec import Struct


class State(StrEnum):
    """How a job stands."""

    WAITS = "waits"
    RUNS = "runs"
    DONE = "done"
    FAILED = "failed"
    STOPPED = "stopped"
    TOO_LONG = "too_long"


class Job(Struct, frozen=True):
    """A job as it is now: how far it has come, `lines` once it is over, `said` where it failed.

    `key` is what was asked. `of` is 0 while nobody knows; `cut` tells that there were more lines.
    """

    id: str
    kind: str
    key: str
    state: State
    done: int = 0
    of: int = 0
    lines: tuple[dict[str, Any], ...] = ()
    said: str = ""
    cut: bool = False
    took_s: float = 0.0

    @property
    def is_over(self) -> bool:
        """Whether nothing more will come of it."""
        return self.state not in (State.WAITS, State.RUNS)
