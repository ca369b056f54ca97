"""Markers of another system and the items they mean here: what a move brings along, asked by decisions.

Here: `Markers`, as `engine.ports.Markers` tells it. Not here: what a marker looks like (`mail/old_markers.py`).
Invariant: where none was brought in, no mail costs a statement: that there is none is remembered until one is put. A
marker is kept as a digest only, so nothing of anybody's mail is in it.
"""

from __future__ import annotations

from engine.mail.old_markers import of_message_id
from engine.model.answers import MessageMatch
from engine.store import hot
from engine.store.database import Database
from engine.store.errors import NotFound, Refused
from engine.store.item_facts import ItemLookups
from engine.store.memory import MARKERS, Memory


class Markers:
    """Puts and answers markers of another system."""

    def __init__(self, database: Database, memory: Memory, items: ItemLookups) -> None:
        self._database, self._memory, self._items = database, memory, items

    def item_of(self, markers: tuple[str, ...]) -> MessageMatch | None:
        if not markers or not self._are_any():
            return None
        for marker in markers:
            row = self._database.one(hot.BY_MARKER, _key(marker))
            if row is not None and (item := self._items.item(row[0])) is not None:
                return MessageMatch(marker, item, bool(row[1]), imported=True)
        return None

    def by_message_ids(self, message_ids: tuple[str, ...]) -> MessageMatch | None:
        if not self._are_any():
            return None
        return self.item_of(tuple(marker for each in message_ids for marker in of_message_id(each)))

    def put(self, marker: str, item: int, *, internal: bool = False, again: bool = False) -> str:
        with self._database.joining():
            if self._database.one(hot.ITEM_THERE, item) is None:
                raise NotFound(f"there is no item {item}", str(item))
            before = self._database.one(hot.BY_MARKER, _key(marker))
            if before is not None and (before[0], bool(before[1])) == (item, internal):
                return "same"
            if before is not None and not again:
                raise Refused(f"{marker} means item {before[0]} already", marker)
            self._database.run(hot.MARKER, _key(marker), item, internal)
            self._memory.forget(MARKERS)
            self._memory.touch("items")
        return "added" if before is None else "changed"

    def _are_any(self) -> bool:
        if self._memory.markers is None:
            self._memory.markers = self._database.one(hot.ANY_MARKER) is not None
        return self._memory.markers


def _key(marker: str) -> bytes:
    from engine.store.receipts import search_key

    return search_key(marker) or b""
