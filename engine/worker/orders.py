"""What a worker and its deciders tell each other, a line of JSON each.

Here: the messages. Not here: who sends them (`deciders.py`, `decider.py`).
"""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

STOPPED, AWAY, BROKEN = 75, 69, 78
"""The exit codes of a decider that was asked to stop, whose database went away, whose configuration does not load."""

NOTE_BYTES = 8
"""What it takes to note a row."""


class Orders(Struct, frozen=True):
    """What a decider is told first. `note` is the open file of eight bytes in which it notes the mail in hand."""

    config: bytes
    note: int
    names: list[str] = []
    verbose: bool = False


class Drain(Struct, frozen=True):
    """Decide until nothing is due, or so many seconds are over."""

    seconds: float


class News(Struct, frozen=True, omit_defaults=True):
    """What a decider tells.

    It is `ready`, and works as `owner`; it is `idle` after it `decided` so many mails, and more may be `left`; it is
    `broken`, and `why`.
    """

    what: Literal["ready", "idle", "broken"]
    owner: str = ""
    decided: int = 0
    left: bool = False
    why: str = ""
