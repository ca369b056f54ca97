"""Whole tables, row by row: read and filled without a statement for each row.

Here: how each database streams a table, takes rows as they are, and stands still meanwhile. Not here: what is copied
where (`transfer.py`). Invariant: one row is in memory at a time, and what the driver holds of it, however long a
table is; rows come with the numbers and values they have.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from engine.store.postgres import Postgres
    from engine.store.sqlite import Sqlite

Row = tuple[Any, ...]
Rows = Generator[Row, None, None]


class Shape(Protocol):
    """What is known of a table: its name, its columns with their kinds, and those by which its rows are told apart."""

    @property
    def name(self) -> str:
        """As the database knows it."""

    @property
    def kinds(self) -> Mapping[str, str]:
        """Column -> int8, text, bytea or bool."""

    @property
    def key(self) -> Sequence[str]:
        """The primary key."""


class Bulk(Protocol):
    """A database's way to whole tables; within a transaction."""

    def keep_still(self, tables: Sequence[str]) -> None:
        """Keep everybody who would write in these tables waiting until the transaction ends. Raises Busy."""

    def rows(self, table: Shape) -> Rows:
        """Give all rows in the order of their key; nothing else is asked of the connection meanwhile."""

    def fill(self, table: Shape, rows: Iterable[Row]) -> None:
        """Put rows in as they are."""

    def number_on(self, table: str) -> None:
        """Let the next row be numbered behind all that there are."""


def _named(columns: Iterable[str]) -> str:
    return ", ".join(f'"{column}"' for column in columns)


_NUMBER_ON = "SELECT setval(pg_get_serial_sequence(?, 'id'), ?, CAST(? AS boolean))"


class SqliteBulk:
    """Through a cursor of its own, which steps through the table."""

    def __init__(self, database: Sqlite) -> None:
        self._database = database

    def keep_still(self, tables: Sequence[str]) -> None:
        """A rehearsal and a write transaction have done it."""

    def rows(self, table: Shape) -> Rows:
        columns, key = _named(table.kinds), _named(table.key)
        with self._database.driver() as connection:
            connection.text_factory = _readable
            try:
                yield from connection.execute(f'SELECT {columns} FROM "{table.name}" ORDER BY {key}')  # noqa: S608
            finally:
                connection.text_factory = str

    def fill(self, table: Shape, rows: Iterable[Row]) -> None:
        marks = ", ".join("?" * len(table.kinds))
        statement = f'INSERT INTO "{table.name}" ({_named(table.kinds)}) VALUES ({marks})'  # noqa: S608
        with self._database.driver() as connection:
            connection.executemany(statement, rows)

    def number_on(self, table: str) -> None:
        """It numbers on by itself."""


class PostgresBulk:
    """By COPY, in the binary form (PostgreSQL manual, COPY)."""

    def __init__(self, database: Postgres) -> None:
        self._database = database

    def keep_still(self, tables: Sequence[str]) -> None:
        self._database.run("SET LOCAL idle_in_transaction_session_timeout = 0")
        self._database.run("SET LOCAL lock_timeout = '30s'")
        self._database.run(f"LOCK TABLE {_named(tables)} IN SHARE ROW EXCLUSIVE MODE")

    def rows(self, table: Shape) -> Rows:
        columns, key = _named(table.kinds), _named(table.key)
        statement = f'COPY (SELECT {columns} FROM "{table.name}" ORDER BY {key}) TO STDOUT (FORMAT BINARY)'  # noqa: S608
        with self._database.driver() as cursor, cursor.copy(statement.encode()) as copy:
            copy.set_types([*table.kinds.values()])
            yield from copy.rows()

    def fill(self, table: Shape, rows: Iterable[Row]) -> None:
        statement = f'COPY "{table.name}" ({_named(table.kinds)}) FROM STDIN (FORMAT BINARY)'
        with self._database.driver() as cursor, cursor.copy(statement.encode()) as copy:
            copy.set_types([*table.kinds.values()])
            for row in rows:
                copy.write_row(row)

    def number_on(self, table: str) -> None:
        last = self._database.one(f'SELECT max(id) FROM "{table}"')[0]  # noqa: S608 - our own table
        self._database.rows(_NUMBER_ON, table, last or 1, last is not None)


def _readable(raw: bytes) -> str:
    """Read a text; what is no UTF-8 in it, which no statement of ours wrote, becomes a sign for that."""
    return raw.decode("utf-8", "replace")
