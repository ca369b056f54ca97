"""Step 3 of the schema: events, who hears of them and why not.

Here: its statements as they were when it was released. Not here: the other steps (`migrations.py`), the tables of today.
Invariant: rows that waited to be sent are sent to whom they were for, under the Message-ID they had.
"""

# ruff: noqa: E501  (statements as they were)

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from engine.model.told import Told
    from engine.store.database import Database

_FIRST = (
    'CREATE TABLE "act" ("id" INTEGER NOT NULL PRIMARY KEY, "ref" TEXT NOT NULL, "key" TEXT, "by" TEXT NOT NULL, "typed_by" TEXT NOT NULL DEFAULT \'\', "via" TEXT NOT NULL DEFAULT \'\', "at" INTEGER NOT NULL, "item" INTEGER, "comment" INTEGER NOT NULL DEFAULT 0, "topic" INTEGER)',
    'ALTER TABLE "mailbox" ADD COLUMN "first_read_at" INTEGER NOT NULL DEFAULT 0',
    'ALTER TABLE "item" ADD COLUMN "language" TEXT NOT NULL DEFAULT \'\'',
    'ALTER TABLE "item" ADD COLUMN "merged_into" INTEGER NOT NULL DEFAULT 0',
    'ALTER TABLE "comment" ADD COLUMN "draft" INTEGER NOT NULL DEFAULT 0',
    'ALTER TABLE "mailbox" ADD COLUMN "last_mail_at" INTEGER NOT NULL DEFAULT 0',
    'ALTER TABLE "mailbox" ADD COLUMN "rhythm" TEXT NOT NULL DEFAULT \'\'',
    'ALTER TABLE "mailbox" ADD COLUMN "retry_at" INTEGER NOT NULL DEFAULT 0',
    'ALTER TABLE "mailbox" ADD COLUMN "refused" TEXT NOT NULL DEFAULT \'\'',
    'ALTER TABLE "mailbox" ADD COLUMN "settings" TEXT NOT NULL DEFAULT \'\'',
    'ALTER TABLE "mailbox" ADD COLUMN "fault" TEXT NOT NULL DEFAULT \'\'',
    'ALTER TABLE "mailbox" ADD COLUMN "faulty" TEXT NOT NULL DEFAULT \'\'',
    'ALTER TABLE "mailbox" ADD COLUMN "next_at" INTEGER NOT NULL DEFAULT 0',
    'CREATE INDEX "mailbox_next" ON "mailbox" ("next_at")',
    'ALTER TABLE "inbound" ADD COLUMN "body_key" BLOB',
    (
        'CREATE TABLE "imported_marker" ("key" BLOB NOT NULL PRIMARY KEY, "item_id" INTEGER NOT NULL, "internal" INTEGER NOT '
        'NULL DEFAULT 0, FOREIGN KEY ("item_id") REFERENCES "item" ("id")) WITHOUT ROWID'
    ),
    'DROP INDEX "inbound_sender"',
    'CREATE INDEX "inbound_sender" ON "inbound" ("sender", "received_at", "decided_at", "state", "body_key") WHERE decided_at > 0',
    'CREATE TABLE "turn" ("name" TEXT NOT NULL PRIMARY KEY, "account" INTEGER NOT NULL DEFAULT 0) WITHOUT ROWID',
    'CREATE TABLE "left_alone" ("mailbox_id" INTEGER NOT NULL PRIMARY KEY, "since" INTEGER NOT NULL, "mails" INTEGER NOT NULL DEFAULT 0, "keys" TEXT NOT NULL DEFAULT \'\', FOREIGN KEY ("mailbox_id") REFERENCES "mailbox" ("id"))',
    'CREATE TABLE "listed" ("directory" TEXT NOT NULL, "address_key" TEXT NOT NULL, "at" INTEGER NOT NULL DEFAULT 0, "answer" TEXT NOT NULL, PRIMARY KEY ("directory", "address_key")) WITHOUT ROWID',
    'CREATE INDEX "listed_at" ON "listed" ("at")',
    'CREATE TABLE "trail" ("id" INTEGER NOT NULL PRIMARY KEY, "notes" BLOB)',
    'UPDATE "mailbox" SET first_read_at = ok_at',
    (
        'CREATE TABLE "address_state" ("address_key" TEXT NOT NULL PRIMARY KEY, "failures" INTEGER NOT NULL DEFAULT 0, '
        '"last_code" TEXT NOT NULL DEFAULT \'\', "suspended_at" INTEGER NOT NULL DEFAULT 0) WITHOUT ROWID'
    ),
    (
        'CREATE TABLE "event" ("id" INTEGER NOT NULL PRIMARY KEY, "at" INTEGER NOT NULL, "name" TEXT NOT NULL, "actor" '
        'TEXT NOT NULL DEFAULT \'\', "via" TEXT NOT NULL DEFAULT \'\', "item" INTEGER, "topic" INTEGER, "comment" INTEGER NOT '
        'NULL DEFAULT 0, "workspace" TEXT NOT NULL DEFAULT \'\', "inbound_id" INTEGER, "generation" INTEGER NOT NULL '
        'DEFAULT 0, "act" TEXT NOT NULL DEFAULT \'\', "detail" TEXT NOT NULL DEFAULT \'\', FOREIGN KEY ("inbound_id") '
        'REFERENCES "inbound" ("id"))'
    ),
    (
        'CREATE TABLE "item_copy" ("item_id" INTEGER NOT NULL, "address_key" TEXT NOT NULL, "address" TEXT NOT NULL, '
        '"name" TEXT NOT NULL DEFAULT \'\', "gone" INTEGER NOT NULL DEFAULT 0, PRIMARY KEY ("item_id", "address_key"), '
        'FOREIGN KEY ("item_id") REFERENCES "item" ("id")) WITHOUT ROWID'
    ),
    (
        'CREATE TABLE "mute" ("address_key" TEXT NOT NULL, "item" INTEGER NOT NULL DEFAULT 0, "until" INTEGER NOT NULL, '
        '"why" TEXT NOT NULL DEFAULT \'\', PRIMARY KEY ("address_key", "item")) WITHOUT ROWID'
    ),
    (
        'CREATE TABLE "preference" ("account_id" INTEGER NOT NULL, "workspace" TEXT NOT NULL, "key" TEXT NOT NULL, '
        '"value" TEXT NOT NULL, PRIMARY KEY ("account_id", "workspace", "key"), FOREIGN KEY ("account_id") REFERENCES '
        '"account" ("id")) WITHOUT ROWID'
    ),
    (
        'CREATE TABLE "trouble" ("name" TEXT NOT NULL PRIMARY KEY, "since" INTEGER NOT NULL, "told_at" INTEGER NOT NULL '
        'DEFAULT 0, "said" TEXT NOT NULL DEFAULT \'\', "refused" TEXT NOT NULL DEFAULT \'\', "settings" TEXT NOT NULL '
        "DEFAULT '') WITHOUT ROWID"
    ),
)

_OUTBOX = (
    'CREATE INDEX "comment_draft" ON "comment" ("item_id") WHERE draft = TRUE',
    'CREATE INDEX "event_desk" ON "event" ("name", "workspace") WHERE inbound_id IS NULL AND act = \'\'',
    'CREATE UNIQUE INDEX "act_key" ON "act" ("key")',
    'CREATE UNIQUE INDEX "act_ref" ON "act" ("ref")',
    'CREATE INDEX "event_act" ON "event" ("act") WHERE act <> \'\'',
    'ALTER TABLE "outbox" RENAME TO "old_outbox"',
    'DROP INDEX "outbox_dedupe"', 'DROP INDEX "outbox_message_id"', 'DROP INDEX "outbox_queued"',
    'DROP INDEX "outbox_recipient"', 'DROP INDEX "outbox_tried"',
    (
        'CREATE TABLE "outbox" ("id" INTEGER NOT NULL PRIMARY KEY, "dedupe" TEXT NOT NULL, "message_id" TEXT NOT NULL DEFAULT \'\', '
        '"inbound_id" INTEGER, "generation" INTEGER NOT NULL DEFAULT 0, "act" TEXT NOT NULL DEFAULT \'\', "event" TEXT NOT '
        'NULL DEFAULT \'\', "class" TEXT NOT NULL, "address_key" TEXT NOT NULL DEFAULT \'\', "account_id" INTEGER, "roles" '
        'TEXT NOT NULL DEFAULT \'\', "language" TEXT NOT NULL DEFAULT \'\', "item" INTEGER, "topic" INTEGER, "payload" TEXT '
        'NOT NULL, "state" TEXT NOT NULL DEFAULT \'queued\', "why" TEXT NOT NULL DEFAULT \'\', "owner" TEXT, "claimed_until" '
        'INTEGER NOT NULL DEFAULT 0, "attempts" INTEGER NOT NULL DEFAULT 0, "next_at" INTEGER NOT NULL DEFAULT 0, "error" '
        'TEXT NOT NULL DEFAULT \'\', "created_at" INTEGER NOT NULL, "tried_at" INTEGER NOT NULL DEFAULT 0, "queued_at" '
        'INTEGER NOT NULL DEFAULT 0, "sent_in" INTEGER, "content" BLOB, FOREIGN KEY ("inbound_id") REFERENCES "inbound" ("id"), FOREIGN KEY ("account_id") '
        'REFERENCES "account" ("id"))'
    ),
    'CREATE INDEX "event_inbound" ON "event" ("inbound_id") WHERE inbound_id IS NOT NULL',
    'CREATE INDEX "event_item" ON "event" ("item") WHERE item IS NOT NULL',
    'CREATE INDEX "outbox_address" ON "outbox" ("address_key", "created_at")',
    'CREATE INDEX "outbox_class" ON "outbox" ("class", "created_at") WHERE state NOT IN (\'suppressed\', \'dropped\')',
    'CREATE INDEX "outbox_digest" ON "outbox" ("next_at") WHERE state = \'digest\'',
    'CREATE INDEX "outbox_inbound" ON "outbox" ("inbound_id") WHERE inbound_id IS NOT NULL',
    'CREATE INDEX "outbox_item" ON "outbox" ("item") WHERE item IS NOT NULL',
    'CREATE INDEX "outbox_queued" ON "outbox" ("state", "class", "next_at") WHERE state IN (\'queued\', \'sending\')',
    (
        'CREATE INDEX "outbox_state" ON "outbox" ("state", "created_at") WHERE state IN (\'held\', \'failed\', \'unknown\', '
        "'bounced')"
    ),
    'CREATE UNIQUE INDEX "outbox_dedupe" ON "outbox" ("dedupe")',
    'CREATE UNIQUE INDEX "outbox_message_id" ON "outbox" ("message_id") WHERE message_id <> \'\'',
)  # fmt: skip

_OLD = """
SELECT id, dedupe, message_id, inbound_id, generation, state, owner, claimed_until, attempts, next_at, error, created_at,
  tried_at, item, topic, kind, automatic, recipient, payload FROM old_outbox ORDER BY id"""

_NEW = """
INSERT INTO outbox (id, dedupe, message_id, inbound_id, generation, state, owner, claimed_until, attempts, next_at, error,
  created_at, tried_at, item, topic, class, event, address_key, account_id, language, payload)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"""

_LOGIN = "SELECT id FROM account WHERE login = ?"

_NAME = "SELECT id FROM account WHERE name_key = ? LIMIT 2"

_ADDRESS = "SELECT key, address FROM email WHERE account_id = ? ORDER BY position LIMIT 1"

_EVENTS = {
    "ack": "item.created", "account": "person.created", "comment_ack": "item.commented", "rejected": "mail.rejected",
    "held": "mail.held", "report": "mail.failed", "forward": "mail.forwarded", "notify": "item.changed",
}  # fmt: skip

_TEMPLATES = {"config_error": "waits", "notify": "changed"}


def take(database: Database, told: Told) -> None:
    """Take the step. A mail that is on its way while it is taken cannot be: a step runs alone."""
    for text in (*_FIRST, *_OUTBOX):
        database.run(text)
    rows = database.rows(_OLD)
    for number, (*kept, item, topic, kind, automatic, recipient, payload) in enumerate(rows):
        if number % 1000 == 0:
            told(number, len(rows))
        said = msgspec.json.decode(payload or "{}")
        new = _webhook(said) if kind == "webhook" else _mail(database, kind, automatic, recipient, said)
        database.run(_NEW, *kept, None if topic else item, topic, *new)  # early releases put down both
    database.run('DROP TABLE "old_outbox"')


def _webhook(said: dict[str, Any]) -> tuple[object, ...]:
    """The class, the event, whom it goes to and what it tells, in the words of today."""
    name, event = said.get("name", ""), said.get("event", "")
    return "webhook", event, name, None, "", _json({"to": name, "events": [event]})


def _mail(
    database: Database, kind: str, automatic: int, recipient: str, said: dict[str, Any]
) -> tuple[object, ...]:  # fmt: skip
    """The same of a mail; people were named by login or name, and their address was looked up when it was sent."""
    template = _TEMPLATES.get(said.get("template", ""), said.get("template", ""))
    event = "mail.waits" if template == "waits" else _EVENTS.get(kind, "")
    to, account = next(iter(said.get("to", ())), recipient), None
    if "@" not in to and (found := _person(database, to)) is not None:
        account, recipient, to = found
    told = {
        "to": to, "template": template, "because": said.get("reason", ""), "text": said.get("text", ""),
        "events": [event] if event else [],
    }  # fmt: skip
    name = "auto" if automatic else "notice"
    return name, event, recipient, account, said.get("language", ""), _json(told)


def _person(database: Database, who: str) -> tuple[int, str, str] | None:
    """The account of a login or of the only person of a name: its number, and key and text of its first address."""
    rows = database.rows(_LOGIN, who) or database.rows(_NAME, " ".join(who.split()).casefold())
    address = database.one(_ADDRESS, rows[0][0]) if len(rows) == 1 else None
    return (rows[0][0], *address) if address is not None else None


def _json(told: dict[str, object]) -> str:
    return msgspec.json.encode(told).decode()
