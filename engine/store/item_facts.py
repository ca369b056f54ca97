"""Items and topics as decisions see them.

Here: `ItemLookups`, a part of `engine.ports.Items`, and how a field's value is stored. Not here: lists and views for
people (`item_views.py`), changing items (`effects.py`). Invariant: nothing of an item is remembered; every statement
is in `hot.py`.
"""

from __future__ import annotations

from operator import itemgetter
from typing import Any

import msgspec

from engine.model.addresses import bare, key_of
from engine.model.desk import Account, ItemFacts, Kind, Value
from engine.model.draft import Role
from engine.store import hot
from engine.store.database import Database, moment, time
from engine.store.directory import Directory
from engine.store.terms import COLUMNS

MERGED_INTO = 7
"""Where `hot.ITEM_FACTS` tells which item it was merged into."""

_PLACE = itemgetter(1)

MOST_MERGED = 20
"""Items that lead from one to the next; a longer way leads nowhere."""


class ItemLookups:
    """Answers questions about items and topics."""

    def __init__(self, database: Database, directory: Directory) -> None:
        self._database, self._directory = database, directory

    def item(self, item: int) -> ItemFacts | None:
        for _ in range(MOST_MERGED):
            if not 0 < item < 2**63 or (row := self._database.one(hot.ITEM_FACTS, item)) is None:
                return None
            if not row[MERGED_INTO]:
                return self._facts(item, row)
            item = row[MERGED_INTO]
        return None

    def exactly(self, item: int) -> ItemFacts | None:
        row = self._database.one(hot.ITEM_FACTS, item) if 0 < item < 2**63 else None
        return self._facts(item, row) if row is not None else None

    def _facts(self, item: int, row: tuple[Any, ...]) -> ItemFacts:
        workspace, title, closed_at, changed_at, private, sender, author, merged_into, *values = row
        held = dict(zip(COLUMNS, values, strict=True))
        people = {bare(sender)} if sender else set()
        people.update(self._names(author))
        answered = set(people)
        around = self._around(item)
        for number, address, role, _ in (*around["person"], *around["copy"]):
            names = self._names(number) if number else (key_of(address),)
            people.update(names)
            answered.update(names if role != Role.WATCHER else ())
        if held["assigned_to"]:
            people.update(_names(self._directory.login(held["assigned_to"])))
        writers = {bare(writer): published for published, writer, *_ in around["writer"]}
        people.update(writers)
        answered.update(writers)
        shown: dict[int, dict[str, None]] = {0: {}, 1: {}}
        for internal, *_, digest in around["file"]:  # what everybody may see, and what only a note or a draft holds
            shown[internal][bytes(digest).hex()] = None
        fields = [(name, value_of(stored)) for _, name, stored, _ in around["field"]]
        return ItemFacts(
            id=item, workspace=workspace, title=title, type=held["type"], status=held["status"],
            closed=closed_at is not None, closed_at=moment(closed_at), changed_at=moment(changed_at),
            private=bool(private),
            fields=(*((name, value) for name, value in held.items() if value), *fields),
            people=tuple(sorted(people)), answered=tuple(sorted(answered)),
            authorised=tuple([writer for writer, published in writers.items() if published]),
            attachment_digests=tuple(shown[0]), merged_into=merged_into, internal_digests=tuple(shown[1]),
        )  # fmt: skip

    def _names(self, account: int | None) -> tuple[str, ...]:
        return _names(self._directory.account_by_id(account) if account else None)

    def fields(self, item: int) -> tuple[tuple[str, Value], ...]:
        """Give the fields of an item that are no columns, by name."""
        return tuple((name, value_of(stored)) for name, stored in self._database.rows(hot.ITEM_FIELDS, item))

    def _around(self, item: int) -> dict[str, list[tuple[Any, ...]]]:
        """What stands around an item, by its kind and in its order: number, name, said, digest."""
        found: dict[str, list[tuple[Any, ...]]] = {"person": [], "copy": [], "writer": [], "file": [], "field": []}
        for kind, _, *row in sorted(self._database.rows(hot.ITEM_AROUND, *[item] * 5), key=_PLACE):
            found[kind].append(tuple(row))
        return found

    def foresee(self, item: int) -> None:
        """Hear that an item will most likely be asked for."""
        self._database.foresee(hot.ITEM_FACTS, item)
        self._database.foresee(hot.ITEM_AROUND, *[item] * 5)

    def topic(self, topic: int) -> ItemFacts | None:
        row = self._database.one(hot.TOPIC_FACTS, topic) if 0 < topic < 2**63 else None
        if row is None:
            return None
        people: set[str] = set()
        for number, sender in self._database.rows(hot.TOPIC_PEOPLE, topic):
            people.update(self._names(number))
            if sender:
                people.add(bare(sender))
        workspace, title, locked, created_at = row
        (changed_at,) = self._database.one(hot.TOPIC_CHANGED, topic)
        return ItemFacts(
            id=topic, workspace=workspace, title=title, kind=Kind.TOPIC, locked=bool(locked),
            changed_at=time(changed_at or created_at), people=tuple(sorted(people)),
        )  # fmt: skip

    def given(self, number: int, topic: bool) -> bool:
        (highest,) = self._database.one(hot.HIGHEST_NUMBER["topic" if topic else "item"])
        return number <= int(highest)

    def item_by_field(self, name: str, value: str) -> ItemFacts | None:
        texts = (stored_value(value), value, stored_value((value,)))
        row = self._database.one(hot.ITEM_BY_FIELD, name.strip().casefold(), *texts, *texts)
        return self.item(row[0]) if row and row[0] else None


def _names(account: Account | None) -> tuple[str, ...]:
    """Login and addresses of somebody, as mail is compared with them."""
    return (account.login.casefold(), *map(key_of, account.emails)) if account else ()


def stored_value(value: Value) -> str:
    """Give a field's value as it is stored: JSON text."""
    return msgspec.json.encode(value).decode()


def value_of(stored: str) -> Value:
    """Read a stored value of a field."""
    value = msgspec.json.decode(stored)
    return tuple(str(each) for each in value) if isinstance(value, list) else value
