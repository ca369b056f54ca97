"""The schema in PostgreSQL, and how peewee writes for it.

Here: what of the tables (`tables/`) is said otherwise there, and what only PostgreSQL has. Not here: the connection
(`postgres.py`). Invariant: names and meanings of all columns are those of SQLite; what is added serves the server only.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import peewee

from engine.store.dialect import Dialect
from engine.store.tables.every import TABLES

_FLAG = re.compile(r"(BOOLEAN NOT NULL DEFAULT) ([01])")

OURS = (
    "CREATE SEQUENCE owner_number AS integer CYCLE",
    "DROP TABLE trail",
    "CREATE SEQUENCE trail_number CYCLE",
    """CREATE UNLOGGED TABLE trail (
  id bigint PRIMARY KEY DEFAULT nextval('trail_number'), notes bytea, session bigint NOT NULL DEFAULT 0,
  made xid8 NOT NULL DEFAULT pg_current_xact_id(), left_at timestamptz NOT NULL DEFAULT clock_timestamp())""",
    "CREATE INDEX trail_made ON trail (made)",
    "CREATE INDEX trail_left ON trail (left_at)",
    "DROP INDEX item_field_field_id_value_item_id",
    "CREATE INDEX item_field_value ON item_field (field_id, substr(value, 1, 400), item_id)",
    "CREATE INDEX inbound_due ON inbound (next_at, id) WHERE state = 'received' AND owner IS NULL",
    *[f"ALTER TABLE {table} ALTER content SET STORAGE EXTERNAL" for table in ("raw_mail", "blob", "outbox")],
    *[f"ALTER TABLE {table} SET (fillfactor = 80)" for table in ("inbound", "presentation", "outbox", "mailbox")],
    *[f"ALTER TABLE {table} SET (fillfactor = 80)" for table in ("tally", "rule_hit", "sender")],
)
"""Numbers of owners; what processes tell each other, which nobody needs after a crash (its numbers outlive one: a
sequence that belongs to an unlogged table is broken on a standby that takes over); how values of fields begin, for a
row of an index has at most 2,704 bytes; mails that workers claim; bytes whose slices are cheap; room on a page for what
claims, settlements and counts write."""


_HIT = (
    "EXISTS (SELECT 1 FROM json_array_elements(CAST(convert_from(",
    ", 'UTF8') AS json) -> 'rules') AS read, json_array_elements(read -> 'hits') AS hit "
    "WHERE read ->> 'digest' = ? AND hit ->> 'rule' = ?)",
)
"""The column of a trace stands between the two."""


class PostgresDialect(peewee.PostgresqlDatabase, Dialect):
    """PostgreSQL's words."""

    param = "?"
    listed = "array_to_string(array_agg({}), ',')"
    field_types = {  # noqa: RUF012 - so the class above has it
        **peewee.PostgresqlDatabase.field_types, "AUTO": "BIGSERIAL", "INT": "BIGINT", "TEXT": 'TEXT COLLATE "C"',
        "VARCHAR": 'VARCHAR COLLATE "C"',
    }  # fmt: skip

    def __init__(self, run: Callable[..., Any]) -> None:
        peewee.PostgresqlDatabase.__init__(self, None)
        self._run = run

    def get_binary_type(self) -> Any:
        return bytes

    def execute_sql(self, sql: str, params: Any = None) -> Any:
        return self._run(_FLAG.sub(r"\1 '\2'", sql.removesuffix(" WITHOUT ROWID")), *(params or ()))

    def text_of(self, column: Any) -> Any:
        return peewee.fn.encode(column, "escape")

    def holds(self, text: Any, part: str) -> Any:
        return peewee.fn.strpos(text, part) > 0

    def says_that_rule(self, trace: Any, digest: str, number: int) -> Any:
        named = peewee.NodeList(
            (peewee.SQL("position(convert_to(?, 'UTF8') IN ", (digest,)), trace, peewee.SQL(") > 0"))
        )
        return named & peewee.NodeList((peewee.SQL(_HIT[0]), trace, peewee.SQL(_HIT[1], (digest, str(number)))))

    def make_tables(self) -> None:
        with self.bind_ctx(TABLES):
            self.create_tables(TABLES, safe=False)
        for statement in OURS:
            self._run(statement)
