"""What a table looks like from outside: for whoever carries rows and does not ask what they mean.

Here: `Shape`, `shapes`. Not here: the tables (`tables/`). Invariant: parents stand before children.
"""

from __future__ import annotations

from msgspec import Struct

LEFT_OUT = frozenset({"trail"})
"""What processes tell each other is nothing to the ones that work elsewhere."""


class Shape(Struct, frozen=True):
    """A table: its columns and of which kind each is (int8, text, bytea, bool), its key, and whether that is a number
    which the database gives.
    """

    name: str
    kinds: dict[str, str]
    key: tuple[str, ...]
    numbered: bool


def shapes() -> tuple[Shape, ...]:
    """Give all tables that are carried."""
    from peewee import AutoField, CompositeKey

    from engine.store.tables.every import TABLES

    found = []
    for table in TABLES:
        fields, key = {field.name: field for field in table._meta.sorted_fields}, table._meta.primary_key
        names = key.field_names if isinstance(key, CompositeKey) else (getattr(key, "name", ""),)
        found.append(
            Shape(
                table._meta.table_name,
                {field.column_name: _kind(field) for field in fields.values()},
                tuple(fields[name].column_name for name in names),
                isinstance(key, AutoField),
            )
        )
    return tuple(shape for shape in found if shape.name not in LEFT_OUT)


def _kind(field: object) -> str:
    """Tell of which kind a column is; one that refers to a row is of the kind of its key."""
    from peewee import BlobField, BooleanField, TextField

    while getattr(field, "rel_field", None) is not None:
        field = field.rel_field  # type: ignore[attr-defined]
    for kinds, name in ((BlobField, "bytea"), (BooleanField, "bool"), (TextField, "text")):
        if isinstance(field, kinds):
            return name
    return "int8"
