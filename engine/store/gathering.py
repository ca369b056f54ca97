"""Writes that wait until somebody reads: rows of one statement go over together.

Here: `Gathered`, what was put and of which table, and the numbers of rows that are given ahead. Not here: sending
(`postgres.py`). A statement costs a trip and some 80 us of both sides, a row of `executemany` half of that and no trip,
a row of COPY an eighth.
Invariant: whoever reads a table, or changes it otherwise, finds all that was put there before; what was put in a
transaction or savepoint that is taken back is gone with it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any

_NEW = re.compile(r"INSERT INTO (\w+) \(([\w, ]+)\) VALUES \([?, ]+\)(?: ON CONFLICT DO NOTHING)?")
_ROW = re.compile(r"VALUES (\([?, ]+\))")
_TABLE = re.compile(r"\b(?:FROM|JOIN|INTO|UPDATE)\s+\"?([a-z_]+)", re.IGNORECASE)

AHEAD = 64
"""Numbers that are taken at once for rows to come: those that are left are thrown away with the transaction."""

DENSE = frozenset({"item", "comment", "topic", "post", "inbound"})
"""Tables of whose numbers as many are taken as are wanted: people read them, and blocks of the ledger are counted."""

PARENTS = ("raw_mail", "inbound", "item", "comment")
"""Tables that others refer to: their new rows go before everything else, in this order."""

FEW = 8
"""So many rows of one statement and more are copied: that costs two trips, and a row the fifth of its statement."""

MOST_TOGETHER = 64
"""Rows of one statement that changes what is there; it has as many as a power of two, so that few texts are planned."""

Put = tuple[str, list[Sequence[Any]]]
"""A statement, and the values of each time it was put."""


@lru_cache(maxsize=2048)
def tables_of(sql: str) -> frozenset[str]:
    """Name every table that a statement reads or writes."""
    return frozenset(_TABLE.findall(sql))


@lru_cache(maxsize=2048)
def copied(sql: str) -> str:
    """Give what copies the rows of an INSERT, "" for another statement; a row that is there already is an error."""
    new = _NEW.fullmatch(sql)
    return f"COPY {new[1]} ({new[2]}) FROM STDIN (FORMAT BINARY)" if new else ""


@lru_cache(maxsize=256)
def for_rows(sql: str, many: int) -> str:
    """Give an INSERT of one row for so many."""
    return _ROW.sub(lambda found: f"VALUES {', '.join([found[1]] * many)}", sql, count=1)


@lru_cache(maxsize=2048)
def _rank(sql: str) -> int:
    """The place of a statement among those that go over together: new rows first, then the others as they came."""
    if not copied(sql):
        return len(PARENTS) + 1
    table = next(iter(tables_of(sql)))
    return PARENTS.index(table) if table in PARENTS else len(PARENTS)


class Gathered:
    """What was put and waits, in the order in which each statement came first."""

    def __init__(self) -> None:
        self._put: dict[str, list[Sequence[Any]]] = {}
        self._tables: set[str] = set()
        self.numbers: dict[str, list[int]] = {}

    def put(self, sql: str, params: Sequence[Any]) -> None:
        """Let one more wait."""
        waiting = self._put.get(sql)
        if waiting is None:
            waiting = self._put[sql] = []
            self._tables |= tables_of(sql)
        waiting.append(params)

    def concerns(self, sql: str) -> bool:
        """Tell whether something waits of a table that a statement reads or writes."""
        return bool(self._put) and not self._tables.isdisjoint(tables_of(sql))

    def taken(self, sql: str = "") -> Iterator[Put]:
        """Take out what waits of the tables of a statement, and whatever was put before it; all without one.

        What was put before may be what a row refers to.
        """
        wanted = tables_of(sql)
        names = sorted(self._put, key=_rank)
        last = max((n for n, each in enumerate(names) if not sql or tables_of(each) & wanted), default=-1)
        for name in names[: last + 1]:
            yield name, self._put.pop(name)
        self._tables = set().union(*map(tables_of, self._put))

    def clear(self) -> None:
        """Forget what waits."""
        self._put.clear()
        self._tables.clear()
