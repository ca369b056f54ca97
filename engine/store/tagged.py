"""Counting by person: rows whose address is a base address, or that with any tag.

Here: the statements. Not here: what a base address is (`model/addresses.py`).
Invariant: each is answered by the index on the address, however many rows lie in the time that is asked about.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from engine.store.database import Database


def count(
    database: Database, text: str, params: list[Any], column: str, moment: str, base: str, separators: str = ""
) -> int:
    """Count what a statement counts, of the rows whose `column` is the base or it with a tag.

    A tag stands behind `+` or one of `separators`; `moment` is the column of the times in the statement.
    """
    asked = by_address(text, params, column, moment, base, separators)
    return sum(int(database.one(sql, *values)[0]) for sql, values in asked)


def by_address(
    text: str, params: list[Any], column: str, moment: str, base: str, separators: str = ""
) -> Iterator[tuple[str, list[Any]]]:
    """Give the statements whose counts add up. The + of SQL keeps it from the index of times."""
    yield f"{text} AND {column} = ?", [*params, base]
    local, at, domain = base.rpartition("@")
    elsewhere = text.replace(f"{moment} >= ", f"+{moment} >= ").replace(f"{moment} < ", f"+{moment} < ")
    end_of = f"substr({column}, length({column}) - CAST(? AS INTEGER))"
    tagged = f"{elsewhere} AND {column} >= ? AND {column} < ? AND {end_of} = ?"
    for separator in sorted({"+", *separators}) if at else ():
        start, end = local + separator, local + chr(ord(separator) + 1)
        yield tagged, [*params, start, end, len(domain), f"@{domain}"]
