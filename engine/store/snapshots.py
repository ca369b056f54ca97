"""What each transaction touched, left for the other processes where transactions run beside each other.

Here: `Snapshots`, the trail of PostgreSQL. Not here: the same for SQLite (`trail.py`), the table
(`postgres_schema.py`).
A number in a row tells nothing there: a later one may be seen earlier. So each look remembers which transactions it saw
(`pg_current_snapshot`), and the next one reads the rows of all others (PostgreSQL manual, 9.27.2).
Invariant: a row is read once by everybody but whoever left it, by the first look that can see what it tells of. Nobody
misses a row of a transaction that touched nothing which others remember: it leaves none.
"""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING, Any

from engine.store.trail import Notes, decode, told

if TYPE_CHECKING:
    from engine.store.postgres import Postgres

KEPT_S, LOOKED_S, SWEPT_EVERY = 600, 300.0, 64
"""How long a row stays; who did not look for longer than that forgets all; after so many rows old ones are swept."""

NOTHING = Notes()

_LEAVE = "INSERT INTO trail (session, notes) VALUES (?, ?)"

_NOW = "SELECT pg_current_snapshot()::text"

_SINCE = """
SELECT seen.now, trail.session, trail.notes FROM (SELECT pg_current_snapshot()::text AS now) AS seen
LEFT JOIN trail ON made >= pg_snapshot_xmin(CAST(? AS pg_snapshot)) AND made < pg_snapshot_xmax(pg_current_snapshot())
  AND NOT pg_visible_in_snapshot(made, CAST(? AS pg_snapshot)) AND session <> ?
ORDER BY trail.id"""

_SWEEP = """
DELETE FROM trail WHERE id IN (
  SELECT id FROM trail WHERE left_at < clock_timestamp() - make_interval(secs => ?)
  LIMIT 1000 FOR UPDATE SKIP LOCKED)"""


class Snapshots:
    """Rows with the transaction that left them."""

    in_order = False

    def __init__(self, database: Postgres) -> None:
        self._database = database
        self._since, self._looked, self._swept = "", 0.0, 0
        self.notes = Notes()

    def leave(self, in_full: bool) -> None:
        if in_full and self.notes == NOTHING:
            return
        self._database.mark(_LEAVE, self._database.session, told(self.notes, in_full))
        self.notes = Notes()
        self._swept += 1
        if self._swept % SWEPT_EVERY == 0:
            self._database.mark(_SWEEP, KEPT_S)

    def left_by_others(self) -> list[Notes] | None:
        before, now = self._looked, monotonic()
        self._looked = now
        if not self._since or now - before > LOOKED_S:
            self._since = self._database.one(_NOW)[0]
            return None
        rows: list[tuple[Any, ...]] = self._database.rows(_SINCE, self._since, self._since, self._database.session)
        self._since = rows[0][0]
        left = [notes for _, session, notes in rows if session is not None]
        return None if None in left else [decode(notes) for notes in left]

    def taken_back(self, whole: bool) -> None:
        self.notes = Notes(unsure=not whole)
        self._since = ""
