"""The statements that run for every mail, written once so that the driver keeps them prepared.

Here: SQL text for spool, claim, commit and settle; its column lists are checked against the tables.
Not here: when they run (`spool.py`, `commit.py`, `effects.py`). Invariant: plain SQL with `?` and ON CONFLICT, as
SQLite and PostgreSQL know it; one statement touches as few rows and indexes as the protocol permits.
"""
# ruff: noqa: S608 - only names of our own tables and question marks are put into the statements

from __future__ import annotations

from engine.store import tables
from engine.store.tables import Table, columns, name_of
from engine.store.tables.mail import DECIDED, OPEN, PLANNED


def insert(table: type[Table], *names: str) -> str:
    """Write an INSERT for these columns. Raises KeyError for a column that the table does not have."""
    if missing := set(names) - set(columns(table)):
        raise KeyError(f"{name_of(table)} has no {', '.join(sorted(missing))}")
    return f"INSERT INTO {name_of(table)} ({', '.join(names)}) VALUES ({', '.join('?' * len(names))})"


def update(table: type[Table], *names: str, where: str) -> str:
    """Write an UPDATE of these columns. Raises KeyError for a column that the table does not have."""
    if missing := set(names) - set(columns(table)):
        raise KeyError(f"{name_of(table)} has no {', '.join(sorted(missing))}")
    return f"UPDATE {name_of(table)} SET {', '.join(f'{name} = ?' for name in names)} WHERE {where}"


# ── spool ─────────────────────────────────────────────────────────────────────────────────────────────────────

KNOWN = """
SELECT raw.id, raw.purged_at, inbound.id FROM raw_mail raw
LEFT JOIN inbound ON inbound.raw_id = raw.id AND inbound.mailbox_id = ? WHERE raw.digest = ?"""

RAW = insert(tables.RawMail, "digest", "size", "content", "truncated")

INBOUND = insert(
    tables.Inbound, "ref", "mailbox_id", "raw_id", "received_at", "reverse_path", "forward_paths", "source_key",
    "attempts", "owner", "claimed_until",
)  # fmt: skip

PRESENTATION = insert(
    tables.Presentation, "mailbox_id", "key", "inbound_id", "size", "first_seen", "last_seen",
    "action", "folder", "action_state",
) + """
ON CONFLICT (mailbox_id, key) DO UPDATE SET inbound_id = excluded.inbound_id, size = excluded.size,
  last_seen = excluded.last_seen, action = excluded.action, folder = excluded.folder,
  action_state = excluded.action_state, attempts = 0, why = ''"""  # fmt: skip

PLAN_OF = """
SELECT action, folder FROM presentation WHERE inbound_id = ? AND action <> '' ORDER BY last_seen DESC LIMIT 1"""

# ── claim ─────────────────────────────────────────────────────────────────────────────────────────────────────

WAITING = f"""
SELECT id, attempts, owner, claimed_until, code FROM inbound
WHERE {OPEN} AND state = 'received' AND mailbox_id = ? AND next_at <= ? AND attempts <= ?
ORDER BY next_at, id LIMIT ?"""

CLAIM = update(
    tables.Inbound, "attempts", "owner", "claimed_until", where="id = ? AND state = 'received' AND attempts = ?"
)

SIZE = "SELECT size FROM raw_mail JOIN inbound ON inbound.raw_id = raw_mail.id WHERE inbound.id = ?"

CLAIMED_ROWS = f"""
SELECT id, attempts, owner, claimed_until FROM inbound
WHERE {OPEN} AND state = 'received' AND mailbox_id = ? AND owner IS NOT NULL"""

GIVE_BACK = "UPDATE inbound SET owner = NULL, attempts = ? WHERE id = ?"

DIED_ON = "UPDATE inbound SET owner = NULL, next_at = ?, code = 'fault.crash', error = ? WHERE id = ?"

TRIED_MAILBOXES = f"""
SELECT DISTINCT mailbox.name FROM inbound JOIN mailbox ON mailbox.id = mailbox_id
WHERE {OPEN} AND inbound.state = 'received' AND next_at <= ? AND attempts > 0"""

SPOOLED = """
SELECT inbound.id, inbound.ref, inbound.generation, inbound.attempts, inbound.released, inbound.received_at,
  inbound.source_key, inbound.reverse_path, inbound.forward_paths, inbound.owner, mailbox.name, raw.content, raw.digest,
  raw.truncated, raw.size, raw.id, inbound.mode
FROM inbound JOIN raw_mail raw ON raw.id = inbound.raw_id JOIN mailbox ON mailbox.id = inbound.mailbox_id
WHERE inbound.id = ?"""

CLAIMED = "id = ? AND state = 'received' AND generation = ? AND attempts = ? AND owner = ?"
"""The compare of every compare-and-set: row, generation, attempts and owner of the claim."""

DEFER = update(
    tables.Inbound, "attempts", "code", "error", "next_at", where=CLAIMED
).replace(" WHERE", ", owner = NULL WHERE")  # fmt: skip

# ── commit ────────────────────────────────────────────────────────────────────────────────────────────────────

SETTLE_INBOUND = update(
    tables.Inbound, "state", "code", "message_id", "message_key", "content_key", "sender", "recipients", "subject",
    "decided_at", where=CLAIMED,
).replace(" WHERE", ", owner = NULL, error = '' WHERE")  # fmt: skip

RECEIPT = insert(
    tables.Receipt, "inbound_id", "generation", "outcome", "code", "because", "by_kind", "by_name", "by_file",
    "by_line", "workspace", "item", "topic", "comment", "decided_at", "trace",
)  # fmt: skip

PLAN = update(
    tables.Presentation, "action", "folder", "action_state", where="inbound_id = ?"
).replace(" WHERE", ", attempts = 0, why = '' WHERE")  # fmt: skip

EFFECT = insert(tables.Effect, "inbound_id", "generation", "kind", "n", "object", "detail")

ITEM = insert(
    tables.Item, "workspace_id", "title", "text", "quoted", "author_id", "sender", "type", "status", "priority",
    "category", "version", "assigned_to", "private", "created_at", "changed_at", "closed_at", "inbound_id", "html",
)  # fmt: skip

ITEM_AGAIN = update(
    tables.Item, "workspace_id", "title", "text", "quoted", "html", "changed_at", where="id = ?"
)  # fmt: skip

FIELD = (
    insert(tables.ItemField, "item_id", "field_id", "value")
    + """
ON CONFLICT (item_id, field_id) DO UPDATE SET value = excluded.value"""
)

LABEL = insert(tables.ItemLabel, "item_id", "label") + " ON CONFLICT (item_id, label) DO NOTHING"

COMMENT = insert(
    tables.Comment, "item_id", "author_id", "sender", "text", "quoted", "internal", "created_at", "inbound_id", "html"
)

POST = insert(
    tables.Post, "topic_id", "author_id", "sender", "title", "text", "quoted", "created_at", "inbound_id", "html"
)

BLOB_BY_DIGEST = "SELECT id FROM blob WHERE digest = ?"

BLOB = insert(tables.Blob, "digest", "size", "content", "raw_id", "starts", "ends", "encoding")

ATTACHMENT = insert(
    tables.Attachment, "item_id", "topic_id", "comment", "blob_id", "name", "content_type", "inline", "content_id",
    "width_px", "height_px", "created_at",
)  # fmt: skip

OUTBOX = insert(
    tables.Outbox, "dedupe", "message_id", "inbound_id", "generation", "kind", "automatic", "recipient", "item",
    "topic", "payload", "created_at",
)  # fmt: skip

OUTBOX_ONCE = OUTBOX + " ON CONFLICT DO NOTHING"

# ── settle ────────────────────────────────────────────────────────────────────────────────────────────────────

# The + keeps SQLite from walking all keys of the mailbox in place of the few that wait.
PLANNED_ACTIONS = f"""
SELECT presentation.key, presentation.action, presentation.folder, presentation.size, inbound.message_id, raw.digest
FROM presentation JOIN inbound ON inbound.id = presentation.inbound_id JOIN raw_mail raw ON raw.id = inbound.raw_id
WHERE {PLANNED} AND +presentation.mailbox_id = ? ORDER BY presentation.attempts, presentation.key LIMIT ?"""

ACTION_DONE = update(tables.Presentation, "action_state", "why", where="mailbox_id = ? AND key = ?").replace(
    " WHERE", ", attempts = attempts + 1 WHERE"
)

# ── rates ─────────────────────────────────────────────────────────────────────────────────────────────────────

SENDER_RATE = f"""
SELECT count(*) FROM inbound WHERE {DECIDED} AND sender = ? AND received_at >= ? AND received_at < ?"""

TOTAL_RATE = f"SELECT count(*) FROM inbound WHERE {DECIDED} AND received_at >= ? AND received_at < ?"
