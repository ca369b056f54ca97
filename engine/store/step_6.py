"""Step 6 of the schema: what stood in rule files when, what people are writing there and on items, and measures.

Here: the tables as they were made with this step, all of them empty, and two indexes. Not here: when it runs
(`migrations.py`). Invariant: never changed once released; no row that was there before is touched, so whoever works
meanwhile goes on, and waits for a second where a million mails are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from engine.store.database import Database

_TABLES = (
    (
        'CREATE TABLE "rule_version" ("id" INTEGER NOT NULL PRIMARY KEY, "place" TEXT NOT NULL, '
        '"digest" TEXT NOT NULL, "at" INTEGER NOT NULL, "actor" TEXT NOT NULL DEFAULT \'\', '
        '"via" TEXT NOT NULL DEFAULT \'\', "reason" TEXT NOT NULL DEFAULT \'\')'
    ),
    'CREATE INDEX "rule_version_place_id" ON "rule_version" ("place", "id")',
    (
        'CREATE TABLE "rule_draft" ("account_id" INTEGER NOT NULL, "place" TEXT NOT NULL, "base" TEXT NOT NULL, '
        '"text" TEXT NOT NULL, "at" INTEGER NOT NULL, PRIMARY KEY ("account_id", "place"), '
        'FOREIGN KEY ("account_id") REFERENCES "account" ("id")) WITHOUT ROWID'
    ),
    (
        'CREATE TABLE "begun_words" ("item" INTEGER NOT NULL, "account_id" INTEGER NOT NULL, "mode" TEXT NOT NULL, '
        '"words" TEXT NOT NULL, "at" INTEGER NOT NULL, PRIMARY KEY ("item", "account_id"), '
        'FOREIGN KEY ("account_id") REFERENCES "account" ("id")) WITHOUT ROWID'
    ),
    (
        'CREATE TABLE "measure" ("at" INTEGER NOT NULL, "what" TEXT NOT NULL, "key" TEXT NOT NULL, '
        '"power" INTEGER NOT NULL, "many" INTEGER NOT NULL, PRIMARY KEY ("at", "what", "key", "power")) WITHOUT ROWID'
    ),
    'CREATE INDEX "inbound_held" ON "inbound" ("code", "id", "state") WHERE state IN (\'held\', \'quarantined\')',
    (
        'CREATE INDEX "item_assigned" ON "item" (lower(assigned_to), "id") '
        "WHERE assigned_to <> '' AND closed_at IS NULL"
    ),
    'CREATE INDEX "sender_first_at" ON "sender" ("first_at")',
    (
        'CREATE INDEX "tally_held" ON "tally" ("workspace", "mailbox") '
        "WHERE span + 0 = 96 AND outcome IN ('held', 'error')"
    ),
)  # fmt: skip

_ON_SERVER = (
    ('"id" INTEGER', '"id" BIGSERIAL'), ("INTEGER", "BIGINT"), ("TEXT", 'TEXT COLLATE "C"'), (" WITHOUT ROWID", ""),
)  # fmt: skip


def take(database: Database) -> None:
    """Take the step."""
    for text in _TABLES:
        for ours, theirs in _ON_SERVER if database.beside_others else ():
            text = text.replace(ours, theirs)
        database.run(text)
