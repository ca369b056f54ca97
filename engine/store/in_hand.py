"""What somebody works on in a database, whoever and wherever they are.

Here: `in_hand`. Not here: claims and leases (`claims.py`, `lease.py`, `outbox.py`). Invariant: it only reads; what a
dead process left is in nobody's hands.
"""

from __future__ import annotations

from collections.abc import Iterator

from engine.store import tables
from engine.store.database import Database
from engine.store.queue import is_free


def in_hand(database: Database) -> str:
    """Say what is in whose hands; "" for nothing."""
    now, workers = database.now(), database.workers
    found = [f"a worker lives ({each.name})" for each in workers.there()] if workers is not None else []
    for what, owner, until, count in _claims(database):
        if not is_free(database, owner, until, now):
            found.append(f"{what.format(count)} ({owner})")
    return ", ".join(found[:5]) + (", …" if len(found) > 5 else "")


def _claims(database: Database) -> Iterator[tuple[str, str, int, int]]:
    """Give what is claimed: what it is, by whom, until when, how often."""
    inbound, outbox, box = tables.Inbound, tables.Outbox, tables.Mailbox
    count, latest = tables.fn.COUNT, tables.fn.MAX
    for table, what in ((inbound, "{} mails are decided"), (outbox, "{} letters are sent")):
        claimed = table.select(table.owner, latest(table.claimed_until), count(table.id))
        rows = database.all(claimed.where(table.owner.is_null(False), table.owner != "").group_by(table.owner))
        for owner, until, number in rows:
            yield what, owner, until, number
    for name, owner, until in database.all(box.select(box.name, box.lease_owner, box.lease_until)):
        if owner:
            yield f"mailbox {name} is read".replace("{", "{{").replace("}", "}}"), owner, until, 1
