"""What a person does by command, console or connector, and what came of it.

Here: frozen data and nothing else. Not here: doing it (`desk/items.py`), writing it (`store/acts.py`).
"""

from __future__ import annotations

from msgspec import Struct

from engine.model.desk import Account
from engine.model.hearing import Happened
from engine.model.plan import Effect
from engine.model.stored import OutboxLine


class Act(Struct, frozen=True):
    """Something a person does to an item or a topic, with all its effects; the last of them is the `Tell`.

    `typed_by` is the user of the machine, where that is another one. `via` is what it came by. A repetition with the
    same `key` does nothing and gives the first result.
    """

    by: Account
    effects: tuple[Effect, ...]
    item: int
    typed_by: str = ""
    via: str = "command"
    key: str = ""
    topic: int = 0


class Acted(Struct, frozen=True):
    """What came of an act. `again`: it was done before under the same key. Below a `topic` the `comment` is a post."""

    ref: str
    item: int
    comment: int
    events: tuple[Happened, ...]
    told: tuple[OutboxLine, ...]
    again: bool = False
    topic: int = 0
