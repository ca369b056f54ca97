"""How peewee writes for the database in use: queries that run seldom, and the schema.

Here: text from queries, and the making of tables. Not here: the connection (`database.py`), which runs what is written.
Invariant: peewee opens nothing of its own; whatever it wants to run goes through the `Database` it was given.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import peewee

from engine.store.tables.every import TABLES

if TYPE_CHECKING:
    from collections.abc import Callable


class Dialect(peewee.SqliteDatabase):
    """SQLite's words. `run` executes a text with its parameters and gives a cursor."""

    def __init__(self, run: Callable[..., Any]) -> None:
        super().__init__(None)
        self._run = run

    def execute_sql(self, sql: str, params: Any = None) -> Any:
        return self._run(sql, *(params or ()))

    def text(self, query: peewee.Query) -> tuple[str, list[Any]]:
        """Write a query as text and parameters; its models belong to no database, so it is told this one."""
        sql, params = self.get_sql_context().sql(query).query()  # type: ignore[no-untyped-call]
        return sql, params

    def make_tables(self) -> None:
        """Make every table of this release and its indexes."""
        with self.bind_ctx(TABLES):
            self.create_tables(TABLES, safe=False)
