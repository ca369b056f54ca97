"""How peewee writes for the database in use: queries that run seldom, and the schema.

Here: text from queries, and the making of tables. Not here: the connection (`database.py`), which runs what is written.
Invariant: peewee opens nothing of its own; whatever it wants to run goes through the `Database` it was given.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar

import peewee

from engine.store.tables.every import TABLES

if TYPE_CHECKING:
    from collections.abc import Callable


_HIT = (
    "EXISTS (SELECT 1 FROM json_each(CAST(",
    " AS TEXT), '$.rules') AS read, json_each(read.value, '$.hits') AS hit "
    "WHERE json_extract(read.value, '$.digest') = ? AND json_extract(hit.value, '$.rule') = ?)",
)
"""The column of a trace stands between the two."""


class Dialect(peewee.Database, ABC):
    """The words of a database. `run` executes a text with its parameters and gives a cursor."""

    def __init__(self, run: Callable[..., Any]) -> None:
        super().__init__(None)
        self._run = run

    def execute_sql(self, sql: str, params: Any = None) -> Any:
        return self._run(sql, *(params or ()))

    def text(self, query: peewee.Query) -> tuple[str, list[Any]]:
        """Write a query as text and parameters; its models belong to no database, so it is told this one."""
        sql, params = self.get_sql_context().sql(query).query()  # type: ignore[no-untyped-call]
        return sql, params

    listed: ClassVar[str]
    """Numbers of a group as one text with commas, around an expression."""

    @abstractmethod
    def text_of(self, column: Any) -> Any:
        """Bytes as text in which what is ASCII is found."""

    @abstractmethod
    def holds(self, text: Any, part: str) -> Any:
        """Say that a text holds another one, letter for letter."""

    @abstractmethod
    def says_that_rule(self, trace: Any, digest: str, number: int) -> Any:
        """Say that a stored trace tells that a rule matched, by the digest of its file and its number in it."""

    def make_tables(self) -> None:
        """Make every table of this release and its indexes."""
        with self.bind_ctx(TABLES):
            self.create_tables(TABLES, safe=False)


class SqliteDialect(Dialect, peewee.SqliteDatabase):
    """SQLite's words."""

    listed = "group_concat({})"

    def text_of(self, column: Any) -> Any:
        return column.cast("TEXT")

    def holds(self, text: Any, part: str) -> Any:
        return peewee.fn.INSTR(text, part) > 0

    def says_that_rule(self, trace: Any, digest: str, number: int) -> Any:
        named = peewee.NodeList((peewee.SQL("instr("), trace, peewee.SQL(", CAST(? AS BLOB)) > 0", (digest,))))
        return named & peewee.NodeList((peewee.SQL(_HIT[0]), trace, peewee.SQL(_HIT[1], (digest, number))))
