"""What happened, to one item or at all: the events, for people.

Here: `History`, which is `engine.ports.History`. Not here: writing those of acts and mails (`dispatches.py`), who
heard (`outbox.py`), the words of a query (`event_query.py`).
Invariant: an event is never changed; those of one item come by an index.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec

from engine.model.hearing import Change
from engine.model.sight import EVERY_ACT, ActSight
from engine.model.stored import EventRow
from engine.model.whole import as_json
from engine.store import hot, tables
from engine.store.database import Database, time
from engine.store.errors import NotFound

MOST_EVENTS = 10_000

AT_ONCE = 500


class History:
    """Lists events, and notes what people do beside items."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def of_item(self, item: int) -> list[EventRow]:
        event = tables.Event
        query = _rows().where(event.item == item).order_by(event.id).limit(MOST_EVENTS)
        return [_row(each) for each in self._database.all(query)]

    def events(
        self, query: str = "", limit: int = 100, *, after: int = 0, before: int = 0, sight: ActSight = EVERY_ACT,
        now: datetime | None = None,
    ) -> tuple[list[EventRow], bool]:  # fmt: skip
        from engine.store.event_query import WINDOW, read

        found, event = read(query, now or self._database.clock(), after, before, sight), tables.Event
        asked = found.statement
        numbers = [row[0] for row in self._database.rows(asked.sql, *asked.params, limit)]
        rows: list[EventRow] = []
        for start in range(0, len(numbers), AT_ONCE):
            here = _rows().where(event.id.in_(numbers[start : start + AT_ONCE])).order_by(event.id.desc())
            rows += [_row(each) for each in self._database.all(here)]
        newest = before or self._database.one(hot.NEWEST_EVENT)[0]
        return sorted(rows, key=lambda row: row.id), found.windowed and len(numbers) < limit and newest > WINDOW

    def note(
        self, name: str, by: str, via: str, said: str = "", *, mail: str = "", item: int = 0, topic: int = 0,
        workspace: str = "", account: int = 0,
    ) -> None:  # fmt: skip
        row, inbound = tables.Inbound, None
        with self._database.joining(noted=True):
            if mail:
                found = self._database.first(row.select(row.id).where(row.ref == mail))
                if found is None:
                    raise NotFound(f"there is no mail {mail}", mail)
                (inbound,) = found
            detail = {**({"account": account} if account else {}), **({"said": said} if said else {})}
            self._database.run(
                hot.EVENT, self._database.now(), name, by, via, item or None, topic or None, 0, workspace, inbound, 0,
                "", as_json(detail).decode() if detail else "",
            )  # fmt: skip

    def newest_event(self) -> int:
        return int(self._database.one(hot.NEWEST_EVENT)[0])


def _rows() -> Any:
    event, inbound = tables.Event, tables.Inbound
    return event.select(
        event.id, event.at, event.name, event.actor, event.via, event.item, event.topic, event.comment,
        event.workspace, inbound.ref, event.act, event.detail,
    ).join(inbound, tables.JOIN.LEFT_OUTER)  # fmt: skip


def _row(row: tuple[Any, ...]) -> EventRow:
    number, at, name, actor, via, item, topic, comment, workspace, mail, act, detail = row
    said: dict[str, Any] = msgspec.json.decode(detail) if detail else {}
    changes = tuple([Change(*each) for each in said.get("changes", ())])
    return EventRow(
        number, time(at), name, actor, via, item or 0, topic or 0, comment, workspace, mail or "", act, changes,
        said.get("code", ""), said.get("because", ""),
        {**said, "changes": changes} if changes else said,
    )  # fmt: skip
