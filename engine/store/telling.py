"""Telling of a mail that no receipt carries: it waits, the machine broke on it, a person closed it, or it is ours.

Here: `Telling`, a part of `engine.ports.Ledger`. Not here: what a decision tells (`commit.py`), the rows
(`dispatches.py`). Invariant: one event for each generation and reason, however often the mail is tried.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from msgspec.structs import replace

from engine.model.events import Kind, Why
from engine.model.hearing import Actor, Batch, Happened
from engine.model.plan import Tell
from engine.store import hot
from engine.store.database import moment, time
from engine.store.dispatches import Dispatches, Source
from engine.store.not_arrived import NotArrived

if TYPE_CHECKING:
    from datetime import datetime

    from engine.model.stored import Spooled
    from engine.ports import Teller
    from engine.store.database import Database
    from engine.store.memory import Memory
    from engine.store.scene import Scene


class Telling:
    """Writes what became of a mail beside its receipt."""

    def __init__(self, database: Database, scene: Scene, memory: Memory) -> None:
        self._database, self._scene, self._memory = database, scene, memory

    def tell(
        self, spooled: Spooled, tell: Tell, actor: Actor, workspace: str, teller: Teller | None,
        once: dict[Kind, str] | None = None,
    ) -> tuple[int, ...]:  # fmt: skip
        with self._database.joining():
            if self._known(spooled, tell):
                return ()
            if "quiet" in spooled.mode:
                tell = replace(tell, quiet=Why.QUIET)
            batch = Batch(
                (Happened(tell.event),), tell, actor, workspace, mailbox=spooled.raw.origin.mailbox, row=spooled.row
            )
            source = Source(spooled.row, spooled.mail, spooled.generation)
            return Dispatches(self._database, self._scene, teller).write(batch, source, once)

    def happened(self, name: str, workspace: str, tell: Tell, teller: Teller | None) -> tuple[int, ...]:
        """Write what no mail and no act did; who heard of the one before is told of this one again."""
        with self._database.joining():
            last = self._database.one(hot.LAST_OF_DESK, name, workspace)
            batch = Batch((Happened(name),), tell, Actor(), workspace)
            occasion = f"{name}:{workspace}:{last[0] if last else 0}"
            source = Source(via="engine")
            return Dispatches(self._database, self._scene, teller).write(batch, source, dict.fromkeys(Kind, occasion))

    def not_arrived(self, number: int, said: str, teller: Teller | None) -> tuple[int, ...]:
        with self._database.joining():
            happened, workspace = NotArrived(self._database, self._memory).note(number, said)
            if happened is None:
                return ()
            batch = Batch((happened,), Tell(), Actor(), workspace, happened.item, happened.topic)
            return Dispatches(self._database, self._scene, teller).write(batch, Source(via="engine"))

    def last(self, name: str, workspace: str) -> datetime | None:
        """When something of that name happened there last."""
        row = self._database.one(hot.LAST_OF_DESK, name, workspace)
        return moment(row[1]) if row else None

    def held(self) -> dict[str, tuple[datetime, datetime]]:
        """Give of each workspace where mail is held when the newest and the oldest of it was decided."""
        return {workspace: (time(newest), time(oldest)) for workspace, newest, oldest in
                self._database.rows(hot.HELD_SINCE)}  # fmt: skip

    def _known(self, spooled: Spooled, tell: Tell) -> bool:
        rows = self._database.rows(hot.EVENTS_OF, spooled.row, spooled.generation, tell.event)
        return any(msgspec.json.decode(detail or "{}").get("code") == tell.code for (detail,) in rows)
