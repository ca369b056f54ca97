"""A database that is not empty: mails long decided and the items they made, as a store of that age has them.

Here: rows made by SQLite itself, some 20,000 mails with all that belongs to them a second, in every table that a
decision looks at. Not here: anything the mails of the corpus have to do with. The mails came evenly over a year, the
last of them now; each made an item with fields, a label, people, a comment, an event and a letter to its sender. Of
a thousand addresses ten had a mail of ours back and one wants no more. Their bytes and traces were let go, as `allegra
db prune` leaves them; every key they had is there, and random, because looking up random keys is what a full database
costs.
"""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

YEAR_US = 365 * 86_400_000_000
AT_ONCE = 50_000
"""Mails in one statement, so that rows which belong together lie together."""

BYTES_A_MAIL = 3_000
"""Room on the disk, with some to spare."""

FILLING = ("cache_size = -400000", "synchronous = OFF", "journal_mode = OFF")
"""Random keys go to pages all over the indexes; and nobody would keep a database that was half filled."""

FILLED = ("cache_size = -16384", "synchronous = FULL", "journal_mode = WAL")

SERIES = """WITH RECURSIVE old(n, at) AS (SELECT ?1, ?3 + ?1 * ?4 UNION ALL SELECT n + 1, at + ?4 FROM old WHERE n < ?2)
INSERT INTO """
ROWS = (
    "raw_mail (id, digest, size, purged_at) SELECT n, randomblob(32), 24000, at FROM old",
    """inbound (id, ref, mailbox_id, raw_id, received_at, state, decided_at, message_key, content_key, sender,
        recipients, subject)
    SELECT n, 'm-' || lower(hex(randomblob(6))), (SELECT id FROM mailbox), n, at, 'done', at, randomblob(16),
        randomblob(16), printf('user%02d@example.com', n % 50), 'help@example.com', 'Old mail ' || n FROM old""",
    """presentation (mailbox_id, key, inbound_id, size, first_seen, last_seen, action, action_state)
    SELECT (SELECT id FROM mailbox), lower(hex(randomblob(16))), n, 24000, at, at, 'move', 'done' FROM old""",
    """account (login, name, name_key, created_at)
    SELECT 'old' || n, 'Old ' || n, 'old ' || n, at FROM old WHERE n % 10 = 0""",
    """email (key, address, account_id)
    SELECT login || '@example.net', login || '@example.net', account.id
    FROM old JOIN account ON login = 'old' || n WHERE n % 10 = 0""",
    """item (id, workspace_id, title, text, author_id, sender, status, type, priority, created_at, changed_at,
        closed_at, inbound_id)
    SELECT n, (SELECT min(id) FROM workspace) + n % 3, 'Old item ' || n, hex(zeroblob(150)), 1 + n % 50,
        printf('user%02d@example.com', n % 50), CASE WHEN n % 10 THEN 'Closed' ELSE 'New' END, 'Task', 'Normal', at, at,
        CASE WHEN n % 10 THEN at END, n FROM old""",
    """item_field (item_id, field_id, value)
    SELECT n, field.id, CASE key WHEN 'customer' THEN '"example.com"' ELSE '"' || lower(hex(randomblob(6))) || '"' END
    FROM old, field""",
    "item_label (item_id, label) SELECT n, 'label ' || n % 20 FROM old",
    "item_person (item_id, account_id, role) SELECT n, 1 + (n + 1) % 50, 'watcher' FROM old",
    "item_person (item_id, account_id, role) SELECT n, 1 + (n + 2) % 50, 'editor' FROM old",
    """item_copy (item_id, address_key, address)
    SELECT n, printf('copy%d@example.net', n), printf('copy%d@example.net', n) FROM old WHERE n % 20 = 0""",
    """preference (account_id, workspace, "key", value)
    SELECT account.id, '', 'watched', 'no' FROM old JOIN account ON login = 'old' || n WHERE n % 100 = 0""",
    """address_state (address_key, failures, last_code, suspended_at)
    SELECT printf('copy%d@example.net', n), 1 + n % 3, '5.1.1', CASE WHEN n % 1000 THEN 0 ELSE at END
    FROM old WHERE n % 100 = 0""",
    """mute (address_key, item, until, why)
    SELECT printf('copy%d@example.net', n), n, at + 86400000000, 'loop' FROM old WHERE n % 200 = 0""",
    """comment (item_id, author_id, sender, text, created_at, inbound_id)
    SELECT n, 1 + n % 50, printf('user%02d@example.com', n % 50), hex(zeroblob(100)), at, n FROM old""",
    """blob (digest, size, raw_id, starts, ends, encoding)
    SELECT randomblob(32), 9000, n, 2000, 14000, 'base64' FROM old WHERE n % 10 = 0""",
    """attachment (item_id, blob_id, name, content_type, created_at)
    SELECT n, blob.id, 'report.pdf', 'application/pdf', at FROM old JOIN blob ON raw_id = n WHERE n % 10 = 0""",
    """topic (id, workspace_id, title, created_at)
    SELECT n / 100, (SELECT min(id) FROM workspace), 'Old topic', at FROM old WHERE n % 100 = 0""",
    """post (topic_id, author_id, sender, text, created_at, inbound_id)
    SELECT n / 100, 1 + n % 50, 'user00@example.com', hex(zeroblob(100)), at, n FROM old WHERE n % 100 = 0""",
    """receipt (inbound_id, generation, outcome, code, because, by_kind, by_name, workspace, item, decided_at)
    SELECT n, 1, 'created', 'draft.created', '', 'stage', 'draft', 'support', n, at FROM old""",
    """effect (inbound_id, generation, kind, n, object)
    SELECT n, 1, kind, 1, n
    FROM old, (SELECT 'CreateItem' AS kind UNION SELECT 'SetField' UNION SELECT 'AddLabel' UNION SELECT 'AddPerson')""",
    """event (at, name, actor, via, item, workspace, inbound_id, generation)
    SELECT at, 'item.created', printf('user%02d', n % 50), 'mail', n, 'support', n, 1 FROM old""",
    """outbox (dedupe, message_id, inbound_id, generation, event, class, address_key, account_id, roles, item, payload,
        state, created_at, tried_at)
    SELECT n || ':1:auto:item.created:' || (1 + n % 50), '<' || lower(hex(randomblob(16))) || '@example.com>', n, 1,
        'item.created', 'auto', printf('user%02d@example.com', n % 50), 1 + n % 50, 'sender', n,
        printf('{"to":"user%02d@example.com","template":"ack","events":["item.created"],"parts":["sender"]}', n % 50),
        'sent', at, at FROM old""",
)


def fill(store: Any, items: int, mixed: Sequence[str] = ()) -> None:
    """Put so many decided mails, each with an item, into a store that has the desk's data and no mail yet.

    `mixed` are statements that change what became of some of them before all are counted.
    """
    database = store.database
    needs, free = items * BYTES_A_MAIL, shutil.disk_usage(database.path.parent).free
    if needs > free:
        raise SystemExit(f"{items:,} items take {needs / 1e9:.1f} GB on the disk, {free / 1e9:.1f} GB are free")
    for pragma in FILLING:
        database.run(f"PRAGMA {pragma}")
    with store.writing():
        database.run("INSERT INTO mailbox (name) VALUES ('system')")
    past, step = time.time_ns() // 1000 - YEAR_US, YEAR_US // items
    for first in range(1, items + 1, AT_ONCE):
        with store.writing():
            for rows in ROWS:
                database.run(SERIES + rows, first, min(first + AT_ONCE - 1, items), past, step)
    for statement in mixed:
        with store.writing():
            database.run(statement)
    store.archive.recount()
    for pragma in FILLED:
        database.run(f"PRAGMA {pragma}")


def main() -> None:
    """Fill the database at a path, in a process of its own: what comes after it would seem to have used its memory."""
    from engine.store.store import Store

    path, items = sys.argv[1:]
    with Store.open(Path(path)) as store:
        fill(store, int(items))


if __name__ == "__main__":
    main()
