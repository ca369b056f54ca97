"""Step 4 of the schema: traces in a table of their own, items found by their receipts, counts of mails.

Here: the tables as they were made with this step, and filling them. Not here: when it runs (`migrations.py`).
Invariant: never changed once released, but where a later step changes what is counted: then that one counts anew, and
this one only makes the tables.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.store.recounting import recount

if TYPE_CHECKING:
    from engine.model.told import Told
    from engine.store.database import Database

_TABLES = (
    'CREATE TABLE "trace" ("id" INTEGER NOT NULL PRIMARY KEY, "content" BLOB)',
    (
        'CREATE TABLE "tally" ("span" INTEGER NOT NULL, "at" INTEGER NOT NULL, "mailbox" TEXT NOT NULL, '
        '"workspace" TEXT NOT NULL, "outcome" TEXT NOT NULL, "code" TEXT NOT NULL, "by_kind" TEXT NOT NULL, '
        '"by_name" TEXT NOT NULL, "lag" INTEGER NOT NULL, "mails" INTEGER NOT NULL, PRIMARY KEY ("span", "at", '
        '"mailbox", "workspace", "outcome", "code", "by_kind", "by_name", "lag")) WITHOUT ROWID'
    ),
    (
        'CREATE TABLE "rule_hit" ("span" INTEGER NOT NULL, "at" INTEGER NOT NULL, "file" TEXT NOT NULL, '
        '"digest" TEXT NOT NULL, "rule" INTEGER NOT NULL, "hits" INTEGER NOT NULL, "last_at" INTEGER NOT NULL, '
        'PRIMARY KEY ("span", "at", "file", "digest", "rule")) WITHOUT ROWID'
    ),
    (
        'CREATE TABLE "sender" ("address" TEXT NOT NULL PRIMARY KEY, "domain" TEXT NOT NULL, '
        '"name" TEXT NOT NULL DEFAULT \'\', "first_at" INTEGER NOT NULL, "last_at" INTEGER NOT NULL, '
        '"mails" INTEGER NOT NULL DEFAULT 0, "made" INTEGER NOT NULL DEFAULT 0, "held" INTEGER NOT NULL DEFAULT 0, '
        '"refused" INTEGER NOT NULL DEFAULT 0, "passed" INTEGER NOT NULL DEFAULT 0, '
        '"failed" INTEGER NOT NULL DEFAULT 0) WITHOUT ROWID'
    ),
    'CREATE INDEX "sender_domain" ON "sender" ("domain")',
    'CREATE INDEX "receipt_item" ON "receipt" ("item") WHERE item IS NOT NULL',
    'INSERT INTO "trace" ("id", "content") SELECT id, trace FROM receipt WHERE trace IS NOT NULL',
    'ALTER TABLE "receipt" DROP COLUMN "trace"',
)  # fmt: skip

_ON_SERVER = (("INTEGER", "BIGINT"), ("BLOB", "BYTEA"), ("TEXT", 'TEXT COLLATE "C"'), (" WITHOUT ROWID", ""))

_ROOM = tuple(f"ALTER TABLE {table} SET (fillfactor = 80)" for table in ("tally", "rule_hit", "sender"))


def take(database: Database, told: Told) -> None:
    """Take the step."""
    for text in _TABLES:
        for ours, theirs in _ON_SERVER if database.beside_others else ():
            text = text.replace(ours, theirs)
        database.run(text)
    for text in _ROOM if database.beside_others else ():
        database.run(text)
    recount(database, told)
