"""The kinds of columns that tables are made of.

Here: short names for what peewee spells out, and `Table`. Not here: any table.
Invariant: every column that may be empty has a default in the database as well, so that an INSERT may leave it out.
"""

from __future__ import annotations

from typing import Any

from peewee import SQL, BigIntegerField, BooleanField, ForeignKeyField, Model, TextField


def to(model: Any, *, null: Any = False, index: bool = False) -> Any:
    """Refer to a row of another table; indexed only where a query asks for it."""
    return ForeignKeyField(model, null=null, index=index, backref="+")


def text(default: str = "", *, index: bool = False) -> Any:
    """Text that is empty unless something is said."""
    return TextField(constraints=[SQL(f"DEFAULT '{default}'")], default=default, index=index)


def number(default: int = 0) -> Any:
    """A number or a time, 0 unless something is said."""
    return BigIntegerField(constraints=[SQL(f"DEFAULT {default}")], default=default)


def flag(default: bool = False) -> Any:
    """Yes or no."""
    return BooleanField(constraints=[SQL(f"DEFAULT {int(default)}")], default=default)


class Table(Model):
    """What all tables share: they belong to no database of their own; a store binds them when it needs to."""

    class Meta:
        legacy_table_names = False
