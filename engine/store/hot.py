"""The statements on the way of every mail, written once so that the driver keeps them prepared.

Here: SQL text for what runs for each mail (of a pass, or of many that are gone through), each question of a decision,
each visit to a mailbox, of `allegra run` or of monitoring, and each mail sent.
Not here: when they run, and every other statement, which is a query of peewee where it is used. Invariant: plain SQL
with `?` and ON CONFLICT, which a test lets PostgreSQL prepare as well, but for a look into JSON; one statement touches
as few rows and indexes as the protocol permits; a test prepares each against the tables, so no column is named that is
not there. Longer than other files because it is one table of texts.
Over 300 lines: statements only; what a mail costs is read in one place.
"""
# ruff: noqa: S608 - only names of our own tables and question marks are put into the statements

from __future__ import annotations

from engine.store.terms import (
    BY_ITSELF,
    COLLECTED,
    COLUMNS,
    COUNTED,
    DECIDED,
    DRAFT,
    IDENTIFIED,
    OF_THE_DESK,
    OPEN,
    PLANNED,
    QUEUED,
    TAKEN_AWAY,
    TO_SEE,
)


def insert(table: str, *names: str) -> str:
    """Write an INSERT for these columns."""
    return f"INSERT INTO {table} ({', '.join(names)}) VALUES ({', '.join('?' * len(names))})"


def update(table: str, *names: str, where: str) -> str:
    """Write an UPDATE of these columns."""
    return f"UPDATE {table} SET {', '.join(f'{name} = ?' for name in names)} WHERE {where}"


# ── spool ─────────────────────────────────────────────────────────────────────────────────────────────────────


def ended(count: int, *columns: str) -> str:
    """Go on with `LET_GO`: give so many mailboxes of one owner their next due time, and each a value of these columns.

    Before the values of each column stand the numbers. Whoever let one be due sooner than it was held is heard.
    """
    each = f"CASE id{' WHEN ? THEN CAST(? AS bigint)' * count} END"
    sets = "".join([f", {column} = {each}" for column in columns])
    due = f", next_at = CASE WHEN next_at = {each} THEN {each} ELSE next_at END"
    return f"{due}{sets} WHERE lease_owner = ? AND id IN ({', '.join('?' * count)})"


KEPT = "SELECT digest FROM raw_mail WHERE digest IN "
"""Goes on with a list of question marks."""

KNOWN = """
SELECT raw.id, raw.purged_at, inbound.id FROM raw_mail raw
LEFT JOIN inbound ON inbound.raw_id = raw.id AND inbound.mailbox_id = ? WHERE raw.digest = ?"""

RAW = insert("raw_mail", "digest", "size", "content", "truncated")

INBOUND = insert(
    "inbound", "ref", "mailbox_id", "raw_id", "received_at", "reverse_path", "forward_paths", "source_key",
    "attempts", "owner", "claimed_until", "mode", "message_key",
)  # fmt: skip

PRESENTATION = insert(
    "presentation", "mailbox_id", "key", "inbound_id", "size", "first_seen", "last_seen",
    "action", "folder", "action_state",
) + """
ON CONFLICT (mailbox_id, key) DO UPDATE SET inbound_id = excluded.inbound_id, size = excluded.size,
  last_seen = excluded.last_seen, action = excluded.action, folder = excluded.folder,
  action_state = excluded.action_state, attempts = 0, why = ''"""  # fmt: skip

PLAN_OF = """
SELECT action, folder FROM presentation WHERE inbound_id = ? AND action <> '' ORDER BY last_seen DESC LIMIT 1"""

SEEN_BEFORE = "SELECT state, ref, generation, received_at FROM inbound WHERE id = ?"

KEY_KNOWN = "SELECT 1 FROM presentation WHERE mailbox_id = ? AND key = ?"

RHYTHM = "SELECT last_mail_at, rhythm FROM mailbox WHERE id = ?"

CAME = update("mailbox", "last_mail_at", "rhythm", where="id = ?")

# ── claim ─────────────────────────────────────────────────────────────────────────────────────────────────────

WAITING = f"""
SELECT id, attempts, owner, claimed_until, code FROM inbound
WHERE {OPEN} AND state = 'received' AND mailbox_id = ? AND next_at <= ? AND attempts <= ?
ORDER BY next_at, id LIMIT ?"""

CLAIMABLE = """
SELECT inbound.id, raw.size FROM inbound JOIN raw_mail raw ON raw.id = raw_id JOIN mailbox ON mailbox.id = mailbox_id
WHERE inbound.state = 'received' AND inbound.owner IS NULL AND inbound.next_at <= ? AND inbound.attempts >= ?
  AND inbound.attempts <= ? AND mailbox.paused = '' AND mailbox.code <> ?"""
"""Of all mailboxes that do not pause. It goes on with which of them, an order, a limit and `Database.unlocked`."""

IN_TURN = "ORDER BY inbound.next_at, inbound.id LIMIT ?"

SPENT = f"""
SELECT DISTINCT mailbox.name FROM inbound JOIN mailbox ON mailbox.id = mailbox_id
WHERE {OPEN} AND inbound.state = 'received' AND owner IS NULL AND inbound.next_at <= ? AND attempts >= ?"""

CLAIM_ALL = """
UPDATE inbound SET attempts = attempts + 1, owner = ?, claimed_until = ? WHERE id IN """
"""Goes on with a list of question marks."""

GIVE_BACK_ALL = f"""
UPDATE inbound SET attempts = attempts - 1, owner = NULL, code = '', error = '',
  next_at = CASE WHEN received_at < ? THEN received_at ELSE ? END
WHERE {OPEN} AND state = 'received' AND owner = ? AND id IN """
"""Goes on with a list of question marks."""

OWNERS = f"SELECT DISTINCT owner FROM inbound WHERE {OPEN} AND state = 'received' AND owner IS NOT NULL"

HELD_ROWS = f"""
SELECT id, attempts, mailbox_id FROM inbound
WHERE {OPEN} AND state = 'received' AND owner = ? AND claimed_until <= ?"""

DUE_MAIL = f"""
SELECT 1 FROM inbound WHERE {OPEN} AND state = 'received' AND mailbox_id = ? AND next_at <= ? LIMIT 1"""

CLAIM = update("inbound", "attempts", "owner", "claimed_until", where="id = ? AND state = 'received' AND attempts = ?")

LET_WAIT = f"""
SELECT code, error, COUNT(*), MIN(next_at) FROM inbound
WHERE {OPEN} AND state = 'received' AND mailbox_id = ? AND owner IS NULL AND code <> ''
GROUP BY code, error ORDER BY MIN(next_at), code"""

SIZE = "SELECT size FROM raw_mail JOIN inbound ON inbound.raw_id = raw_mail.id WHERE inbound.id = ?"

CLAIMED_ROWS = f"""
SELECT id, attempts, owner, claimed_until FROM inbound
WHERE {OPEN} AND state = 'received' AND mailbox_id = ? AND owner IS NOT NULL"""

UNDECIDED = """
SELECT message_key, id, ref, owner, claimed_until, next_at FROM inbound
WHERE message_key IS NOT NULL AND state = 'received' AND message_key IN """
"""Goes on with a list of question marks."""

# Set by a clock that ran ahead: nobody makes a mail wait that long.
WAITS_TOO_LONG = f"""
UPDATE inbound SET next_at = 0 WHERE {OPEN} AND state = 'received' AND mailbox_id = ? AND next_at > ?"""

ANY_TOO_LONG = f"SELECT 1 FROM inbound WHERE {OPEN} AND state = 'received' AND mailbox_id = ? AND next_at > ? LIMIT 1"

GIVE_BACK = "UPDATE inbound SET owner = NULL, attempts = ? WHERE id = ? AND owner = ?"

DIED_ON = "UPDATE inbound SET owner = NULL, next_at = ?, code = 'fault.crash', error = ? WHERE id = ? AND owner = ?"

DUE_MAILBOXES = f"""
SELECT DISTINCT mailbox.name FROM inbound JOIN mailbox ON mailbox.id = mailbox_id
WHERE {OPEN} AND inbound.state = 'received' AND inbound.next_at <= ?"""

TRIED_MAILBOXES = f"{DUE_MAILBOXES} AND attempts > 0"

SPOOLED_SOME = """
SELECT inbound.id, inbound.ref, inbound.generation, inbound.attempts, inbound.released, inbound.received_at,
  inbound.source_key, inbound.reverse_path, inbound.forward_paths, inbound.owner, mailbox.name, raw.content, raw.digest,
  raw.truncated, raw.size, raw.id, inbound.mode
FROM inbound JOIN raw_mail raw ON raw.id = inbound.raw_id JOIN mailbox ON mailbox.id = inbound.mailbox_id
WHERE inbound.id IN """
"""Goes on with a list of question marks."""

SPOOLED = f"{SPOOLED_SOME}(?)"

CLAIMED = "id = ? AND state = 'received' AND generation = ? AND attempts = ? AND owner = ?"
"""The compare of every compare-and-set: row, generation, attempts and owner of the claim."""

DEFER = update(
    "inbound", "attempts", "code", "error", "next_at", where=CLAIMED
).replace(" WHERE", ", owner = NULL WHERE")  # fmt: skip

# ── commit ────────────────────────────────────────────────────────────────────────────────────────────────────

_SETTLE = "state", "code", "message_id", "content_key", "sender", "recipients", "subject", "body_key", "decided_at"

SETTLE_INBOUND = update("inbound", *_SETTLE, where=CLAIMED).replace(" WHERE", ", owner = NULL, error = '' WHERE")

SETTLE_UNDER_KEY = update("inbound", "message_key", where="id = ?")
"""Where the parser reads another Message-ID than a look at the header did."""

RECEIPT = insert(
    "receipt", "inbound_id", "generation", "outcome", "code", "because", "by_kind", "by_name", "by_file",
    "by_line", "workspace", "item", "topic", "comment", "decided_at",
)  # fmt: skip

KEEP_TRACE = insert("trace", "id", "content")

TALLY_KEY = "span", "at", "mailbox", "workspace", "outcome", "code", "by_kind", "by_name", "lag"

TALLY = (
    insert("tally", *TALLY_KEY, "mails")
    + f" ON CONFLICT ({', '.join(TALLY_KEY)}) DO UPDATE SET mails = tally.mails + excluded.mails"
)

TALLY_GONE = f"DELETE FROM tally WHERE {' AND '.join(f'{name} = ?' for name in TALLY_KEY)} AND mails = 0"

RULE_HIT = (
    insert("rule_hit", "span", "at", "file", "digest", "rule", "hits", "last_at")
    + """ ON CONFLICT (span, at, file, digest, rule) DO UPDATE SET hits = rule_hit.hits + excluded.hits,
  last_at = CASE WHEN excluded.last_at > rule_hit.last_at THEN excluded.last_at ELSE rule_hit.last_at END"""
)

MEASURE = (
    insert("measure", "at", "what", "key", "power", "many")
    + " ON CONFLICT (at, what, key, power) DO UPDATE SET many = measure.many + excluded.many"
)

_COUNTS = "mails", "made", "held", "refused", "passed", "failed"

FROM = (
    insert("sender", "address", "domain", "name", "first_at", "last_at", *_COUNTS)
    + f""" ON CONFLICT (address) DO UPDATE SET
  name = CASE WHEN excluded.name <> '' THEN excluded.name ELSE sender.name END,
  first_at = CASE WHEN excluded.first_at < sender.first_at THEN excluded.first_at ELSE sender.first_at END,
  last_at = CASE WHEN excluded.last_at > sender.last_at THEN excluded.last_at ELSE sender.last_at END,
  {", ".join(f"{name} = sender.{name} + excluded.{name}" for name in _COUNTS)}"""
)

SENDER_GONE = "DELETE FROM sender WHERE address = ? AND mails <= 0"

BEFORE = """
SELECT generation, outcome, code, by_kind, by_file, by_name, workspace, decided_at FROM receipt
WHERE inbound_id = ? AND generation < ? ORDER BY generation DESC LIMIT 1"""

CAME_FROM = """
SELECT mailbox.name, received_at, sender FROM inbound JOIN mailbox ON mailbox.id = mailbox_id WHERE inbound.id = ?"""

PLAN = update(
    "presentation", "action", "folder", "action_state", where="inbound_id = ?"
).replace(" WHERE", ", attempts = 0, why = '' WHERE")  # fmt: skip

EFFECT = insert("effect", "inbound_id", "generation", "kind", "n", "object", "detail")

ITEM = insert(
    "item", "workspace_id", "title", "text", "quoted", "author_id", "sender", *COLUMNS, "private", "created_at",
    "changed_at", "closed_at", "inbound_id", "html", "language",
)  # fmt: skip

ITEM_AT = ITEM.replace("(", "(id, ", 1).replace("VALUES (", "VALUES (?, ")
"""The same with its number: the first item after a restore."""

MARK = {
    kind: f"SELECT above FROM numbering WHERE kind = '{kind}' AND above > coalesce((SELECT max(id) FROM {kind}), 0)"
    for kind in ("item", "comment")
}
"""The mark that the number of a new item or comment has to be above, as long as none is."""

MARKED = "SELECT kind FROM numbering WHERE kind IN ('item', 'comment')"
"""Of what there is a mark at all: a restore makes one, and the end of what had the highest number."""

NUMBER_ABOVE = insert("numbering", "kind", "above") + " ON CONFLICT (kind) DO UPDATE SET above = excluded.above"

NEWEST_ROW = "SELECT coalesce(max(id), 0) FROM outbox"

HOLD_QUEUED = f"UPDATE outbox SET state = 'held', owner = NULL, error = ? WHERE ({QUEUED}) OR {COLLECTED}"

SET_ITEM = {column: update("item", column, where="id = ?") for column in ("title", *COLUMNS, "private", "closed_at")}
"""A statement for each column of an item that an effect may set."""

VALUE_OF = {column: f"SELECT {column} FROM item WHERE id = ?" for column in ("title", *COLUMNS, "private")}

FIELD_OF = "SELECT value FROM item_field WHERE item_id = ? AND field_id = ?"

CHANGED = "UPDATE item SET changed_at = CASE WHEN changed_at < ? THEN ? ELSE changed_at END WHERE id = ?"

CLOSED_AT = "SELECT identifier, closed_at FROM item JOIN workspace ON workspace.id = workspace_id WHERE item.id = ?"

FIELD = (
    insert("item_field", "item_id", "field_id", "value")
    + """
ON CONFLICT (item_id, field_id) DO UPDATE SET value = excluded.value"""
)

NO_FIELD = "DELETE FROM item_field WHERE item_id = ? AND field_id = ?"

# The highest role is kept, and one of a later release.
PERSON = (
    insert("item_person", "item_id", "account_id", "role")
    + """
ON CONFLICT (item_id, account_id) DO UPDATE SET role = excluded.role
  WHERE item_person.role = 'watcher' AND excluded.role IN ('reader', 'editor')
    OR item_person.role = 'reader' AND excluded.role = 'editor'"""
)

LABEL = insert("item_label", "item_id", "label") + " ON CONFLICT (item_id, label) DO NOTHING"

NO_LABEL = "DELETE FROM item_label WHERE item_id = ? AND label = ?"

NO_PERSON = "DELETE FROM item_person WHERE item_id = ? AND account_id = ?"

NOTE = "SELECT internal, author_id, sender, draft FROM comment WHERE id = ? AND item_id = ?"

PUBLISH = "UPDATE comment SET internal = FALSE, published = TRUE, belongs = ? WHERE id = ?"

COMMENT = insert(
    "comment", "item_id", "author_id", "sender", "text", "quoted", "internal", "created_at", "inbound_id", "html",
    "draft",
)  # fmt: skip

COMMENT_AT = COMMENT.replace("(", "(id, ", 1).replace("VALUES (", "VALUES (?, ", 1)
"""The same with its number: the first comment after one with the highest number was dropped."""

POST = insert("post", "topic_id", "author_id", "sender", "title", "text", "quoted", "created_at", "inbound_id", "html")

_DRAFTS = f"""
SELECT comment.id, item.id, identifier, title, coalesce(login, ''), comment.sender, comment.text, comment.created_at
FROM comment JOIN item ON item.id = item_id JOIN workspace ON workspace.id = workspace_id
LEFT JOIN account ON account.id = comment.author_id WHERE comment.{DRAFT}"""

# The + keeps SQLite from walking all comments in their order in place of the few drafts.
DRAFTS = {"all": f"{_DRAFTS} ORDER BY +comment.id", "item": f"{_DRAFTS} AND item_id = ? ORDER BY +comment.id"}

BLOB_BY_DIGEST = "SELECT id FROM blob WHERE digest = ?"

BLOB = insert("blob", "digest", "size", "content", "raw_id", "starts", "ends", "encoding")

ATTACHMENT = insert(
    "attachment", "item_id", "topic_id", "comment", "blob_id", "name", "content_type", "inline", "content_id",
    "width_px", "height_px", "created_at",
)  # fmt: skip

OUTBOX = insert(
    "outbox", "dedupe", "inbound_id", "generation", "act", "event", "class", "address_key", "account_id",
    "roles", "language", "item", "topic", "payload", "state", "why", "error", "created_at", "next_at",
)  # fmt: skip

OUTBOX_ONCE = OUTBOX + " ON CONFLICT DO NOTHING"

EVENT = insert(
    "event", "at", "name", "actor", "via", "item", "topic", "comment", "workspace", "inbound_id", "generation", "act",
    "detail",
)  # fmt: skip

OPENED_AT = """
SELECT inbound.received_at FROM item JOIN inbound ON inbound.id = item.inbound_id
JOIN mailbox ON mailbox.id = inbound.mailbox_id
WHERE item.id = ? AND NOT item.private AND inbound.received_at >= mailbox.first_read_at
  AND NOT EXISTS (SELECT 1 FROM event WHERE event.item = item.id AND event.name = 'item.answered')"""

EVENTS_OF = "SELECT detail FROM event WHERE inbound_id = ? AND generation = ? AND name = ?"

LAST_OF_DESK = f"""
SELECT id, at, detail FROM event WHERE {OF_THE_DESK} AND name = ? AND workspace = ? ORDER BY id DESC LIMIT ?"""

HELD_SINCE = f"""
SELECT receipt.workspace, max(inbound.decided_at), min(inbound.decided_at) FROM inbound
JOIN receipt ON receipt.inbound_id = inbound.id AND receipt.generation = inbound.generation
WHERE inbound.{OPEN} AND inbound.state IN ('held', 'quarantined') GROUP BY receipt.workspace"""

NEWEST_EVENT = "SELECT coalesce(max(id), 0) FROM event"

NEWEST_ITEM = "SELECT coalesce(max(id), 0) FROM item"
HELD_OF_OURS = f"SELECT payload, created_at FROM outbox WHERE {TO_SEE} AND state = 'held' ORDER BY created_at LIMIT ?"

# ── what others are to forget ─────────────────────────────────────────────────────────────────────────────────

LEAVE = insert("trail", "id", "notes")

LEFT_SINCE = "SELECT id, notes FROM trail WHERE id > ? ORDER BY id"

LAST_LEFT = "SELECT max(id) FROM trail"

LEFT_LONG_AGO = "DELETE FROM trail WHERE id <= ?"

LEFT_UNSAID = "UPDATE trail SET notes = NULL WHERE notes IS NOT NULL"

LEFT_ANEW = insert("trail", "id")

NOBODY_IN = "DELETE FROM session"

# ── what goes along with others ───────────────────────────────────────────────────────────────────────────────

_SLOT_HAS_COME = f"{COLLECTED} AND (next_at <= ? OR next_at > ?)"
"""Or it is later than any slot: a clock ran ahead."""

TO_BE_TOLD = f"""
SELECT 1 WHERE EXISTS (SELECT 1 FROM inbound WHERE {OPEN} AND state IN ('held', 'quarantined'))
  OR EXISTS (SELECT 1 FROM outbox WHERE {TO_SEE} AND state = 'held')
  OR EXISTS (SELECT 1 FROM outbox WHERE {_SLOT_HAS_COME})"""

DUE_TO_GO_ALONG = f"""
SELECT id, account_id, address_key, language, event, inbound_id, generation,
  (SELECT mailbox_id FROM inbound WHERE inbound.id = inbound_id), payload
FROM outbox WHERE {_SLOT_HAS_COME} ORDER BY +id LIMIT ?"""

CARRIED = "UPDATE outbox SET state = 'sent', sent_in = ?, next_at = 0 WHERE id = ?"

NOT_CARRIED = "UPDATE outbox SET state = 'suppressed', why = ?, next_at = 0 WHERE id = ?"

EVENTS_OF_ACT = "SELECT name FROM event WHERE act = ? AND act <> '' ORDER BY id"

# ── who hears ─────────────────────────────────────────────────────────────────────────────────────────────────

ON_ITEM = """
SELECT 'item' AS kind, 0 AS place, identifier AS one, item.language AS two, assigned_to AS three, author_id AS number,
  sender, private FROM item JOIN workspace ON workspace.id = workspace_id WHERE item.id = ?
UNION ALL SELECT 'role', account_id, role, '', '', account_id, '', FALSE FROM item_person WHERE item_id = ?
UNION ALL SELECT 'writer', min(id), '', '', '', author_id, sender, FALSE FROM comment
WHERE item_id = ? AND internal = FALSE AND belongs = TRUE GROUP BY author_id, sender
UNION ALL SELECT 'copy', 0, address, address_key, '', 0, '', FALSE FROM item_copy WHERE item_id = ? AND gone = FALSE"""
"""The item, who has a role, who wrote in public, who is copied: what always goes together is one trip."""

COPIES = "SELECT address, name FROM item_copy WHERE item_id = ? AND gone = FALSE ORDER BY address_key"

LEADS_TO = "SELECT merged_into FROM item WHERE id = ?"

MERGES = "SELECT detail FROM event WHERE item = ? AND name = 'item.merged' AND detail <> '' ORDER BY id"

WITHOUT_ACCOUNT = """
SELECT sender FROM item LEFT JOIN account ON account.id = author_id
WHERE item.id = ? AND sender <> '' AND (author_id IS NULL OR account.status = 'guest')"""

LOCK_TOPIC = "UPDATE topic SET locked = ? WHERE id = ? AND locked = ?"

TOPIC_WORKSPACE = "SELECT identifier FROM topic JOIN workspace ON workspace.id = workspace_id WHERE topic.id = ?"

MEMBERS = """
SELECT DISTINCT account.id, permissions FROM member JOIN role ON role.id = member.role_id
JOIN workspace ON workspace.id = workspace_id
LEFT JOIN membership ON membership.group_id = member.group_id
JOIN account ON account.id = coalesce(member.account_id, membership.account_id)
WHERE identifier = ? AND account.status = 'active' ORDER BY account.id"""

ADMINS = """
SELECT account.id FROM account WHERE admin = TRUE AND status = 'active'
AND EXISTS (SELECT 1 FROM email WHERE email.account_id = account.id) ORDER BY id"""

TURN = "SELECT account FROM turn WHERE name = ?"

TAKE_TURN = """
INSERT INTO turn (name, account) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET account = excluded.account"""

LISTED = "SELECT at, answer FROM listed WHERE directory = ? AND address_key = ?"

KEEP_LISTED = """
INSERT INTO listed (directory, address_key, at, answer) VALUES (?, ?, ?, ?)
ON CONFLICT (directory, address_key) DO UPDATE SET at = excluded.at, answer = excluded.answer"""

LISTED_TOO_OLD = "DELETE FROM listed WHERE at < ?"

IN_GROUP = """
SELECT account.id FROM account JOIN membership ON membership.account_id = account.id
JOIN account_group ON account_group.id = group_id WHERE account_group.key = ?
ORDER BY account.id"""

LEAVING = """
SELECT coalesce(account.id, 0), coalesce(login, ''), roles, item, topic, event, payload FROM outbox
LEFT JOIN email ON email.key = outbox.address_key AND outbox.account_id IS NULL
LEFT JOIN account ON account.id = coalesce(outbox.account_id, email.account_id)
WHERE outbox.id = ? AND class IN ('notice', 'answer')"""

NO_WATCHER = "DELETE FROM item_person WHERE item_id = ? AND account_id = ? AND role = ?"

WANT = """
INSERT INTO preference (account_id, workspace, key, value) VALUES (?, ?, ?, ?)
ON CONFLICT (account_id, workspace, key) DO UPDATE SET value = excluded.value"""

PREFERENCES = "SELECT account_id, workspace, key, value FROM preference"

SUSPENDED = "SELECT address_key FROM address_state WHERE suspended_at > 0"

MUTED = "SELECT address_key, item, until FROM mute WHERE until > ?"

FIRST_READ = "SELECT first_read_at FROM mailbox WHERE name = ?"

TAKEN_IN = "SELECT min(first_seen) FROM presentation WHERE inbound_id = ?"

TO_AND_FRO = f"""
SELECT inbound.received_at, inbound.body_key FROM inbound JOIN receipt ON receipt.inbound_id = inbound.id
WHERE inbound.sender = ? AND inbound.received_at >= ? AND inbound.{DECIDED} AND receipt.item = ?
ORDER BY inbound.received_at"""

# CROSS JOIN: the mail first, then those of its sender that were decided no later than it.
REPEATED = f"""
SELECT count(*) FROM (
  SELECT 1 FROM inbound this CROSS JOIN inbound
  WHERE this.id = ? AND inbound.sender = this.sender AND inbound.body_key = this.body_key
    AND inbound.{DECIDED} AND inbound.received_at >= this.decided_at - ? AND inbound.state = 'done'
    AND (inbound.decided_at, inbound.id) <= (this.decided_at, this.id) LIMIT ?) AS found"""

MUTE = """
INSERT INTO mute (address_key, item, until, why) VALUES (?, ?, ?, ?)
ON CONFLICT (address_key, item) DO UPDATE SET until = excluded.until, why = excluded.why"""

WRITTEN = f"""
SELECT created_at FROM outbox WHERE class = ? AND {COUNTED} AND created_at BETWEEN ? AND ?
ORDER BY created_at DESC LIMIT ?"""

WRITTEN_TO = f"""
SELECT created_at, class, item, state = 'held' FROM outbox
WHERE address_key = ? AND {COUNTED} AND {BY_ITSELF} AND created_at BETWEEN ? AND ? ORDER BY created_at DESC LIMIT ?"""

_TELLS_OF = "json_extract(payload, '$.code') = ?"
"""The reason that a mail tells: that of the mail it is about becomes another one once somebody releases it."""

REPORTED = f"""
SELECT created_at FROM outbox
WHERE address_key = ? AND class || '' = 'notice' AND {COUNTED} AND {BY_ITSELF} AND created_at > ? AND created_at <= ?
AND {_TELLS_OF}
AND EXISTS (SELECT 1 FROM inbound WHERE inbound.id = inbound_id
            AND mailbox_id = (SELECT mailbox.id FROM mailbox WHERE mailbox.name = ?))
ORDER BY created_at DESC LIMIT ?"""

REFUSED_TO = f"""
SELECT count(*) FROM outbox WHERE address_key = ? AND class || '' = 'auto' AND {COUNTED} AND created_at BETWEEN ? AND ?
AND {_TELLS_OF}"""

REQUESTER = "SELECT author_id, sender FROM item WHERE id = ?"

NO_COPIES = "DELETE FROM item_copy WHERE item_id = ? AND gone = FALSE"

NO_COPY = "DELETE FROM item_copy WHERE item_id = ? AND address_key = ? AND gone = FALSE"

GONE = """
INSERT INTO item_copy (item_id, address_key, address, name, gone) VALUES (?, ?, ?, '', TRUE)
ON CONFLICT (item_id, address_key) DO UPDATE SET gone = TRUE"""

ALL_WRITERS = """
SELECT id, coalesce(author_id, 0), sender FROM comment WHERE item_id = ? AND internal = FALSE AND belongs = TRUE"""

NO_WRITER = "UPDATE comment SET belongs = FALSE WHERE id = ?"

COPY = (
    insert("item_copy", "item_id", "address_key", "address", "name")
    + " ON CONFLICT (item_id, address_key) DO UPDATE SET address = excluded.address, name = excluded.name"
)

OURS = f"""
SELECT id, state, coalesce(item, 0) FROM outbox
WHERE message_id = ? AND {IDENTIFIED} AND state NOT IN ('suppressed', 'dropped')"""

NOT_ARRIVED = (
    "SELECT class, event, address_key, coalesce(item, 0), coalesce(topic, 0), payload FROM outbox WHERE id = ?"
)

TOLD_OF = "SELECT 1 FROM outbox WHERE dedupe >= ? AND dedupe < ? LIMIT 1"

BOUNCED = "UPDATE outbox SET state = 'bounced', owner = NULL, error = ? WHERE id = ?"

# An address that refuses for good three times without a mail from it in between takes no more.
NOT_TAKEN = """
INSERT INTO address_state (address_key, failures, last_code, suspended_at) VALUES (?, 1, ?, 0)
ON CONFLICT (address_key) DO UPDATE SET failures = address_state.failures + 1, last_code = excluded.last_code,
  suspended_at = CASE WHEN address_state.suspended_at > 0 THEN address_state.suspended_at
                      WHEN address_state.failures + 1 >= 3 THEN ? ELSE 0 END"""

TAKEN_AGAIN = "DELETE FROM address_state WHERE address_key = ?"

FAILING = "SELECT address_key FROM address_state"

DESCRIBE = update("inbound", "message_id", "message_key", "sender", "recipients", "subject", where="id = ?")

TEXT = insert("rule_text", "digest", "text") + " ON CONFLICT (digest) DO NOTHING"

# ── settle ────────────────────────────────────────────────────────────────────────────────────────────────────

# The + keeps SQLite from walking all keys of the mailbox in place of the few that wait.
PLANNED_ACTIONS = f"""
SELECT presentation.key, presentation.action, presentation.folder, presentation.size, inbound.message_id, raw.digest
FROM presentation JOIN inbound ON inbound.id = presentation.inbound_id JOIN raw_mail raw ON raw.id = inbound.raw_id
WHERE {PLANNED} AND +presentation.mailbox_id = ? ORDER BY presentation.attempts, presentation.key LIMIT ?"""

ACTION_DONE = update("presentation", "action_state", "why", where="mailbox_id = ? AND key = ?").replace(
    " WHERE", ", attempts = attempts + 1 WHERE"
)

MOVED_TO = """
INSERT INTO presentation (mailbox_id, key, inbound_id, size, first_seen, last_seen)
SELECT mailbox_id, ?, inbound_id, size, ?, ? FROM presentation WHERE mailbox_id = ? AND key = ?
ON CONFLICT (mailbox_id, key) DO UPDATE SET inbound_id = excluded.inbound_id, size = excluded.size,
  last_seen = excluded.last_seen, action = '', folder = '', action_state = 'none', attempts = 0, why = ''"""

# The item or topic of a mail that was kept in its mailbox until then is closed, locked or gone.
PLAN_CLOSED = """
UPDATE presentation SET action = ?, folder = ?, action_state = 'pending', attempts = 0, why = ''
WHERE (mailbox_id, key) IN (
  SELECT presentation.mailbox_id, presentation.key FROM presentation
  JOIN inbound ON inbound.id = presentation.inbound_id JOIN raw_mail raw ON raw.id = inbound.raw_id
  JOIN receipt ON receipt.inbound_id = inbound.id AND receipt.generation = inbound.generation
  LEFT JOIN item ON item.id = receipt.item LEFT JOIN topic ON topic.id = receipt.topic
  WHERE presentation.mailbox_id = ? AND presentation.action = '' AND action_state = 'none'
    AND inbound.state = 'done' AND raw.truncated = FALSE
    AND CASE WHEN receipt.topic IS NULL THEN item.id IS NULL OR item.closed_at IS NOT NULL
             ELSE topic.id IS NULL OR topic.locked = TRUE END
  LIMIT ?)"""

# ── questions: people and places ──────────────────────────────────────────────────────────────────────────────

_ACCOUNT = """
SELECT 'account' AS kind, 0 AS place, account.id AS number, login AS one, name AS two, status, language, admin
FROM account WHERE id = {who}
UNION ALL SELECT 'email', position, 0, address, key, '', '', FALSE FROM email WHERE account_id = {who}
UNION ALL SELECT 'group', 0, 0, name, key, '', '', FALSE FROM account_group JOIN membership ON group_id = id
WHERE account_id = {who}"""

ACCOUNT_BY = {
    "email": _ACCOUNT.format(who="(SELECT account_id FROM email WHERE key = ?)"),
    "login": _ACCOUNT.format(who="(SELECT id FROM account WHERE login = ?)"),
    "id": _ACCOUNT.format(who="?"),
}
"""An account with its addresses and groups; asked with the same value three times."""

EMAILS_FROM = "SELECT key, account_id FROM email WHERE key >= ? AND key < ? ORDER BY account_id"

NAMED = "SELECT id FROM account WHERE name_key = ? LIMIT 2"

# A mail of somebody new may make an account; `put_account` shares these with it.
LOGIN_ID = "SELECT id FROM account WHERE login = ?"

NEW_ACCOUNT = insert(
    "account", "login", "name", "name_key", "status", "language", "admin", "created_at"
)  # fmt: skip

ADDRESSES = "SELECT key, address FROM email WHERE account_id = ? ORDER BY position"

NO_ADDRESSES = "DELETE FROM email WHERE account_id = ?"

ADDRESS = insert("email", "key", "address", "account_id", "position")

GROUP_ID = "SELECT id FROM account_group WHERE key = ?"

JOIN = insert("membership", "account_id", "group_id") + " ON CONFLICT (account_id, group_id) DO NOTHING"

GROUP = "SELECT name FROM account_group WHERE key = ?"

GROUP_LOGINS = """
SELECT DISTINCT login FROM account JOIN membership ON membership.account_id = account.id
JOIN account_group ON account_group.id = group_id JOIN email ON email.account_id = account.id
WHERE account_group.key = ? AND account.status = 'active' ORDER BY login"""

PUBLIC = "SELECT id, public FROM workspace WHERE identifier = ?"

PERMITTED = """
SELECT permissions FROM member JOIN role ON role.id = member.role_id WHERE workspace_id = ?
AND (member.account_id = ? OR group_id IN (SELECT group_id FROM membership WHERE account_id = ?))"""

WORKSPACE = "SELECT name, status, public, lists FROM workspace WHERE identifier = ?"

WORKSPACES = "SELECT identifier FROM workspace ORDER BY identifier"

WORKSPACE_ID = "SELECT id FROM workspace WHERE identifier = ?"

DEFINED_FIELDS = "SELECT definition FROM field WHERE defined = TRUE ORDER BY id"

FIELD_ID = "SELECT id FROM field WHERE key = ?"

FIELD_NAME = insert("field", "key", "name")

# ── questions: items and receipts ─────────────────────────────────────────────────────────────────────────────

ITEM_FACTS = f"""
SELECT workspace.identifier, title, closed_at, changed_at, private, sender, author_id, merged_into,
  {", ".join(f"item.{name}" for name in COLUMNS)}
FROM item JOIN workspace ON workspace.id = workspace_id WHERE item.id = ?"""

ITEM_AROUND = """
SELECT 'file' AS kind, attachment.id AS place, CASE WHEN internal THEN 1 ELSE 0 END AS number, '' AS name, '' AS said,
  digest FROM attachment JOIN blob ON blob.id = blob_id LEFT JOIN comment ON comment.id = attachment.comment
WHERE attachment.item_id = ?
UNION ALL SELECT 'field', field.id, 0, name, value, NULL FROM item_field JOIN field ON field.id = field_id
WHERE item_id = ?
UNION ALL SELECT 'person', 0, account_id, '', role, NULL FROM item_person WHERE item_id = ?
UNION ALL SELECT 'copy', 0, 0, address, '', NULL FROM item_copy WHERE item_id = ?
UNION ALL SELECT 'writer', 0, max(CASE WHEN published THEN 1 ELSE 0 END), sender, '', NULL FROM comment
WHERE item_id = ? AND internal = FALSE AND belongs = TRUE AND sender <> '' GROUP BY sender"""
"""Files, fields, people, copies and writers of an item, each kind by its place; asked with its number five times."""

ITEM_FIELDS = """
SELECT name, value FROM item_field JOIN field ON field.id = field_id WHERE item_id = ? ORDER BY field.id"""

ITEM_BY_FIELD = """
SELECT max(item_id) FROM item_field JOIN field ON field.id = field_id WHERE field.key = ? AND value IN (?, ?, ?)
  AND substr(value, 1, 400) IN (substr(?, 1, 400), substr(?, 1, 400), substr(?, 1, 400))"""
"""SQLite has an index of the values, a server one of how they begin: there a key of an index has a longest length."""

TOPIC_FACTS = """
SELECT identifier, title, locked, created_at FROM topic JOIN workspace ON workspace.id = workspace_id
WHERE topic.id = ?"""

HIGHEST_NUMBER = {
    **{
        kind: f"SELECT max(id) FROM (SELECT coalesce(max(id), 0) AS id FROM {kind} "
        f"UNION ALL SELECT above FROM numbering WHERE kind = '{kind}') AS given"
        for kind in ("item", "comment")
    },
    "topic": "SELECT coalesce(max(id), 0) FROM topic",
}
"""Numbers of items and topics are given one after the other."""

TOPIC_PEOPLE = "SELECT DISTINCT author_id, sender FROM post WHERE topic_id = ?"

TOPIC_CHANGED = "SELECT max(created_at) FROM post WHERE topic_id = ?"

BY_MESSAGE = """
SELECT receipt.item, receipt.topic, receipt.outcome = 'note'
  AND coalesce((SELECT internal FROM comment WHERE id = receipt.comment), TRUE), inbound.content_key, NULL
FROM inbound JOIN receipt ON receipt.inbound_id = inbound.id
WHERE inbound.message_key = ? AND inbound.message_key IS NOT NULL
  AND (receipt.item IS NOT NULL OR receipt.topic IS NOT NULL) ORDER BY inbound.id, receipt.generation LIMIT 20"""

BY_OUR_MESSAGE = f"""
SELECT item, topic, event = 'item.noted', NULL, coalesce(account_id, 0)
FROM outbox WHERE message_id = ? AND {IDENTIFIED} AND (item IS NOT NULL OR topic IS NOT NULL)"""

ITEM_THERE = "SELECT 1 FROM item WHERE id = ?"

ANY_MARKER = "SELECT 1 FROM imported_marker LIMIT 1"

BY_MARKER = "SELECT item_id, internal FROM imported_marker WHERE key = ?"

MARKER = (
    insert("imported_marker", "key", "item_id", "internal")
    + """
ON CONFLICT (key) DO UPDATE SET item_id = excluded.item_id, internal = excluded.internal"""
)

_COUNTS_AS_FIRST = "receipt.outcome IN ('created', 'comment', 'note', 'held')"

SEEN_ALREADY = """
SELECT EXISTS (SELECT 1 FROM inbound
  WHERE content_key = ? AND content_key IS NOT NULL AND received_at > ? AND ref <> ?),
  EXISTS (SELECT 1 FROM inbound this CROSS JOIN inbound
  WHERE this.ref = ? AND inbound.raw_id = this.raw_id AND inbound.id <> this.id)"""
"""Whether any other mail has this content, or the same bytes; in which workspace is asked only then."""

DUPLICATE = f"""
SELECT inbound.ref FROM inbound JOIN receipt ON receipt.inbound_id = inbound.id AND receipt.workspace = ?
WHERE inbound.content_key = ? AND inbound.content_key IS NOT NULL AND inbound.received_at > ? AND inbound.ref <> ?
  AND {_COUNTS_AS_FIRST} ORDER BY inbound.id LIMIT 1"""

SAME_BYTES = f"""
SELECT inbound.ref FROM inbound this CROSS JOIN inbound CROSS JOIN receipt
WHERE receipt.inbound_id = inbound.id AND receipt.workspace = ? AND this.ref = ?
  AND inbound.raw_id = this.raw_id AND inbound.id <> this.id
  AND inbound.received_at > ? AND {_COUNTS_AS_FIRST} ORDER BY inbound.id LIMIT 1"""
"""The same bytes in another mailbox: their content keys differ where only the header of one of them was read."""

TOTAL_RATE = f"SELECT count(*) FROM inbound WHERE {DECIDED} AND received_at >= ? AND received_at < ?"

CAME_AT = f"SELECT received_at FROM inbound WHERE {DECIDED} AND received_at >= ?"

FIRST_SINCE = f"SELECT min(received_at) FROM inbound WHERE {DECIDED} AND received_at >= ?"

LAST_OF_ALL = f"SELECT max(received_at) FROM inbound WHERE {DECIDED}"

# ── a visit to a mailbox ──────────────────────────────────────────────────────────────────────────────────────

SCHEMA = "SELECT max(version) FROM schema_version WHERE applied_at >= 0"

STEPS_TAKEN = "SELECT version, name, applied_at FROM schema_version"

STEP_TAKEN = insert("schema_version", "version", "name", "applied_at")

STEP_WANTED = """
INSERT INTO schema_version (version, name, applied_at) VALUES (?, ?, -1)
ON CONFLICT (version) DO UPDATE SET name = excluded.name WHERE schema_version.applied_at < 0"""

STEP_NOT_WANTED = "DELETE FROM schema_version WHERE applied_at < 0"

MAILBOX_ID = "SELECT id FROM mailbox WHERE name = ?"

MAILBOX = insert("mailbox", "name") + " ON CONFLICT DO NOTHING"

PAUSED = "SELECT paused FROM mailbox WHERE name = ?"

_STANDING = "paused, failures, failing_since, code, sentence, retry_at, refused, settings, fault, faulty"

STANDING = f"SELECT {_STANDING} FROM mailbox WHERE name = ?"

_TO_READ = "next_at <= ? AND paused = '' AND (lease_owner = '' OR lease_until < ?)"

BROKE_ALIKE = """
UPDATE mailbox SET faulty = CASE WHEN fault <> ? THEN ? WHEN length(faulty) < 4000 THEN faulty || ? ELSE faulty END,
  fault = ? WHERE id = ?"""

GOES_WELL = "UPDATE mailbox SET fault = '', faulty = '' WHERE id = ? AND fault <> ''"

TRY_AGAIN = """
UPDATE mailbox SET retry_at = 0, refused = '', settings = '', fault = '', faulty = '' WHERE id = ?"""

STANDS_AS = """
UPDATE mailbox SET failures = ?, failing_since = ?, code = ?, sentence = ?, retry_at = ?, settings = ?, fault = '',
  faulty = '' WHERE id = ?"""

REFUND = """
UPDATE inbound SET attempts = CASE WHEN attempts > ? THEN attempts - ? ELSE 0 END, next_at = 0, code = '', error = ''
WHERE id = ? AND state = 'received' AND owner IS NULL"""

ALIKE = "SELECT faulty FROM mailbox WHERE fault = ?"

_FOUND = f"""
WITH found AS (SELECT id, name, lease_owner, lease_until, first_read_at, epoch, uidnext, epochs, aside, {_STANDING}
FROM mailbox WHERE """

FOUND = f"{_FOUND}id = ?"
"""It goes on with `Database.locked` and `FOUND_THERE`."""

FOUND_DUE = f"{_FOUND}{_TO_READ}"
"""It goes on with which of them, an order, a limit, `Database.unlocked` and `FOUND_THERE`."""

# What is looked for is so of those alone that were found and locked, as they are then. The + keeps SQLite from walking
# all keys of a mailbox in place of the few that wait.
FOUND_THERE = f""")
SELECT id, name, lease_owner, lease_until, first_read_at, (SELECT max(version) FROM schema_version),
  epoch, uidnext, epochs, aside,
  EXISTS (SELECT 1 FROM inbound WHERE {OPEN} AND state = 'received' AND mailbox_id = found.id),
  EXISTS (SELECT 1 FROM presentation WHERE {PLANNED} AND +mailbox_id = found.id),
  EXISTS (SELECT 1 FROM left_alone WHERE mailbox_id = found.id), {_STANDING} FROM found"""

_LEASE = """
UPDATE mailbox SET lease_owner = ?, lease_until = ?, lease_token = lease_token + 1,
  first_read_at = CASE WHEN first_read_at = 0 THEN ? ELSE first_read_at END"""

LEASE = f"{_LEASE} WHERE id = ?"

LEASE_DUE = f"{_LEASE}, next_at = ? WHERE id IN "
"""Goes on with a list of question marks."""

HEARTBEAT = update("mailbox", "lease_until", where="id = ? AND lease_owner = ?")

RELEASE = "UPDATE mailbox SET lease_owner = '', lease_until = 0 WHERE name = ? AND lease_owner = ?"

LET_GO = "UPDATE mailbox SET lease_owner = '', lease_until = 0"

WORKED = f"{LET_GO}, failures = 0, failing_since = 0, code = '', sentence = '', retry_at = 0, settings = ''"
"""Both go on with `ended`."""

DUE_TO_READ = f"SELECT 1 FROM mailbox WHERE {_TO_READ} LIMIT 1"

PUT_OFF = "UPDATE mailbox SET next_at = ? WHERE id = ?"

FREE_OF = "UPDATE mailbox SET lease_owner = '', lease_until = 0, next_at = ? WHERE name = ? AND lease_owner = ?"

READ_SOON = f"""
UPDATE mailbox SET next_at = ? WHERE name = ? AND next_at > ? AND EXISTS (
  SELECT 1 FROM presentation WHERE {PLANNED} AND action_state = 'pending' AND mailbox_id = mailbox.id)"""

DOUBTFUL = """
SELECT name FROM mailbox WHERE paused = '' AND ((code = ? AND retry_at <= ?) OR (fault <> '' AND code <> ?))"""

LEFT_BY = "SELECT name, lease_owner FROM mailbox WHERE lease_owner <> ''"

EPOCH = "SELECT epoch, uidnext, epochs FROM mailbox WHERE id = ?"

EPOCH_TOLD = update("mailbox", "epoch", where="id = ?")

EPOCH_BEGINS = "UPDATE mailbox SET epoch = ?, uidnext = ?, epochs = epochs + 1 WHERE id = ?"

PLANS_VOID = f"UPDATE presentation SET action_state = 'none', why = ? WHERE {PLANNED} AND mailbox_id = ?"

UIDNEXT = update("mailbox", "uidnext", where="id = ?")

LEFT_ALONE = "SELECT since, mails, keys FROM left_alone WHERE mailbox_id = (SELECT id FROM mailbox WHERE name = ?)"

NOT_LEFT_ALONE = "DELETE FROM left_alone WHERE mailbox_id = (SELECT id FROM mailbox WHERE name = ?)"

LEAVE_ALONE = "INSERT INTO left_alone (mailbox_id, since, mails, keys) SELECT id, ?, ?, ? FROM mailbox WHERE name = ?"

BROKE = "SELECT aside FROM mailbox WHERE id = ?"

KEYS = f"""
SELECT key, last_seen, {TAKEN_AWAY} FROM presentation WHERE mailbox_id = ? AND key IN """
"""Goes on with a list of question marks."""

KEYS_TOGETHER = f"""
SELECT count(*), min(last_seen), max(CASE WHEN {TAKEN_AWAY} THEN 1 ELSE 0 END) FROM presentation
WHERE mailbox_id = ? AND key IN """
"""The same of all of them together."""

STILL_THERE = update("presentation", "last_seen", where="mailbox_id = ? AND key = ?")

# ── going through many mails ──────────────────────────────────────────────────────────────────────────────────

BYTES = """
SELECT mailbox.name, source_key, received_at, reverse_path, forward_paths, content, digest, truncated, size
FROM inbound JOIN mailbox ON mailbox.id = mailbox_id JOIN raw_mail raw ON raw.id = raw_id WHERE inbound.ref = ?"""

TRACE = """
SELECT content FROM trace JOIN receipt ON receipt.id = trace.id JOIN inbound ON inbound.id = inbound_id
WHERE ref = ? AND content IS NOT NULL ORDER BY receipt.generation DESC LIMIT 1"""

TRACE_OF = """
SELECT content FROM trace JOIN receipt ON receipt.id = trace.id JOIN inbound ON inbound.id = inbound_id
WHERE ref = ? AND receipt.generation = ?"""

RECOUNTED = """
SELECT inbound.id, mailbox.name, received_at, sender, content, receipt.generation, outcome, receipt.code, by_kind,
  by_file, by_name, workspace, receipt.decided_at
FROM inbound JOIN mailbox ON mailbox.id = mailbox_id JOIN receipt ON receipt.inbound_id = inbound.id
LEFT JOIN trace ON trace.id = receipt.id
WHERE inbound.id > ? AND inbound.id <= ? ORDER BY inbound.id, receipt.generation"""

# ── sending ───────────────────────────────────────────────────────────────────────────────────────────────────

IN_QUEUE = f"SELECT count(*), min(id) FROM outbox WHERE {QUEUED}"
"""Both are read from the index, so that ten thousand rows cost a millisecond in a pass."""

WAITS_SINCE = "SELECT CASE WHEN queued_at > 0 THEN queued_at ELSE created_at END FROM outbox WHERE id = ?"

POSTPONE = update("outbox", "owner", "error", where="id = ?").replace(
    " WHERE", ", state = 'queued', attempts = attempts - 1 WHERE"
)

OVERDUE = f"""
SELECT id FROM outbox
WHERE {QUEUED} AND state = 'queued' AND class <> 'webhook' AND created_at < ? AND queued_at < ? LIMIT ?"""

TO_BE_SENT = f"SELECT count(*) FROM outbox WHERE {QUEUED} AND (next_at <= ? OR next_at > ?)"

SENDING = f"SELECT id, owner, claimed_until, class, attempts FROM outbox WHERE {QUEUED} AND state = 'sending'"

DUE = f"""
SELECT id FROM outbox WHERE {QUEUED} AND state = 'queued' AND class = ? AND (next_at <= ? OR next_at > ?)
ORDER BY next_at, id LIMIT ?"""
"""Due, or made to wait longer than anybody does: by a clock that ran ahead."""

SEND = update("outbox", "owner", "claimed_until", "tried_at", where="id = ?").replace(
    " WHERE", ", state = 'sending', attempts = attempts + 1 WHERE"
)

SENDER_DIED = (
    "UPDATE outbox SET state = ?, owner = NULL, error = ?, next_at = ? WHERE id = ? AND state = 'sending' AND owner = ?"
)

TO_SEND = """
SELECT outbox.id, dedupe, class, event, payload, coalesce(ref, ''), outbox.generation, coalesce(item, 0),
  coalesce(topic, 0), outbox.message_id, outbox.attempts, language, coalesce(account_id, 0), created_at,
  outbox.address_key, outbox.content, queued_at
FROM outbox LEFT JOIN inbound ON inbound.id = inbound_id WHERE outbox.id = ?"""

SENT = """
UPDATE outbox SET state = 'sent', owner = NULL, error = '', tried_at = ? WHERE id = ?"""

TROUBLE = insert("trouble", "name", "since", "said") + " ON CONFLICT (name) DO UPDATE SET said = excluded.said"

TROUBLE_SINCE = "SELECT said, since, told_at, refused, settings FROM trouble WHERE name = ?"

AMISS = """
SELECT 1 WHERE EXISTS (SELECT 1 FROM trouble)
  OR EXISTS (SELECT 1 FROM mailbox WHERE first_read_at > 0 AND first_read_at < ? AND last_mail_at < ?)"""

TROUBLES = "SELECT name, said, since, told_at FROM trouble"

TROUBLE_REFUSED = update("trouble", "refused", "settings", where="name = ?")

TROUBLE_TOLD = update("trouble", "told_at", where="name = ?")

TROUBLE_OVER = "DELETE FROM trouble WHERE name = ?"

COMPOSED = update("outbox", "message_id", "content", where="id = ?")

SIGNED = """
SELECT preference.workspace, value FROM email JOIN preference USING (account_id)
WHERE email.key = ? AND preference.key = ? AND preference.workspace IN ('', ?)"""

KNOWN_AS = """
SELECT ref, mailbox.name, subject, inbound.message_id, sender, received_at, raw_id
FROM inbound LEFT JOIN mailbox ON mailbox.id = mailbox_id WHERE ref = ?"""

ABOUT = {
    "item": """
SELECT title, identifier, item.text, item.status, type, priority, assigned_to, item.created_at, account.name,
  item.sender, inbound.message_id, item.html, coalesce(nullif(account.language, ''), item.language), merged_into
FROM item JOIN workspace ON workspace.id = workspace_id LEFT JOIN account ON account.id = author_id
LEFT JOIN inbound ON inbound.id = item.inbound_id WHERE item.id = ?""",
    "topic": "SELECT title, identifier FROM topic JOIN workspace ON workspace.id = workspace_id WHERE topic.id = ?",
}

WORDS = {
    "comment": "SELECT text, html, internal, item_id FROM comment WHERE id = ?",
    "post": "SELECT text, html FROM post WHERE id = ?",
}

_THEIRS = """({mail}.sender IN (?, ?)
  OR {mail}.sender IN (SELECT key FROM email WHERE account_id = them.account_id)
  OR ({mail}.id IS NULL AND {words}.author_id = them.account_id))"""
"""Words that somebody wrote: by a mail from an address of theirs, or by an act under their account."""

SAID_THEMSELVES = f"""
SELECT coalesce(comment.text, CASE WHEN {_THEIRS.format(mail="first", words="item")} THEN item.text END),
  coalesce(account.name, comment.sender, item.sender), coalesce(comment.created_at, item.created_at), came.message_id
FROM item LEFT JOIN email them ON them.key = ?
LEFT JOIN account ON account.id = them.account_id AND account.status <> 'guest'
LEFT JOIN comment ON comment.id = (
  SELECT said.id FROM comment said LEFT JOIN inbound mail ON mail.id = said.inbound_id
  WHERE said.item_id = item.id AND said.internal = FALSE AND said.id < ?
    AND {_THEIRS.format(mail="mail", words="said")}
  ORDER BY said.id DESC LIMIT 1)
LEFT JOIN inbound came ON came.id = comment.inbound_id LEFT JOIN inbound first ON first.id = item.inbound_id
WHERE item.id = ?"""
"""The last public words of one address before a comment, else those it opened the item with; and their mail."""

FILES = {
    about: f"""
SELECT name, content_type, size, digest FROM attachment JOIN blob ON blob.id = blob_id
WHERE {about}_id = ? AND comment = ? AND inline = FALSE ORDER BY size, attachment.id LIMIT ?"""
    for about in ("item", "topic")
}

PICTURES = {
    about: f"""
SELECT name, content_type, size, digest, content_id FROM attachment JOIN blob ON blob.id = blob_id
WHERE {about}_id = ? AND comment IN (0, ?) AND content_id <> ''
  AND content_type IN ('image/png', 'image/jpeg', 'image/gif', 'image/webp')
ORDER BY comment DESC, attachment.id LIMIT ?"""
    for about in ("item", "topic")
}

HEAD = "SELECT substr(content, 1, 65536) FROM raw_mail WHERE id = ?"
