"""Doorbells: that there is work now, told to the workers in the transaction that made it.

Here: the kinds of bells, the statements that ring them and take stalled ones away. They write into the table of
procrastinate (3.10), which is no public face of it: a test rings on the version that is installed. Not here: when they
are rung (`Database.ring`), who hears them (`engine/worker/loop.py`, the only file that loads procrastinate).
Invariant: a bell carries nothing; where none is heard, a tick finds the work.
"""

from __future__ import annotations

from enum import StrEnum


class Bell(StrEnum):
    """What there is to do, and the name of the queue and the task for it."""

    FETCH = "fetch"
    DECIDE = "decide"
    DELIVER = "deliver"


DECIDERS = "deciders"
"""The trouble that deciders die one after the other."""

TICK = "tick"
"""The bell that rings by the clock."""

STALLED_S = 30.0
"""A worker that has not been heard of for so long is taken for dead, and so are the bells it took."""

THERE = "SELECT to_regclass('procrastinate_jobs') IS NOT NULL"

RING = """
INSERT INTO procrastinate_jobs (queue_name, task_name, queueing_lock) VALUES (?, ?, ?)
ON CONFLICT (queueing_lock) WHERE status = 'todo' DO NOTHING"""
"""It waits for another transaction that rings the same bell: so it is the last thing before a commit."""

PRUNE = "SELECT procrastinate_prune_stalled_workers_v1(?)"

SWEEP = "DELETE FROM procrastinate_jobs WHERE status <> 'todo' AND worker_id IS NULL"
"""What a dead worker had taken, and what an earlier way to work left behind."""

UNHEARD = """
SELECT extract(epoch FROM max(clock_timestamp() - at)) FROM procrastinate_events AS event
JOIN procrastinate_jobs AS job ON job.id = event.job_id WHERE job.status = 'todo' AND event.type = 'deferred'"""
