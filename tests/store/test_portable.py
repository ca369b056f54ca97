"""The tables and what runs for every mail are words that PostgreSQL takes as well, as `hot.py` promises."""

from __future__ import annotations

import re
from typing import Any

import peewee
import psycopg
from store.test_hot import FRAGMENTS, NO_STATEMENT, texts

from engine.store.tables.every import TABLES

DIFFER = {"REPORTED", "REFUSED_TO"}
"""Statements that another database words otherwise: a look into JSON."""


class Words(peewee.PostgresqlDatabase):
    """How peewee writes for PostgreSQL; what only SQLite says of a table is left out."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        super().__init__(None)
        self._run = connection.execute

    def execute_sql(self, sql: str, params: Any = None) -> Any:
        sql = sql.removesuffix(" WITHOUT ROWID")
        return self._run(re.sub(r"(BOOLEAN NOT NULL DEFAULT) ([01])", r"\1 '\2'", sql).encode())


def test_every_table_and_every_statement_of_a_mail_is_one_text_for_postgresql(postgres: Any) -> None:
    refused: dict[str, str] = {}
    with psycopg.connect(postgres.where, autocommit=True) as connection:
        words = Words(connection)
        with words.bind_ctx(TABLES):
            words.create_tables(TABLES, safe=False)
        for case in texts():
            text = str(case.values[0])
            if text in NO_STATEMENT:
                continue
            pieces = (text + FRAGMENTS.get(text, "")).split("?")
            whole = pieces[0] + "".join(f"${number}{piece}" for number, piece in enumerate(pieces[1:], 1))
            try:
                connection.execute(f"PREPARE statement AS {whole}".encode())
                connection.execute("DEALLOCATE statement")
            except psycopg.Error as error:
                refused[case.id] = str(error).splitlines()[0]
    assert refused.keys() == DIFFER, refused
