"""A database that is not empty: mails long decided and the items they made, as a store of that age has them.

Here: rows made by SQLite itself, some 20,000 mails with all that belongs to them a second. Not here: anything the
mails of the corpus have to do with. The bytes of the old mails were let go, as `allegra db prune` leaves them; every
key they had is there, and random, because looking up random keys is what a full database costs.
"""

from __future__ import annotations

import time
from typing import Any

YEAR_S = 365 * 86_400
SERIES = """WITH RECURSIVE given(items, past) AS (SELECT ?, ?),
    old(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM old, given WHERE n < items) """
ROWS = (
    """INSERT INTO raw_mail (id, digest, size, purged_at)
    SELECT n, randomblob(32), 24000, past FROM old, given""",
    """INSERT INTO inbound (id, ref, mailbox_id, raw_id, received_at, state, decided_at, message_key, content_key,
        sender, recipients, subject)
    SELECT n, 'm-' || lower(hex(randomblob(6))), (SELECT id FROM mailbox), n, past + n, 'done', past + n,
        randomblob(16), randomblob(16), printf('user%02d@example.com', n % 50), 'help@example.com', 'Old mail ' || n
    FROM old, given""",
    """INSERT INTO presentation (mailbox_id, key, inbound_id, size, first_seen, last_seen, action, action_state)
    SELECT (SELECT id FROM mailbox), lower(hex(randomblob(16))), n, 24000, past, past, 'move', 'done'
    FROM old, given""",
    """INSERT INTO item (id, workspace_id, title, text, sender, status, type, priority, created_at, changed_at,
        inbound_id)
    SELECT n, (SELECT min(id) FROM workspace), 'Old item ' || n, hex(zeroblob(150)), 'user00@example.com', 'New',
        'Task', 'Normal', past, past, n
    FROM old, given""",
    """INSERT INTO receipt (inbound_id, generation, outcome, code, because, by_kind, by_name, workspace, item,
        decided_at)
    SELECT n, 1, 'created', 'draft.created', '', 'stage', 'draft', 'support', n, past FROM old, given""",
    """INSERT INTO effect (inbound_id, generation, kind, n, object)
    SELECT n, 1, 'CreateItem', 0, n FROM old, given""",
)


def fill(store: Any, items: int) -> None:
    """Put so many decided mails, each with an item, into a store that has workspaces and no mail yet."""
    with store.writing():
        store.database.run("INSERT INTO mailbox (name) VALUES ('system')")
        for rows in ROWS:
            store.database.run(SERIES + rows, items, (int(time.time()) - YEAR_S) * 1_000_000)
