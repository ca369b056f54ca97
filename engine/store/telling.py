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
from engine.model.stored import HeldSince
from engine.store import hot
from engine.store.carrying import carry
from engine.store.database import time
from engine.store.dispatches import Dispatches, Source
from engine.store.not_arrived import NotArrived
from engine.store.outbox import decode

if TYPE_CHECKING:
    from datetime import datetime

    from engine.model.stored import Spooled
    from engine.ports import Teller
    from engine.store.database import Database
    from engine.store.memory import Memory
    from engine.store.scene import Scene


MOST_LOOKED_AT = 1_000
"""Events of one name, and rows that are held, that are looked at."""


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
            last = self._database.one(hot.LAST_OF_DESK, name, workspace, 1)
            batch = Batch((Happened(name),), tell, Actor(), workspace)
            occasion = f"{name}:{workspace}:{last[0] if last else 0}"
            source = Source(via="engine")
            return Dispatches(self._database, self._scene, teller).write(batch, source, dict.fromkeys(Kind, occasion))

    def not_arrived(
        self, number: int, said: str, teller: Teller | None, away_since: datetime | None = None
    ) -> tuple[int, ...]:
        with self._database.joining():
            happened, workspace = NotArrived(self._database, self._memory).note(number, said, away_since=away_since)
            if happened is None:
                return ()
            batch = Batch((happened,), Tell(), Actor(), workspace, happened.item, happened.topic)
            return Dispatches(self._database, self._scene, teller).write(batch, Source(via="engine"))

    def last(self, name: str, workspace: str, code: str = "") -> datetime | None:
        """When something of that name happened there last, to `code` if that is given."""
        rows = self._database.rows(hot.LAST_OF_DESK, name, workspace, MOST_LOOKED_AT if code else 1)
        return next((time(at) for _, at, detail in rows if not code or _code(detail) == code), None)

    def held(self) -> dict[str, HeldSince]:
        """Tell of each workspace where mail of others or ours is held since when."""
        mails = self._database.rows(hot.HELD_SINCE)
        found = {workspace: HeldSince(time(newest), time(oldest)) for workspace, newest, oldest in mails}
        for payload, at in self._database.rows(hot.HELD_OF_OURS, MOST_LOOKED_AT):
            place, since = decode(payload).workspace, time(at)
            known = found.get(place, HeldSince(None, since))
            found[place] = HeldSince(known.newest, min(known.oldest, since))
        return found

    def carry(self, now: datetime) -> tuple[int, ...]:
        """Write a row for each mail that carries rows whose slot has come."""
        return carry(self._database, self._scene, now)

    def _known(self, spooled: Spooled, tell: Tell) -> bool:
        rows = self._database.rows(hot.EVENTS_OF, spooled.row, spooled.generation, tell.event)
        return any(_code(detail) == tell.code for (detail,) in rows)


def _code(detail: str) -> str:
    return str(msgspec.json.decode(detail or "{}").get("code", ""))
