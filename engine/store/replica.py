"""A standby of the server, from which is read what may be some seconds old.

Here: `open_to_read`, which opens one where there is one, and `Replica`. Not here: which commands read there
(`cli/common.py`). Invariant: nothing is written through it and nothing decided; where it does not answer, or is no
standby, the database itself is read.
"""

from __future__ import annotations

from datetime import datetime

from engine.store.database import BUSY_S, Database, moment
from engine.store.errors import StoreError
from engine.store.migrations import bring_up_to_date
from engine.store.place import Url, Where, need_driver
from engine.store.store import Store
from engine.store.trail import Left, Notes

_AS_OF = """
SELECT pg_is_in_recovery(),
  coalesce((extract(epoch FROM pg_last_xact_replay_timestamp()) * 1000000)::bigint, 0)"""


class _Unheard:
    """Nobody leaves word on a standby, and what others left cannot be read there: all is forgotten at each look."""

    in_order = False

    def __init__(self) -> None:
        self.notes = Notes()

    def leave(self, in_full: bool) -> None:
        """Nothing was written."""

    def left_by_others(self) -> list[Notes] | None:
        return None

    def taken_back(self, whole: bool) -> None:
        """Nothing was written."""


def open_to_read(where: Where, replica: Url | None, *, busy_s: float = BUSY_S) -> tuple[Store, datetime | None, str]:
    """Open the replica, else the database itself; gives until when there is what was written (None: until now).

    The last is a sentence of why the replica is not read, "" where it is or there is none. Raises StoreError.
    """
    said = ""
    if replica is not None:
        try:
            store, at = _opened(replica, busy_s)
        except StoreError as error:
            said = str(error)
        else:
            return store, at, ""
    return Store.open(where, busy_s=busy_s), None, said


def _opened(replica: Url, busy_s: float) -> tuple[Store, datetime | None]:
    need_driver()
    from engine.store.postgres import Postgres

    class Replica(Postgres):
        def left(self) -> Left:
            return _Unheard()

    database: Database = Replica(replica, busy_s)
    database.connect()
    try:
        is_standby, at = database.one(_AS_OF)
        if not is_standby:
            raise StoreError(f"{database.named} is no standby")
        bring_up_to_date(database, may_upgrade=False)
    except BaseException:
        database.close()
        raise
    return Store(database), moment(at)
