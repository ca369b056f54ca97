"""From any older schema to the one of this release.

Here: the steps in order, and when they run. Not here: the tables of today (`tables/`).
Invariant: a new database is made from the tables of today and equals an old one that took every step (a test
compares them). A step is never changed once released; each is one transaction. Steps run alone, while no pass is under
way, but those whose name begins with `online: `: what they make is not seen by code that does not know them.

Schema 3 is the first that a release made on a server; steps 1 and 2 are those of files. A later step is written for
both databases.

A small runner of our own rather than `playhouse.migrations`: that one loads scripts by path at run time, cannot tell a
schema newer than itself, and would be one more thing beside `schema_version` to wait for a running pass. Steps may use
`playhouse.migrate` for changes of columns.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from msgspec import Struct

from engine.store import hot
from engine.store.connecting import connection
from engine.store.database import Database, us
from engine.store.errors import Busy, OtherSchema, StoreError
from engine.store.file import pass_file
from engine.store.locks import MADE

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from engine.model.told import Told
    from engine.store.locks import Lock
    from engine.store.place import Where

ONLINE = "online: "
"""How the name of a step begins that is taken while others work: a table, a column that may be left out."""

TURN = 3
"""The lock that whoever takes a step holds meanwhile: two upgrades go one after the other."""

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


def _counts(database: Database, told: Told) -> None:
    """Step 4 has a file of its own."""
    from engine.store.step_4 import take

    take(database, told)


def _access(database: Database, _told: Told) -> None:
    """Step 5 has a file of its own."""
    from engine.store.step_5 import take

    take(database)


def _versions(database: Database, _told: Told) -> None:
    """Step 6 has a file of its own."""
    from engine.store.step_6 import take

    take(database)


STEPS: tuple[tuple[str, Callable[[Database, Told], None]], ...] = (
    ("first version", _first),
    ("numbers above a mark", _numbering),
    ("events and who hears of them", _hearing),
    ("traces apart, and counts", _counts),
    ("online: who is let in", _access),
    ("online: versions of rule files, and measures", _versions),
)
"""Name and deed of every step; the version of a schema is the number of steps taken."""


GONE = "is gone or empty, and there was one"


def version(database: Database) -> int:
    """Give the version of the schema, 0 for an empty database. Raises StoreError if the database is not ours.

    Steps of a later release that were taken `online` do not count: this one works beside them.
    """
    found = database.tables()
    if not found:
        return 0
    if "schema_version" not in found:
        raise StoreError(f"{database.named} is a database of something else: it has tables, but not ours")
    return _taken(database)[0]


def _taken(database: Database) -> tuple[int, str]:
    """Read the version of the schema, and who wants to upgrade it, "" for nobody."""
    wanted, names = "", dict[int, str]()
    for number, name, applied_at in database.rows(hot.STEPS_TAKEN):
        if applied_at >= 0:
            names[number] = name
        else:
            wanted = name
    newest = max(names, default=0)
    while newest > len(STEPS) and names.get(newest, "").startswith(ONLINE):
        newest -= 1
    return newest, wanted


def upgrade_wanted(database: Database) -> bool:
    """Tell whether whoever works here should end: the schema is to be upgraded, or was."""
    found, wanted = _taken(database)
    return found != len(STEPS) or (wanted != "" and database.is_alive(wanted) is not False)


def was_made(path: Path) -> bool:
    """Tell whether there was a database at this path once, whatever is there now."""
    try:
        return pass_file(path).read_bytes().startswith(MADE)
    except OSError:
        return False


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
    found = version(database)
    if not may_upgrade:
        state = "has an older schema" if found else "is empty"
        raise OtherSchema(f"the database {database.named} {state}: run `allegra db migrate`")
    if found and all(name.startswith(ONLINE) for name, _ in STEPS[found:]):
        return _upgrade(database, told)
    with _alone(database, wait_s) as lock:
        if database.path and not anew and was_made(database.path) and version(database) == 0:
            raise StoreError(
                f"the database {database.named} {GONE}: restore a backup "
                "(`allegra db restore FILE`), or begin with an empty one (`allegra db migrate --anew`)"
            )
        taken = _upgrade(database, told)
        if lock:
            lock.note(MADE)
        return taken


def make(database: Database) -> None:
    """Make all tables in an empty database, in the transaction that is open or one of its own."""
    with database.joining():
        _fresh(database)


class Migrated(Struct, frozen=True):
    """The version that the schema has now, and the names of the steps that were taken."""

    version: int
    steps: tuple[str, ...]


def migrate(where: Where, wait_s: float = UPGRADE_WAIT_S, *, anew: bool = False, told: Told | None = None) -> Migrated:
    """Make the database of a place (with `anew` also where one is gone), or bring its schema up to date.

    Raises StoreError, Busy.
    """
    database = connection(where)
    database.connect()
    try:
        steps = bring_up_to_date(database, wait_s=wait_s, anew=anew, told=told)
        return Migrated(version(database), tuple(steps))
    finally:
        database.close()


def _is_current(database: Database) -> bool:
    found = version(database)
    if found > len(STEPS):
        raise OtherSchema(
            f"the database {database.named} has schema {found}, this release knows {len(STEPS)}: "
            "install the release that made it, or a newer one"
        )
    return found == len(STEPS)


def check_version(database: Database) -> None:
    """Raise StoreError if the schema is another one than when this process opened it."""
    if _taken(database)[0] != len(STEPS):
        raise OtherSchema(f"the schema of the database {database.named} was upgraded meanwhile: run again")


@contextmanager
def _alone(database: Database, wait_s: float) -> Iterator[Lock | None]:
    lock = database.pass_lock()
    if lock is None:
        yield None
        return
    if not lock.acquire():
        with _wanting(database):
            if not lock.acquire(wait_s):
                raise Busy(
                    "the schema of the database has to be upgraded, but a pass is running: try again when it is done"
                )
    try:
        yield lock
    finally:
        lock.release()


@contextmanager
def _wanting(database: Database) -> Iterator[None]:
    """Ask those who work to end; whoever asks and dies asks no more."""
    before = version(database)
    if not before:
        yield
        return
    with database.writing():
        database.run(hot.STEP_WANTED, before + 1, database.owner)
    try:
        yield
    finally:
        with suppress(StoreError), database.writing():
            database.run(hot.STEP_NOT_WANTED)


def _upgrade(database: Database, told: Told | None) -> list[str]:
    from engine.model.told import nobody

    taken: list[str] = []
    while not _is_current(database):
        with database.writing():
            database.lock((TURN,))
            before = version(database)
            if before >= len(STEPS):
                break
            if 0 < before < database.first_schema:
                raise StoreError(
                    f"the database {database.named} has schema {before}: no release made one older than "
                    f"{database.first_schema} on a server, so this is none of ours"
                )
            if before == 0:
                taken += _fresh(database)
                continue
            name, deed = STEPS[before]
            database.run(hot.STEP_NOT_WANTED)
            deed(database, told or nobody)
            database.run(hot.STEP_TAKEN, before + 1, name, us(datetime.now(UTC)))
            taken.append(name)
    return taken


def _fresh(database: Database) -> list[str]:
    """Make the tables of today, which have taken every step."""
    database.dialect.make_tables()
    for number, (name, _) in enumerate(STEPS, 1):
        database.run(hot.STEP_TAKEN, number, name, us(datetime.now(UTC)))
    return [name for name, _ in STEPS]
