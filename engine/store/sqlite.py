"""SQLite: one file, or memory, and one connection to it.

Here: pragmas, waiting for another's transaction, what only a file can do. Not here: transactions and queries
(`database.py`), the file and what is said when it cannot be used (`file.py`), the other database (`postgres.py`).
Invariant: every write stands in a transaction that began as a writer (BEGIN IMMEDIATE), so that waiting for the lock
works and a read never has to become a write (which SQLite refuses at once).
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from datetime import datetime
from functools import cached_property
from pathlib import Path
from time import monotonic, sleep
from typing import TYPE_CHECKING, Any

from engine.model.whole import whole
from engine.store import locks
from engine.store.database import BUSY_S, Database, within
from engine.store.errors import Busy, StoreError
from engine.store.file import lock_file, meaning, pass_file, prepare
from engine.store.locks import FileLock
from engine.store.trail import Numbered

if TYPE_CHECKING:
    from peewee import Field

    from engine.model.told import Told
    from engine.store.bulk import Bulk
    from engine.store.dialect import Dialect
    from engine.store.trail import Left

LOOK_S = 0.001
"""After which time a statement looks again whether somebody else's transaction is over."""

BUSY = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_BUSY_RECOVERY)
"""What passes when another process ends its transaction, or has read the log that a killed one left."""

PRAGMAS = {
    "page_size": 8192,
    "synchronous": "FULL",
    "foreign_keys": "ON",
    "cache_size": -16384,
    "temp_store": "MEMORY",
    "journal_size_limit": 64 * 1024 * 1024,
}
"""8 kB pages save 120 us a mail, 16 MB of cache keep a batch from being spilled; the rest is safety."""


COPIED_PAGES = 2000
"""Pages of a copy between two words of how far it has come: 16 MB."""

_BEGIN = {"writing": "BEGIN IMMEDIATE", "rehearsal": "BEGIN IMMEDIATE", "reading": "BEGIN DEFERRED"}

TABLES = "SELECT name FROM sqlite_master WHERE type = 'table'"


class Sqlite(Database):
    """A connection for one thread, to a file or (None) to a database in memory."""

    beside_others = False

    def __init__(self, where: Path | None, busy_s: float = BUSY_S, clock: Callable[[], datetime] | None = None) -> None:
        super().__init__(busy_s, clock)
        self.where = self._path = where
        self._connection: sqlite3.Connection | None = None
        self._execute: Callable[[str, Sequence[Any]], sqlite3.Cursor] = self._closed
        self._others: int | None = None
        self._marked = 0

    @property
    def path(self) -> Path | None:
        return self._path

    def connect(self, create: bool = True) -> None:
        """Open the file, readable by its owner only. Raises StoreError."""
        if self.path is not None:
            prepare(self.path, create)
        try:
            self._open()
        except StoreError as error:
            with suppress(StoreError):
                if not isinstance(error, Busy):  # no room for the index of the log, which others share: in memory then
                    return self._open("PRAGMA locking_mode = EXCLUSIVE")
            raise

    def _open(self, *first: str) -> None:
        try:
            where = self.path or ":memory:"
            self._connection = sqlite3.connect(where, timeout=0, isolation_level=None, cached_statements=256)
            self._execute = self._connection.cursor().execute
            for statement in (*first, *(f"PRAGMA {name} = {value}" for name, value in PRAGMAS.items())):
                self.run(statement)
            if self.path is not None and self.one("PRAGMA journal_mode")[0] != "wal":
                self.run("PRAGMA journal_mode = WAL")
        except sqlite3.Error as error:
            raise meaning(error, self.path) from error
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Close the connection; twice does no harm."""
        if self._connection is not None:
            self._connection.close()
        self._connection, self._execute = None, self._closed

    def _closed(self, sql: str, params: Sequence[Any]) -> sqlite3.Cursor:
        raise RuntimeError("the database is not open")

    # ── statements ────────────────────────────────────────────────────────────────────────────────────────────

    def run(self, sql: str, *params: Any) -> Any:
        """Run a statement and give the cursor: its `rowcount` and `lastrowid` stand until the next one runs."""
        try:
            return self._execute(sql, params)
        except Exception as error:
            return self._tried_again(error, sql, params)

    def rows(self, sql: str, *params: Any) -> list[tuple[Any, ...]]:
        """Give all rows of a query."""
        try:
            return self._execute(sql, params).fetchall()
        except Exception as error:
            found: list[tuple[Any, ...]] = self._tried_again(error, sql, params, fetch=True)
            return found

    def _tried_again(self, error: Exception, sql: str, params: tuple[Any, ...], *, fetch: bool = False) -> Any:
        try:
            done = self._helped(error, sql, params)
            return done.fetchall() if fetch else done
        except Exception as again:
            raise meaning(again, self.path) from again

    def _helped(self, error: Exception, sql: str, params: tuple[Any, ...]) -> sqlite3.Cursor:
        """Run a statement that failed in a way that is better with other values or later; raises `error` for others."""
        if isinstance(error, UnicodeEncodeError):  # text that SQLite refuses; every text that is stored passes here
            return self._execute(sql, whole(params))
        if isinstance(error, OverflowError) and sql.lstrip().startswith("SELECT"):
            return self._execute(sql, tuple(map(within, params)))
        if isinstance(error, sqlite3.OperationalError) and error.sqlite_errorcode in BUSY:
            return self._when_free(sql, params)
        raise error

    def _when_free(self, sql: str, params: tuple[Any, ...]) -> sqlite3.Cursor:
        """Try a statement until nobody else's transaction stands in its way. Raises OperationalError after `busy_s`.

        SQLite's own waiting looks again after as much as a tenth of a second, which two processes at one pass feel.
        """
        until = monotonic() + self._busy_s
        while True:
            sleep(LOOK_S)
            try:
                return self._execute(sql, params)
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode not in BUSY or monotonic() > until:
                    raise

    def insert(self, sql: str, *params: Any) -> int:
        done = self.run(sql, *params)
        return int(done.lastrowid) if done.rowcount else 0

    def number_from(self, table: str, above: int) -> int:
        return above + 1  # SQLite gives the number after the highest one there is, and knows no other

    def mark(self, sql: str, *params: Any) -> None:
        """Run a statement that notes how far a row has come, which nobody remembers: `written` does not count it."""
        self._marked += int(self.run(sql, *params).rowcount)

    @property
    def written(self) -> int:
        """How many rows this connection has changed: an equal number means none since, if nothing was rolled back."""
        return self._connection.total_changes - self._marked if self._connection is not None else 0

    def tables(self) -> frozenset[str]:
        return frozenset([name for (name,) in self.rows(TABLES)])

    @cached_property
    def dialect(self) -> Dialect:
        from engine.store.dialect import SqliteDialect

        return SqliteDialect(self.run)

    # ── transactions ──────────────────────────────────────────────────────────────────────────────────────────

    def _changes(self) -> int:
        return self._connection.total_changes if self._connection is not None else 0

    def crash_safe(self, noted: bool = False) -> AbstractContextManager[None]:
        return self.unflushed(noted)

    @contextmanager
    def _without_flush(self) -> Iterator[None]:
        self._end_reading()
        self.run("PRAGMA synchronous = NORMAL")
        try:
            yield
        finally:
            self.run(f"PRAGMA synchronous = {PRAGMAS['synchronous']}")

    def _begin(self, kind: str) -> None:
        self.run(_BEGIN[kind])
        self._in, self._others = kind, None

    def _undo(self) -> None:
        if self._connection is not None:
            with suppress(sqlite3.Error):  # a full disk has rolled back everything by itself
                self._connection.rollback()

    # ── a file ────────────────────────────────────────────────────────────────────────────────────────────────

    def holding(self, column: Field[Any], says: Callable[[bytes], bool]) -> Iterator[int]:
        from peewee import fn

        if self._connection is not None:
            self._connection.create_function("says", 1, says, deterministic=True)
        table = column.model
        for (number,) in self.all(table.select(table.id).where(column.is_null(False), fn.says(column) == 1)):
            yield number

    def overwrite(self) -> None:
        """Write zeros over what is deleted; some builds of SQLite leave it in the file otherwise."""
        self.run("PRAGMA secure_delete = ON")

    def wipe(self, *, anew: bool) -> None:
        if anew:
            self.run("VACUUM")
        if not self.empty_log(patient=anew) and anew:
            raise Busy("somebody reads the database: what was there before still stands in its file")

    def empty_log(self, *, patient: bool) -> bool:
        """Write the log into the file and cut it off; tells whether no reader stood in the way, or did for too long."""
        until = monotonic() + (self._busy_s if patient else 0.0)
        while self.one("PRAGMA wal_checkpoint(TRUNCATE)")[0]:
            if monotonic() > until:
                return False
            sleep(LOOK_S)
        return True

    def copy_to(self, copy: sqlite3.Connection, told: Told | None = None) -> None:
        """Copy everything into another connection of the driver, as it stands at one moment; tells how many pages.

        It is copied in pieces within one transaction: without one, SQLite begins anew whenever others commit meanwhile
        (sqlite.org, "Using the SQLite Online Backup API").
        """
        if self._connection is None:
            raise RuntimeError("the database is not open")
        with self.reading():
            self.one("SELECT count(*) FROM sqlite_master")  # the moment is that of the first question
            progress = (lambda _, left, total: told(total - left, total)) if told is not None else None
            self._connection.backup(copy, pages=COPIED_PAGES, progress=progress, sleep=0.0)

    @contextmanager
    def driver(self) -> Iterator[sqlite3.Connection]:
        """Give the connection of the driver for what has no other name here; its errors become ours."""
        if self._connection is None:
            raise RuntimeError("the database is not open")
        try:
            yield self._connection
        except sqlite3.Error as error:
            raise meaning(error, self.path) from error

    def bulk(self) -> Bulk:
        from engine.store.bulk import SqliteBulk

        return SqliteBulk(self)

    # ── beside others ─────────────────────────────────────────────────────────────────────────────────────────

    @property
    def stands_still(self) -> bool:
        return self.is_open

    def others(self) -> int:
        """Within a transaction the number never changes."""
        if self._others is None or not self._in:
            self._others = int(self.one("PRAGMA data_version")[0])
        return self._others

    def left(self) -> Left:
        return Numbered(self)

    def lock(self, keys: Sequence[int]) -> None:
        """Nobody else writes meanwhile."""

    @property
    def owner(self) -> str:
        return locks.owner()

    def is_alive(self, owner: str) -> bool | None:
        return locks.is_alive(owner)

    def mailbox_lock(self, number: int) -> FileLock | None:
        return FileLock(lock_file(self._path, number)) if self._path is not None else None

    def pass_lock(self, shared: bool = False) -> FileLock | None:
        return FileLock(pass_file(self._path), shared) if self._path is not None else None
