"""How many mails and letters wait for a person: counted for who sees only some of them, up to a number.

Here: `held`, `letters`, for `figures.py`. Not here: the mails and the letters (`mails.py`, `outbox_views.py`).
Invariant: no more rows are read than are told of, however many others wait that somebody does not see; what is not
seen is not counted.
"""

# ruff: noqa: S608 - only conditions of our own are put into the statements

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.store import sighted
from engine.store.item_query import seen
from engine.store.terms import OPEN, STILL_HELD, TO_SEE

if TYPE_CHECKING:
    from engine.model.sight import ItemSight, Sight
    from engine.store.database import Database

LOOKED_AT = 200
"""Waiting mails among which is looked for those that were held and are decided again."""

NEWEST = 1_000
"""Letters in a state, the newest, among which is looked for those that somebody sees."""

ALL_HELD = (
    f"SELECT count(*) FROM (SELECT 1 FROM inbound WHERE {OPEN} AND state IN ('held', 'quarantined') LIMIT ?) AS held"
)

COUNTED = f"SELECT mails FROM tally WHERE {STILL_HELD} AND {{seen}} AND mails > 0 LIMIT ?"

AGAIN = f"""
SELECT count(*) FROM (
  SELECT id, mailbox_id, generation FROM inbound WHERE {OPEN} AND state = 'received' LIMIT {LOOKED_AT}) AS waiting
JOIN receipt ON receipt.inbound_id = waiting.id AND receipt.generation = (
  SELECT max(newest.generation) FROM receipt AS newest WHERE newest.inbound_id = waiting.id)
JOIN mailbox ON mailbox.id = waiting.mailbox_id
WHERE waiting.generation > 1 AND receipt.outcome IN ('held', 'error') AND {{seen}}"""

ALL_LETTERS = f"SELECT count(*) FROM (SELECT 1 FROM outbox WHERE {TO_SEE} AND state = ? LIMIT ?) AS those"

LETTERS = f"""
SELECT count(*) FROM (
  SELECT item FROM outbox WHERE {TO_SEE} AND state = ? ORDER BY created_at DESC LIMIT {NEWEST}) AS letter
WHERE EXISTS (SELECT 1 FROM item WHERE item.id = letter.item AND {{seen}})"""

STATES = ("held", "failed")


def held(database: Database, sight: Sight, most: int) -> int:
    """Count held mails, `most` where there are as many or more.

    What was counted of them says how many there are in each place; mail that is decided again is none until then.
    """
    if sight.all:
        return int(database.one(ALL_HELD, most)[0])
    found, enough = 0, most + LOOKED_AT
    for place in sighted.places(sight):
        found += sum(mails for (mails,) in database.rows(COUNTED.format(seen=place.sql), *place.params, enough))
    if not found or found >= enough:
        return min(found, most)
    there = sighted.text(sight, "receipt.workspace", "mailbox.name")
    again: int = database.one(AGAIN.format(seen=there.sql), *there.params)[0]
    return max(min(found - again, most), 0)


def letters(database: Database, sight: ItemSight, most: int) -> int:
    """Count letters that failed or are held, `most` where there are as many or more."""
    if sight.all:
        every: int = sum(database.one(ALL_LETTERS, state, most)[0] for state in STATES)
        return min(every, most)
    if not sight.workspaces:
        return 0
    those = [*seen(sight)]
    asked = LETTERS.format(seen=" AND ".join(each.sql for each in those))
    values = [value for each in those for value in each.params]
    found: int = sum(database.one(asked, state, *values)[0] for state in STATES)
    return min(found, most)
