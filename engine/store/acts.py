"""What people do to items and topics: one transaction an act, by the same effects as a mail's.

Here: `Acts`, which is `Store.act`. Not here: what is permitted and what values mean (`desk/items.py`,
`desk/topics.py`), the effects (`effects.py`), who hears (`dispatches.py`). Invariant: an act is done whole or not at
all, and once for each key.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec.structs import replace

from engine.model.acts import Act, Acted
from engine.model.addresses import written
from engine.model.hearing import Actor, Batch, Change, Happened
from engine.store import hot, tables
from engine.store.dispatches import Dispatches, Source
from engine.store.effects import Effects, Shelves
from engine.store.keys import numbers, of_act

if TYPE_CHECKING:
    from engine.ports import Outbox, Teller
    from engine.store.scene import Scene


class Acts:
    """Carries out acts."""

    def __init__(self, shelves: Shelves, scene: Scene, outbox: Outbox) -> None:
        self._shelves, self._scene, self._outbox = shelves, scene, outbox
        self._database = shelves.database

    def act(self, act: Act, teller: Teller | None) -> Acted:
        database = self._database
        with database.joining():
            if database.beside_others:
                database.lock(numbers(of_act(act)))
            if act.key and (before := self.acted(act.key)) is not None:
                return before
            ref, now = f"a-{os.urandom(6).hex()}", self._database.now()
            address = next(iter(act.by.emails), "")
            sender = written(act.by.name, address.lower()) if address else ""
            done = Effects(self._shelves, Source(act=ref, via=act.via), now, sender)
            done.item, done.topic = act.item, act.topic
            done.apply(act.effects)
            self._write(act, ref, done, now)
            batch = done.batch(Actor(act.by, address, act.by.name), self._workspace(act))
            if batch is None:
                return Acted(ref, act.item, done.comment, (), (), topic=act.topic)
            rows = Dispatches(self._database, self._scene, teller).write(batch, Source(act=ref, via=act.via))
            self._shelves.memory.touch("items", "receipts")
            self._shelves.memory.forget_letters()
            told = [each for each in self._outbox.told(item=act.item, topic=act.topic) if each.id in rows]
            done.finish()
            return Acted(ref, act.item, done.comment, self._named(ref, batch), tuple(told), topic=act.topic)

    def _workspace(self, act: Act) -> str:
        where = (hot.TOPIC_WORKSPACE, act.topic) if act.topic else (hot.CLOSED_AT, act.item)
        return str(self._database.one(*where)[0])

    def _write(self, act: Act, ref: str, done: Effects, now: int) -> None:
        row = tables.Act
        self._database.do(
            row.insert(
                ref=ref, key=act.key or None, by=act.by.login, typed_by=act.typed_by, via=act.via, at=now,
                item=act.item or None, topic=act.topic or None, comment=done.comment,
            )
        )  # fmt: skip

    def _named(self, ref: str, batch: Batch) -> tuple[Happened, ...]:
        """The events by the names they were written under: an answer, where somebody inside spoke."""
        names = [name for (name,) in self._database.rows(hot.EVENTS_OF_ACT, ref)]
        return tuple([replace(each, event=name) for each, name in zip(batch.events, names, strict=True)])

    def acted(self, key: str) -> Acted | None:
        """Give what came of the act with this key: `engine.ports.Store.acted`."""
        row, event = tables.Act, tables.Event
        found = self._database.first(row.select(row.ref, row.item, row.comment, row.topic).where(row.key == key))
        if found is None:
            return None
        ref, item, comment, topic = found[0], found[1] or 0, found[2], found[3] or 0
        events = self._database.all(
            event.select(event.name, event.item, event.detail).where(event.act == ref).order_by(event.id)
        )
        happened = [Happened(name, of or item, topic, comment, _changes(detail)) for name, of, detail in events]
        told = [each for each in self._outbox.told(item=item, topic=topic) if each.act == ref]
        return Acted(ref, item, comment, tuple(happened), tuple(told), again=True, topic=topic)


def _changes(detail: str) -> tuple[Change, ...]:
    said: dict[str, Any] = msgspec.json.decode(detail) if detail else {}
    return tuple([Change(*each) for each in said.get("changes", ())])
