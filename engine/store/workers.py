"""The workers beside a database, as their sessions tell of them, and the bells that hang there.

Here: `Workers`, which only a database on a server has: who lives, what waits for them, sweeping their bells. Not here:
what a worker does (`engine/worker`), how a bell is rung (`postgres.py`).
Invariant: whose session is gone is no worker any more; nobody has to tell.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from engine.model.figures import Staff
from engine.model.stored import BROKEN, Attending
from engine.store import bells, hot
from engine.store.database import time, us
from engine.store.queue import CLAIM_S
from engine.store.session_locks import WORKERS, SessionLock

if TYPE_CHECKING:
    from datetime import datetime

    from engine.store.postgres import Postgres

_NAMED = "SELECT set_config('application_name', ?, false)"

_THERE = """
SELECT coalesce(nullif(application_name, ''), 'another user''s'), (extract(epoch FROM backend_start) * 1000000)::bigint
FROM pg_locks JOIN pg_stat_activity USING (pid)
WHERE locktype = 'advisory' AND classid = ? AND objsubid = 2 AND granted
  AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
ORDER BY backend_start, pid"""

_PLANNED = """
SELECT coalesce(max(next_at), 0), min(CASE WHEN next_at <= ? AND lease_owner = '' THEN next_at END)
FROM mailbox WHERE paused = '' AND next_at > ok_at AND next_at > failed_at"""

_OLDEST = """
SELECT max(CASE WHEN inbound.next_at > received_at THEN inbound.next_at ELSE received_at END) FROM (
  SELECT inbound.next_at, received_at FROM inbound JOIN mailbox ON mailbox.id = mailbox_id
  WHERE state = 'received' AND owner IS NULL AND inbound.next_at > 0 AND inbound.next_at <= ? AND paused = ''
    AND mailbox.code <> ? ORDER BY inbound.next_at, inbound.id LIMIT 1) AS inbound"""

_CLAIMED = """
SELECT owner, count(*) FROM inbound WHERE state = 'received' AND owner IS NOT NULL AND claimed_until <= ? GROUP BY 1"""

LONGEST_NAME = 63

ORPHANED_S = 60.0
"""What the dead had is given back sooner than that, where somebody lives to do it."""


class Workers:
    """Who works here, and what rings for them."""

    def __init__(self, database: Postgres) -> None:
        self._database = database
        self._attends = 0

    def attend(self) -> None:
        """Count among them as long as this connection lasts; behind another one it has to be said again."""
        database = self._database
        if self._attends == database.session:
            return
        number = int(database.owner.rpartition("/")[2])
        name = f"process {os.getpid()} on {os.uname().nodename}"
        database.rows(_NAMED, f"allegra worker: {name}"[:LONGEST_NAME])
        SessionLock(database, WORKERS, number).acquire()
        self._attends = database.session

    def there(self) -> list[Attending]:
        """Give those whose connection lasts, on whatever host."""
        rows = self._database.rows(_THERE, WORKERS)
        return [Attending(name.removeprefix("allegra worker: "), time(since)) for name, since in rows]

    @property
    def have_bells(self) -> bool:
        """Whether there is what rings for them."""
        return bool(self._database.one(bells.THERE)[0])

    def unheard_s(self) -> float:
        """Tell for how long the oldest bell has hung there that nobody took."""
        return float(self._database.one(bells.UNHEARD)[0] or 0.0) if self.have_bells else 0.0

    def standing(self, at: datetime) -> Staff:
        """Tell who works here, and what waits for them."""
        one, now = self._database.one, us(at)
        planned, due = one(_PLANNED, now)
        mail = one(_OLDEST, now, BROKEN)[0]
        late = [now - each for each in (due, mail) if each is not None]
        orphans = [
            count for owner, count in self._database.rows(_CLAIMED, now + int((CLAIM_S - ORPHANED_S) * 1_000_000))
            if self._database.is_alive(owner) is False
        ]  # fmt: skip
        trouble = one(hot.TROUBLE_SINCE, bells.DECIDERS)
        return Staff(
            tuple(self.there()), planned > 0, max([0, *late]) / 1_000_000, sum(orphans), self.unheard_s(),
            trouble[0] if trouble else "",
        )  # fmt: skip

    def sweep(self) -> None:
        """Take away what dead workers had taken, and the dead with it."""
        if self.have_bells:
            self._database.rows(bells.PRUNE, bells.STALLED_S)
            self._database.run(bells.SWEEP)
