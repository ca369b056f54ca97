"""What changing a row by its name takes, the same for people and for places.

Here: `number`, `put`, `remove`. Not here: any table of its own (`directory.py`, `workspaces.py`).
Invariant: putting the same thing twice changes nothing; what was not given stays as it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from engine.store.database import Database
from engine.store.errors import Conflict, NotFound, Refused
from engine.store.memory import Memory

if TYPE_CHECKING:
    from peewee import Field

    from engine.store.tables import Table


def number(database: Database, key: Field[Any], value: str, word: str) -> int:
    """Give the number of the row with that key. Raises NotFound, calling it by `word`."""
    row = database.first(key.model.select(key.model.id).where(key == value))
    if row is None:
        raise NotFound(f'there is no {word} "{value}"', value)
    return int(row[0])


def put(database: Database, memory: Memory, key: Field[Any], value: str, columns: Mapping[str, Any]) -> str:
    """Add a row, or change those of its columns that differ; tells `added`, `changed` or `same`.

    Unless it is the same, the memory forgets what it knows of people and places.
    """
    table: Any = key.model
    fields = [getattr(table, name) for name in columns]
    before = database.first(table.select(*fields or (key,)).where(key == value))
    if before is None:
        database.do(table.insert({key: value, **dict(zip(fields, columns.values(), strict=True))}))
        memory.touch("accounts")
        return "added"
    changes = {name: columns[name] for name, old in zip(columns, before, strict=False) if old != columns[name]}
    if not changes:
        return "same"
    database.do(table.update(**changes).where(key == value))
    memory.touch("accounts")
    return "changed"


def remove(database: Database, table: type[Table], row: int, because: str) -> None:
    """Take a row away. Raises Refused, saying `because`, if other rows need it."""
    any_table: Any = table
    try:
        database.do(any_table.delete().where(any_table.id == row))
    except Conflict:
        raise Refused(because) from None
