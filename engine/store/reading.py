"""A database file that is only read, and what can be seen of it at a glance.

Here: `only_read`, `damage`, `readable`. Not here: the promises between its tables (`soundness.py`), the database that
is worked with (`database.py`). Invariant: a file is never changed, and nothing is left beside one that nobody works
with.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from engine.store import hot
from engine.store.errors import Refused
from engine.store.file import beside, meaning, pass_file
from engine.store.migrations import STEPS
from engine.store.sqlite import TABLES

UNREACHABLE = (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_PERM)
"""What says nothing of the content of a file: it is not reached now, or not by this user."""


@contextmanager
def only_read(path: Path) -> Iterator[sqlite3.Connection]:
    """Open a database or a backup to be read, on a disk that cannot be written as well. Raises sqlite3.Error.

    SQLite makes a log beside a file that once had one (WAL), and leaves it there. A file without a log and without the
    lock of a pass is nobody's at work: it is read as one that does not change (sqlite.org, "immutable").
    """
    lone = not any(each.exists() for each in (*beside(path), pass_file(path)))
    where = f"{path.absolute().as_uri()}?mode=ro{'&immutable=1' if lone else ''}"
    with closing(sqlite3.connect(where, uri=True)) as connection:
        yield connection


def damage(path: Path) -> str:
    """Say what is wrong inside a database file, "" for nothing (PRAGMA quick_check: pages, not yet every index).

    Raises StoreError for one that cannot be opened now.
    """
    try:
        with only_read(path) as connection:
            found = [str(row[0]) for row in connection.execute("PRAGMA quick_check(3)")]
    except sqlite3.Error as error:
        if getattr(error, "sqlite_errorcode", 0) & 0xFF in UNREACHABLE:
            raise meaning(error, path) from error
        return str(error)
    return "" if found == ["ok"] else "; ".join(found)


def readable(backup: Path) -> None:
    """Raise Refused for a file that is no whole backup of ours, StoreError for one that cannot be opened now."""
    if not backup.is_file():
        raise Refused(f"there is no file {backup}")
    if wrong := damage(backup):
        raise Refused(f"{backup} is damaged, or no backup: {wrong}")
    tables, version = _schema(backup)
    if not version:
        raise Refused(f"{backup} holds {'a database of something else' if tables else 'nothing: it is no backup'}")
    if version > len(STEPS):
        raise Refused(
            f"{backup} has schema {version}, this release knows {len(STEPS)}: install the release that wrote it, "
            "or a newer one"
        )


def _schema(backup: Path) -> tuple[int, int]:
    """Count the tables of a file, and give the version of its schema, 0 for none of ours."""
    with only_read(backup) as connection:
        tables = len(connection.execute(TABLES).fetchall())
        try:
            return tables, int(connection.execute(hot.SCHEMA).fetchone()[0] or 0)
        except (sqlite3.Error, ValueError):  # there is no such table, or another one of that name
            return tables, 0
