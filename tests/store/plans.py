"""How each database would run a statement: which tables it reads from end to end, which indexes it uses.

PostgreSQL is told that reading a table from end to end is dear, or it would do that with the few rows of a test.
"""

from __future__ import annotations

import re
from typing import Any

from engine.store.postgres import numbered
from engine.store.sqlite import Sqlite

WHOLE = re.compile(r"SCAN (\w+)(?: USING (?:COVERING )?INDEX (\w+))?")


def plan(database: Any, sql: str, params: int) -> list[str]:
    """The lines of the plan, for values that nobody knows yet."""
    if isinstance(database, Sqlite):
        return [detail for *_, detail in database.rows(f"EXPLAIN QUERY PLAN {sql}", *[None] * params)]
    run = database._connection.execute
    for setting in ("enable_seqscan = off", "enable_bitmapscan = off", "plan_cache_mode = force_generic_plan"):
        run(f"SET {setting}")
    run(b"PREPARE asked AS " + numbered(sql))
    try:
        nothing = f"({', '.join(['NULL'] * params)})" if params else ""
        return [line for (line,) in run(f"EXPLAIN EXECUTE asked{nothing}").fetchall()]
    finally:
        run("DEALLOCATE asked")


def read_whole(database: Any, sql: str, params: int, short: tuple[str, ...]) -> list[tuple[str, str]]:
    """The tables that a statement reads from end to end, but through the `short` indexes; each with the line."""
    lines = plan(database, sql, params)
    if not isinstance(database, Sqlite):
        found = [(each, re.search(r"Seq Scan on (\w+)", each)) for each in lines]
        return [(table[1], line.strip()) for line, table in found if table]
    whole = []
    for line in lines:
        table = WHOLE.match(line)
        if table and table[2] not in short and not line.startswith(("SCAN CONSTANT", "SCAN SCALAR")):
            whole.append((_called(table[1], sql), line))
    return whole


def _called(alias: str, sql: str) -> str:
    """The table behind a name in a statement: queries of peewee call them t1, t2, …"""
    found = re.search(rf'"(\w+)" AS "{alias}"', sql)
    return found[1] if found else alias
