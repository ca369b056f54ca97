"""One connection to the database: how it is opened, how statements run in it, how its transactions begin and end.

Here: pragmas, the clock, statements, transactions. Not here: any table, the file and what is said when it cannot be
used (`file.py`). peewee writes the schema and the queries that run seldom (`all`, `first`, `do`, `add`) and is loaded
with the first of them; the texts of `hot.py` go straight to a cursor (`rows`, `one`, `run`, `insert`), which saves
100 us a statement. Invariant: every write stands in a transaction that began as a writer (BEGIN IMMEDIATE), so that
waiting for the lock works and a read never has to become a write (which SQLite refuses at once).
Over 300 lines: statements and transactions share one connection and what is open in it.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from time import monotonic, sleep, time_ns
from typing import TYPE_CHECKING, Any

from engine.model.whole import whole
from engine.store.errors import Busy, StoreError
from engine.store.file import meaning, prepare

if TYPE_CHECKING:
    from peewee import Query

    from engine.model.told import Told
    from engine.store.dialect import Dialect

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)

BUSY_S, LOOK_S = 60.0, 0.001
"""How long a statement waits for somebody else's transaction, and after which time it looks again."""

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

MOST = 2**63 - 1
"""The largest number that SQLite knows. No row gets it: numbers of rows and times stay far below."""


def us(moment: datetime) -> int:
    """Give a time as it is stored: microseconds since 1970 in UTC."""
    return (moment - EPOCH) // _MICROSECOND


def moment(stored: int | None) -> datetime | None:
    """Read a stored time; 0 and nothing mean none."""
    return EPOCH + timedelta(microseconds=stored) if stored else None


def time(stored: int) -> datetime:
    """Read a stored time that is always there."""
    return EPOCH + timedelta(microseconds=stored)


def _now() -> datetime:
    return datetime.now(UTC)


def _within(value: Any) -> Any:
    """Ask about the largest number in place of one that no row can hold: the answer is the same."""
    return max(-MOST, min(value, MOST)) if isinstance(value, int) else value


class Database:
    """A connection for one thread. Methods raise StoreError when the database is away, full or locked."""

    def __init__(self, where: Path | None, busy_s: float = BUSY_S, clock: Callable[[], datetime] | None = None) -> None:
        self.path = where
        self.clock = clock or _now
        self._busy_s = busy_s
        self._connection: sqlite3.Connection | None = None
        self._execute: Callable[[str, Sequence[Any]], sqlite3.Cursor] = self._closed
        self._in: str = ""
        self._depth = 0
        self._others: int | None = None
        self._marked = 0

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

    def now(self) -> int:
        """Give the time as it is stored, by this database's clock."""
        return time_ns() // 1000 if self.clock is _now else us(self.clock())

    # ── statements ────────────────────────────────────────────────────────────────────────────────────────────

    def run(self, sql: str, *params: Any) -> Any:
        """Run a statement and give the cursor: its `rowcount` and `lastrowid` stand until the next one runs."""
        try:
            return self._execute(sql, params)
        except Exception as error:
            return self._tried_again(error, sql, params)

    def one(self, sql: str, *params: Any) -> Any:
        """Give the first row of a query, or None."""
        found = self.rows(sql, *params)  # all: what is not read to its end stays open
        return found[0] if found else None

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
            return self._execute(sql, tuple(map(_within, params)))
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

    def many(self, sql: str, rows: Sequence[Sequence[Any]]) -> None:
        """Run a statement once for each row."""
        for row in rows:
            self.run(sql, *row)

    def insert(self, sql: str, *params: Any) -> int:
        """Insert a row and give the number it got."""
        return int(self.run(sql, *params).lastrowid)

    def mark(self, sql: str, *params: Any) -> None:
        """Run a statement that notes how far a row has come, which nobody remembers: `written` does not count it."""
        self._marked += int(self.run(sql, *params).rowcount)

    @property
    def written(self) -> int:
        """How many rows this connection has changed: an equal number means none since, if nothing was rolled back."""
        return self._connection.total_changes - self._marked if self._connection is not None else 0

    # ── queries of peewee ─────────────────────────────────────────────────────────────────────────────────────────

    @cached_property
    def dialect(self) -> Dialect:
        """Who writes queries and the schema."""
        from engine.store.dialect import Dialect

        return Dialect(self.run)

    def all(self, query: Query) -> list[tuple[Any, ...]]:
        """Give all rows of a query."""
        sql, params = self.dialect.text(query)
        return self.rows(sql, *params)

    def first(self, query: Query) -> Any:
        """Give the first row of a query, or None."""
        sql, params = self.dialect.text(query)
        return self.one(sql, *params)

    def do(self, query: Query) -> int:
        """Run a query that writes; gives the number of rows it touched."""
        sql, params = self.dialect.text(query)
        return int(self.run(sql, *params).rowcount)

    def add(self, query: Query) -> int:
        """Run a query that inserts one row; gives the number it got."""
        sql, params = self.dialect.text(query)
        return self.insert(sql, *params)

    # ── transactions ──────────────────────────────────────────────────────────────────────────────────────────

    @property
    def is_writing(self) -> bool:
        """Tell whether a transaction is open that may write."""
        return self._in in ("writing", "rehearsal")

    @property
    def is_rehearsing(self) -> bool:
        """Tell whether what is written now will be taken back."""
        return self._in == "rehearsal"

    @property
    def is_open(self) -> bool:
        """Tell whether a transaction is open, of whatever kind: what is read in it stands still."""
        return bool(self._in)

    @contextmanager
    def writing(self, noted: bool = False) -> Iterator[None]:
        """Hold one write transaction: committed at the end, rolled back by an exception. It cannot be nested.

        In a rehearsal it is a savepoint: the rehearsal takes everything back at its end. It is `noted` where whatever
        writes in it notes all that others may remember (`memory.py`).
        """
        if self._in == "rehearsal":
            with self.savepoint():
                yield
            return
        self._end_reading()
        if self._in:
            raise RuntimeError("a transaction is open already")
        self._begin("writing")
        before = self._changes()
        try:
            yield
            if self._changes() != before:
                self.leaving(noted)
        except BaseException:
            self._rollback()
            raise
        self._in = ""
        try:
            self.run("COMMIT")
        except BaseException:
            self._rollback()
            raise

    @contextmanager
    def reading(self) -> Iterator[None]:
        """See the database as it stands at the first question: many questions for the locks of one.

        A write transaction that is begun inside ends it.
        """
        if self._in:
            yield
            return
        self._begin("reading", "BEGIN DEFERRED")
        try:
            yield
        finally:
            self._end_reading()

    def _end_reading(self) -> None:
        if self._in == "reading":
            self._in = ""
            self._undo()

    @contextmanager
    def joining(self, noted: bool = False) -> Iterator[None]:
        """Write in the transaction that is open, or in one of its own, which may be `noted`."""
        if self.is_writing:
            yield
        else:
            with self.writing(noted):
                yield

    def _changes(self) -> int:
        """Count the rows that this connection wrote."""
        return self._connection.total_changes if self._connection is not None else 0

    @contextmanager
    def unflushed(self, noted: bool = False) -> Iterator[None]:
        """Write what the death of this process does not lose and a power cut may: nobody waits for the disk."""
        if self._in in ("writing", "rehearsal"):
            yield
            return
        self._end_reading()
        self.run("PRAGMA synchronous = NORMAL")
        try:
            with self.writing(noted):
                yield
        finally:
            self.run(f"PRAGMA synchronous = {PRAGMAS['synchronous']}")

    @contextmanager
    def savepoint(self) -> Iterator[None]:
        """Inside `writing`: what an exception leaves behind here is taken back, the rest of the transaction stays."""
        self._depth += 1
        name = f"s{self._depth}"
        self.run(f"SAVEPOINT {name}")
        try:
            yield
        except BaseException:
            self.rolled_back()
            with suppress(StoreError):  # a full disk has rolled back everything by itself
                self.run(f"ROLLBACK TO {name}")
                self.run(f"RELEASE {name}")
            raise
        else:
            self.run(f"RELEASE {name}")
        finally:
            self._depth -= 1

    @contextmanager
    def rehearsal(self) -> Iterator[None]:
        """Do anything, keep nothing: a transaction that always ends in a rollback."""
        if self._in:
            raise RuntimeError("a transaction is open already")
        self._begin("rehearsal")
        try:
            yield
        finally:
            self._rollback()

    def _begin(self, kind: str, statement: str = "BEGIN IMMEDIATE") -> None:
        self.run(statement)
        self._in, self._others = kind, None

    def _rollback(self) -> None:
        self._in = ""
        self.rolled_back()
        self._undo()

    def _undo(self) -> None:
        if self._connection is not None:
            with suppress(sqlite3.Error):  # a full disk has rolled back everything by itself
                self._connection.rollback()

    def rolled_back(self) -> None:
        """Hear that rows which were seen may be gone; a store forgets what it remembers of them."""

    def leaving(self, noted: bool) -> None:
        """Hear that a transaction that wrote is about to be committed; a store leaves word of it for the others."""

    def define(self, name: str, function: Callable[[Any], Any]) -> None:
        """Let queries ask a function about a value."""
        if self._connection is not None:
            self._connection.create_function(name, 1, function, deterministic=True)

    def overwrite(self) -> None:
        """From now on write zeros over what is deleted; some builds of SQLite leave it in the file otherwise."""
        self.run("PRAGMA secure_delete = ON")

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

    def others(self) -> int:
        """Give a number that changes when another connection has committed; within a transaction it never does."""
        if self._others is None or not self._in:
            self._others = int(self.one("PRAGMA data_version")[0])
        return self._others
