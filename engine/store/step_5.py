"""Step 5 of the schema: who is let in.

Here: the tables as they were made with this step, all of them empty. Not here: when it runs (`migrations.py`).
Invariant: never changed once released; nothing that was there before is touched, so whoever works meanwhile goes on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from engine.store.database import Database

_TABLES = (
    (
        'CREATE TABLE "credential" ("account_id" INTEGER NOT NULL PRIMARY KEY, "hash" TEXT NOT NULL, '
        '"set_at" INTEGER NOT NULL, "set_by" TEXT NOT NULL DEFAULT \'\', '
        'FOREIGN KEY ("account_id") REFERENCES "account" ("id"))'
    ),
    (
        'CREATE TABLE "session" ("hash" TEXT NOT NULL PRIMARY KEY, "account_id" INTEGER NOT NULL, '
        '"csrf" TEXT NOT NULL, "made_at" INTEGER NOT NULL, "seen_at" INTEGER NOT NULL, '
        '"sudo_at" INTEGER NOT NULL DEFAULT 0, "ip" TEXT NOT NULL DEFAULT \'\', "agent" TEXT NOT NULL DEFAULT \'\', '
        'FOREIGN KEY ("account_id") REFERENCES "account" ("id")) WITHOUT ROWID'
    ),
    'CREATE INDEX "session_account_id" ON "session" ("account_id")',
    (
        'CREATE TABLE "known_network" ("account_id" INTEGER NOT NULL, "network" TEXT NOT NULL, '
        '"at" INTEGER NOT NULL, PRIMARY KEY ("account_id", "network"), '
        'FOREIGN KEY ("account_id") REFERENCES "account" ("id")) WITHOUT ROWID'
    ),
    (
        'CREATE TABLE "login_failure" ("id" INTEGER NOT NULL PRIMARY KEY, "who" TEXT NOT NULL, '
        '"account" INTEGER NOT NULL DEFAULT 0, "network" TEXT NOT NULL DEFAULT \'\', "at" INTEGER NOT NULL)'
    ),
    'CREATE INDEX "login_failure_at" ON "login_failure" ("at")',
    'CREATE INDEX "login_failure_who_at" ON "login_failure" ("who", "at")',
    'CREATE INDEX "login_failure_network_at" ON "login_failure" ("network", "at")',
    (
        'CREATE TABLE "token" ("hash" TEXT NOT NULL PRIMARY KEY, "account_id" INTEGER NOT NULL, '
        '"name" TEXT NOT NULL, "made_at" INTEGER NOT NULL, "expires_at" INTEGER NOT NULL, '
        '"used_at" INTEGER NOT NULL DEFAULT 0, '
        'FOREIGN KEY ("account_id") REFERENCES "account" ("id")) WITHOUT ROWID'
    ),
    'CREATE INDEX "token_account_id" ON "token" ("account_id")',
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
