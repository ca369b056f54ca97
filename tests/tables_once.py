"""The statements that make the tables are written once in each process of the tests, and run for each of its stores.

Here: `remember`. Not here: running them, which is the product's. Writing them takes 15 ms, and thousands of tests have
a store.
Invariant: tables that were changed, as tests of upgrades do, are written anew.
"""

from __future__ import annotations

import functools
from typing import Any

from engine.store import dialect


def remember() -> None:
    """Let `Dialect.make_tables` run what it ran before for the same kind of database and the same tables."""
    written: dict[Any, list[tuple[str, Any]]] = {}
    make_tables = dialect.Dialect.make_tables

    @functools.wraps(make_tables)
    def again(self: dialect.Dialect) -> None:
        key = (type(self), *((table, *_shape(table)) for table in dialect.TABLES))
        if key in written:
            for sql, params in written[key]:
                self.execute_sql(sql, params)
            return
        run, ran = self.execute_sql, list[tuple[str, Any]]()

        def noting(sql: str, params: Any = None) -> Any:
            ran.append((sql, params))
            return run(sql, params)

        self.execute_sql = noting  # type: ignore[method-assign]
        try:
            make_tables(self)
        finally:
            del self.execute_sql
        written[key] = ran

    dialect.Dialect.make_tables = again  # type: ignore[method-assign]


def _shape(table: Any) -> tuple[Any, ...]:
    """What a table is made of: its columns and its indexes."""
    meta = table._meta
    columns = [(each.column_name, type(each), each.null, each.unique, each.index) for each in meta.sorted_fields]
    return meta.table_name, *columns, repr(meta.indexes), repr(meta.constraints)
