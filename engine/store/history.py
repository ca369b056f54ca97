"""What happened to an item or by a mail: the events, for people.

Here: `History`, a part of `engine.ports.Items`. Not here: writing them (`dispatches.py`), who heard (`outbox.py`).
Invariant: an event is never changed; those of one item come by an index.
"""

from __future__ import annotations

from typing import Any

import msgspec

from engine.model.hearing import Change
from engine.model.stored import EventRow
from engine.store import tables
from engine.store.database import Database, time

MOST_EVENTS = 10_000


class History:
    """Lists events."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def history(self, item: int) -> list[EventRow]:
        event, inbound = tables.Event, tables.Inbound
        query = (
            event.select(
                event.id, event.at, event.name, event.actor, event.via, event.item, event.topic, event.comment,
                event.workspace, inbound.ref, event.act, event.detail,
            )
            .join(inbound, tables.JOIN.LEFT_OUTER).where(event.item == item).order_by(event.id).limit(MOST_EVENTS)
        )  # fmt: skip
        return [_row(each) for each in self._database.all(query)]


def _row(row: tuple[Any, ...]) -> EventRow:
    number, at, name, actor, via, item, topic, comment, workspace, mail, act, detail = row
    said: dict[str, Any] = msgspec.json.decode(detail) if detail else {}
    changes = tuple([Change(*each) for each in said.get("changes", ())])
    return EventRow(
        number, time(at), name, actor, via, item or 0, topic or 0, comment, workspace, mail or "", act, changes,
        said.get("code", ""), said.get("because", ""),
    )  # fmt: skip
