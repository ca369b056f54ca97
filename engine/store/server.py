"""What a database server is like, as it tells by itself: its version, its settings, who stands between it and us.

Here: `look`, which asks, and `Server`, the answers. Not here: what is wrong with them (`workbench/server_check.py`).
Invariant: it only asks, through connections of its own, and any role that may connect gets every answer.
"""

from __future__ import annotations

from contextlib import closing
from time import time_ns

from msgspec import Struct

from engine.store.connecting import connection
from engine.store.database import Database
from engine.store.errors import StoreError
from engine.store.place import Url

SETTINGS = (
    "autovacuum", "fsync", "full_page_writes", "max_connections", "max_locks_per_transaction",
    "superuser_reserved_connections", "synchronous_commit", "synchronous_standby_names",
)  # fmt: skip

_SETTINGS = "SELECT name, reset_val FROM pg_settings WHERE name = ANY(CAST(? AS text[]))"

_FACTS = """
SELECT current_setting('server_version_num')::bigint, current_setting('server_version'),
  pg_is_in_recovery(), current_setting('default_transaction_read_only') = 'on',
  (extract(epoch FROM clock_timestamp()) * 1000000)::bigint,
  (SELECT count(*) FROM pg_stat_replication),
  (SELECT coalesce(min(most), -1) FROM (
     SELECT datconnlimit AS most FROM pg_database WHERE datname = current_database()
     UNION ALL SELECT rolconnlimit FROM pg_roles WHERE rolname = current_user) AS limits WHERE most >= 0)"""

_LACKING = """
SELECT rights.name, string_agg(relname, ', ' ORDER BY relname) FROM pg_class
CROSS JOIN unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE']) AS rights(name)
WHERE relnamespace = current_schema()::regnamespace AND relkind = 'r'
  AND NOT has_table_privilege(pg_class.oid, rights.name)
GROUP BY rights.name
UNION ALL SELECT 'USAGE', string_agg(relname, ', ' ORDER BY relname) FROM pg_class
WHERE relnamespace = current_schema()::regnamespace AND relkind = 'S'
  AND NOT CASE WHEN relkind = 'S' THEN has_sequence_privilege(oid, 'USAGE') ELSE TRUE END
HAVING count(*) > 0"""

_PID = "SELECT pg_backend_pid()"

TURNS = 12
"""How often two connections ask in turn who answers: a pooler that shares gives itself away at the first, or soon."""

_COPY = """
SELECT pg_is_in_recovery(), (extract(epoch FROM clock_timestamp() - pg_last_xact_replay_timestamp()))::bigint,
  pg_last_wal_receive_lsn() IS NOT DISTINCT FROM pg_last_wal_replay_lsn()"""

_WHICH = "SELECT system_identifier FROM pg_control_system()"


class Server(Struct, frozen=True):
    """The answers. `ahead_s` is how far its clock is ahead of this host's, `most` how many connections we may have.

    `shared` tells of a pooler that gives each transaction another connection. `lacking` are the rights that we have not
    got, each with the tables (of USAGE the sequences) that it is missing for, `role` is who we are.
    """

    number: int
    version: str
    is_standby: bool
    is_read_only: bool
    ahead_s: float
    standbys: int
    most: int
    shared: bool
    settings: dict[str, str]
    lacking: tuple[tuple[str, str], ...] = ()
    role: str = ""

    def setting(self, name: str) -> int:
        """Give one that is a number."""
        return int(self.settings.get(name, "0"))


class Replica(Struct, frozen=True):
    """A copy that may be read: whether it is one, of this server, and how many seconds it is behind."""

    is_standby: bool
    is_ours: bool
    behind_s: int


def look(where: Url) -> Server:
    """Ask the server. Raises StoreError."""
    if is_shared(where):
        return Server(0, "", False, False, 0.0, 0, -1, True, {})
    with closing(connection(where)) as database:
        database.connect()
        began = time_ns() // 1000
        number, version, standby, read_only, at, standbys, limit = database.one(_FACTS)
        ahead = (at - (began + time_ns() // 1000) // 2) / 1e6
        found = dict(database.rows(_SETTINGS, [*SETTINGS]))
        lacking, (role,) = tuple(sorted(database.rows(_LACKING))), database.one("SELECT current_user")
    most = int(found["max_connections"]) - int(found["superuser_reserved_connections"])
    most = min(most, limit) if limit >= 0 else most
    return Server(number, version, standby, read_only, ahead, standbys, most, False, found, lacking, role)


def is_shared(where: Url) -> bool:
    """Tell whether a pooler gives each transaction whatever connection is free. Raises StoreError.

    Two connections have two sessions of the server, each the same one for ever; behind such a pooler they have not.
    """
    with closing(connection(where)) as one, closing(connection(where)) as other:
        one.connect()
        other.connect()
        try:
            for _ in range(TURNS):
                first, second = one.one(_PID)[0], other.one(_PID)[0]
                if first == second or first != one.one(_PID)[0]:
                    return True
        except StoreError as error:
            if is_collision(error):
                return True
            raise
    return False


def is_collision(error: StoreError) -> bool:
    """Tell whether a statement that was prepared here was not there, or another one of its name was."""
    return getattr(error.__cause__, "sqlstate", "") in ("42P05", "26000")


def look_at_replica(where: Url, replica: Url) -> Replica:
    """Ask a copy of the server. Raises StoreError."""
    with closing(connection(replica)) as copy, closing(connection(where)) as database:
        copy.connect()
        database.connect()
        standby, behind, all_there = copy.one(_COPY)
        return Replica(standby, _identity(copy) == _identity(database), 0 if all_there else int(behind or 0))


def _identity(database: Database) -> int:
    return int(database.one(_WHICH)[0])
