"""Conditions and names of columns that tables, statements and queries have to say in the same words.

Here: texts. Not here: the statements (`hot.py`) and the tables (`tables/`), which put them together.
Invariant: a partial index repeats its condition word for word in the queries that use it.
"""

from __future__ import annotations

from engine.model.fields import COMMON

OPEN = "state IN ('received', 'held', 'quarantined')"
HELD = "state IN ('held', 'quarantined')"
PLANNED = "action_state IN ('pending', 'failed')"
TAKEN_AWAY = "action IN ('move', 'delete') AND action_state IN ('done', 'gone')"
DECIDED = "decided_at > 0"
QUEUED = "state IN ('queued', 'sending')"
OF_THE_DESK = "inbound_id IS NULL AND act = ''"
ASSIGNED = "assigned_to <> ''"
COLLECTED = "state = 'digest'"
BY_ITSELF = "state <> 'digest' AND sent_in IS NULL"
IDENTIFIED = "message_id <> ''"
TO_SEE = "state IN ('held', 'failed', 'unknown', 'bounced')"
STILL_HELD = "span + 0 = 96 AND outcome IN ('held', 'error')"
DRAFT = "draft = TRUE"
COUNTED = "state NOT IN ('suppressed', 'dropped')"

COLUMNS = tuple(field.name for field in COMMON.rows if field.column and field.name not in ("title", "private"))
"""Fields that are columns of text, which title and private are beside them; every other is a row of `item_field`."""
