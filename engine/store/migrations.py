"""From any older schema to the one of this release.

Here: the steps in order, and when they run. Not here: the tables of today (`tables/`).
Invariant: a new database is made from the tables of today and equals an old one that took every step (a test
compares them). A step is never changed once released. Steps run alone: no pass is under way, each is one transaction.

A small runner of our own rather than `playhouse.migrations`: that one loads scripts by path at run time, cannot tell a
schema newer than itself, and would be one more thing beside `schema_version` to wait for a running pass. Steps may use
`playhouse.migrate` for changes of columns.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from msgspec import Struct

from engine.store import hot
from engine.store.database import Database, us
from engine.store.errors import Busy, StoreError
from engine.store.locks import FileLock

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from engine.model.told import Told

UPGRADE_WAIT_S = 30.0
"""How long an upgrade waits for a running pass before it says so."""


def _first(database: Database, _told: Told) -> None:
    """Step 1 is the making of the tables: no older schema was ever released."""


def _numbering(database: Database, _told: Told) -> None:
    """Step 2: numbers of items go on above a mark, which a restored backup sets."""
    database.run('CREATE TABLE "numbering" ("kind" TEXT NOT NULL PRIMARY KEY, "above" INTEGER NOT NULL) WITHOUT ROWID')


def _hearing(database: Database, told: Told) -> None:
    """Step 3 has a file of its own."""
    from engine.store.step_3 import take

    take(database, told)


STEPS: tuple[tuple[str, Callable[[Database, Told], None]], ...] = (
    ("first version", _first),
    ("numbers above a mark", _numbering),
    ("events and who hears of them", _hearing),
)
"""Name and deed of every step; the version of a schema is the number of steps taken."""


MADE = b"made\n"
"""What stands in the file of the pass lock once there was a database: one that is gone is not made anew in silence."""


GONE = "is gone or empty, and there was one"


def version(database: Database) -> int:
    """Give the version of the schema, 0 for an empty database. Raises StoreError if the database is not ours."""
    found = {name for (name,) in database.rows(hot.TABLES)}
    if not found:
        return 0
    if "schema_version" not in found:
        raise StoreError(f"{database.path} is a database of something else: it has tables, but not ours")
    return int(database.one(hot.SCHEMA)[0] or 0)


def was_made(path: Path) -> bool:
    """Tell whether there was a database at this path once, whatever is there now."""
    try:
        return pass_file(path).read_bytes().startswith(MADE)
    except OSError:
        return False


def pass_file(path: Path) -> Path:
    """Name the file that a pass locks shared and an upgrade locks alone."""
    return path.with_name(path.name + ".pass")


def bring_up_to_date(
    database: Database,
    may_upgrade: bool = True,
    wait_s: float = UPGRADE_WAIT_S,
    *,
    anew: bool = False,
    told: Told | None = None,
) -> list[str]:
    """Make or upgrade the schema; gives the names of the steps taken, usually none.

    Raises StoreError for a schema newer than this release, one that is older and may not be upgraded, and an empty
    database where there was one before, unless it may be made `anew`;
    Busy if a pass was still running after `wait_s` seconds.
    """
    if _is_current(database):
        return []
    if not may_upgrade:
        raise StoreError(f"the database {database.path} has an older schema: run `allegra db migrate`")
    with _alone(database, wait_s) as lock:
        if database.path and not anew and was_made(database.path) and version(database) == 0:
            raise StoreError(
                f"the database {database.path} {GONE}: restore a backup "
                "(`allegra db restore FILE`), or begin with an empty one (`allegra db migrate --anew`)"
            )
        taken = _upgrade(database, told)
        if lock:
            lock.note(MADE)
        return taken


class Migrated(Struct, frozen=True):
    """The version that the schema has now, and the names of the steps that were taken."""

    version: int
    steps: tuple[str, ...]


def migrate(path: Path, wait_s: float = UPGRADE_WAIT_S, *, anew: bool = False, told: Told | None = None) -> Migrated:
    """Make the database of a path (with `anew` also where one is gone), or bring its schema up to date.

    Raises StoreError, Busy.
    """
    database = Database(path)
    database.connect()
    try:
        steps = bring_up_to_date(database, wait_s=wait_s, anew=anew, told=told)
        return Migrated(version(database), tuple(steps))
    finally:
        database.close()


def _is_current(database: Database) -> bool:
    found = version(database)
    if found > len(STEPS):
        raise StoreError(
            f"the database {database.path} has schema {found}, this release knows {len(STEPS)}: "
            "install the release that made it, or a newer one"
        )
    return found == len(STEPS)


def check_version(database: Database) -> None:
    """Raise StoreError if the schema is another one than when this process opened it."""
    if database.one(hot.SCHEMA)[0] != len(STEPS):
        raise StoreError(f"the schema of the database {database.path} was upgraded meanwhile: run again")


@contextmanager
def _alone(database: Database, wait_s: float) -> Iterator[FileLock | None]:
    if database.path is None:
        yield None
        return
    lock = FileLock(pass_file(database.path))
    if not lock.acquire(wait_s):
        raise Busy("the schema of the database has to be upgraded, but a pass is running: try again when it is done")
    try:
        yield lock
    finally:
        lock.release()


def _upgrade(database: Database, told: Told | None) -> list[str]:
    from engine.model.told import nobody

    taken = []
    while not _is_current(database):
        with database.writing():
            before = version(database)
            if before >= len(STEPS):
                break
            if before == 0:
                database.dialect.make_tables()
                fresh = STEPS
            else:
                fresh = STEPS[before : before + 1]
                fresh[0][1](database, told or nobody)
            now = us(datetime.now(UTC))
            for number, (name, _) in enumerate(fresh, before + 1):
                database.run(hot.STEP_TAKEN, number, name, now)
                taken.append(name)
    return taken
