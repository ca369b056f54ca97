"""One connection to the database: how it is opened, how statements run in it, how its transactions begin and end.

Here: pragmas, file modes, `one`, `rows`, `run`, `many`, `reading`, `writing`, `savepoint`, `rehearsal`, and the
sentences for what goes wrong. Not here: any table. peewee opens the connection and makes the schema; statements go
straight to the cursor of its driver, which saves 30 us a mail. Invariant: every write stands in a transaction that
began as a writer (BEGIN IMMEDIATE), so that waiting for the lock works and a read never has to become a write (which
SQLite refuses at once).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import peewee

from engine.store.errors import Busy, Conflict, StoreError

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)

BUSY_S = 60.0
"""How long a statement waits for somebody else's transaction."""

PRAGMAS = {
    "page_size": 8192,
    "synchronous": "FULL",
    "foreign_keys": "ON",
    "cache_size": -16384,
    "temp_store": "MEMORY",
    "journal_size_limit": 64 * 1024 * 1024,
}
"""8 kB pages save 120 us a mail, 16 MB of cache keep a batch from being spilled; the rest is safety."""


def us(moment: datetime) -> int:
    """Give a time as it is stored: microseconds since 1970 in UTC."""
    return (moment - EPOCH) // _MICROSECOND


def moment(stored: int | None) -> datetime | None:
    """Read a stored time; 0 and nothing mean none."""
    return EPOCH + timedelta(microseconds=stored) if stored else None


def time(stored: int) -> datetime:
    """Read a stored time that is always there."""
    return EPOCH + timedelta(microseconds=stored)


class Database:
    """A connection for one thread. Methods raise StoreError when the database is away, full or locked."""

    def __init__(self, where: Path | None, busy_s: float = BUSY_S) -> None:
        self.path = where
        self.peewee = peewee.SqliteDatabase(
            ":memory:" if where is None else str(where),
            pragmas=PRAGMAS,
            timeout=busy_s,
            lock_type="IMMEDIATE",
            thread_safe=False,
            autoconnect=False,
            cached_statements=256,
        )
        self._cursor: Callable[[], Any] = self.peewee.cursor
        self._in: str = ""
        self._depth = 0
        self._others: int | None = None

    def connect(self, create: bool = True) -> None:
        """Open the file, readable by its owner only. Raises StoreError."""
        if self.path is not None:
            _prepare(self.path, create)
        try:
            self.peewee.connect()
            self._cursor = self.peewee.connection().cursor  # type: ignore[no-untyped-call]
            if self.path is not None and self.one("PRAGMA journal_mode")[0] != "wal":
                self.run("PRAGMA journal_mode = WAL")
        except peewee.PeeweeException as error:
            with suppress(peewee.PeeweeException):
                self.peewee.close()
            raise self._meaning(error) from error

    def close(self) -> None:
        """Close the connection; twice does no harm."""
        if not self.peewee.is_closed():
            self.peewee.close()

    # ── statements ────────────────────────────────────────────────────────────────────────────────────────────

    def run(self, sql: str, *params: Any) -> Any:
        """Run a statement and give its cursor (`rowcount`, `lastrowid`)."""
        try:
            return self._cursor().execute(sql, params)
        except Exception as error:
            raise self._meaning(error) from error

    def one(self, sql: str, *params: Any) -> Any:
        """Give the first row of a query, or None."""
        try:
            return self._cursor().execute(sql, params).fetchone()
        except Exception as error:
            raise self._meaning(error) from error

    def rows(self, sql: str, *params: Any) -> list[tuple[Any, ...]]:
        """Give all rows of a query."""
        try:
            found: list[tuple[Any, ...]] = self._cursor().execute(sql, params).fetchall()
            return found
        except Exception as error:
            raise self._meaning(error) from error

    def many(self, sql: str, rows: Sequence[Sequence[Any]]) -> None:
        """Run a statement once for each row."""
        for row in rows:
            self.run(sql, *row)

    def insert(self, sql: str, *params: Any) -> int:
        """Insert a row and give the number it got."""
        return int(self.run(sql, *params).lastrowid)

    # ── transactions ──────────────────────────────────────────────────────────────────────────────────────────

    @property
    def is_writing(self) -> bool:
        """Tell whether a transaction is open that may write."""
        return self._in in ("writing", "rehearsal")

    @property
    def is_rehearsing(self) -> bool:
        """Tell whether what is written now will be taken back."""
        return self._in == "rehearsal"

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Hold one write transaction: committed at the end, rolled back by an exception. It cannot be nested.

        In a rehearsal it is a savepoint: the rehearsal takes everything back at its end.
        """
        if self._in == "rehearsal":
            with self.savepoint():
                yield
            return
        self._end_reading()
        if self._in:
            raise RuntimeError("a transaction is open already")
        self._begin("writing")
        try:
            yield
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
            with suppress(peewee.PeeweeException):
                self.peewee.rollback()

    @contextmanager
    def joining(self) -> Iterator[None]:
        """Write in the transaction that is open, or in one of its own."""
        if self.is_writing:
            yield
        else:
            with self.writing():
                yield

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
        with suppress(peewee.PeeweeException):  # a full disk has rolled back everything by itself
            self.peewee.rollback()

    def rolled_back(self) -> None:
        """Hear that rows which were seen may be gone; a store forgets what it remembers of them."""

    def copy_to(self, copy: Any) -> None:
        """Copy everything into another connection of the driver, as it stands at one moment."""
        self.peewee.connection().backup(copy)  # type: ignore[no-untyped-call]

    def others(self) -> int:
        """Give a number that changes when another connection has committed; within a transaction it never does."""
        if self._others is None or not self._in:
            self._others = int(self.one("PRAGMA data_version")[0])
        return self._others

    def _meaning(self, error: Exception) -> Exception:
        """Turn a driver's error (PEP 249 names its classes) into ours; what is a mistake in the code stays itself."""
        kind, text = type(error).__name__, str(error).lower()
        if kind == "IntegrityError":
            return Conflict(str(error))
        if kind not in ("OperationalError", "InterfaceError", "DatabaseError", "InternalError"):
            return error
        where = self.path or "the database in memory"
        if "locked" in text or "busy" in text:
            return Busy(f"the database {where} is locked by another process")
        for sign, meaning in _MEANINGS:
            if sign in text:
                return StoreError(f"the database {where} {meaning}")
        return StoreError(f"the database {where} cannot be used: {error}")


_MEANINGS = (
    ("full", "cannot grow: the disk is full"),
    ("readonly", "is read-only for this user"),
    ("unable to open", "cannot be opened: look at the permissions of its directory"),
    ("not a database", "is no SQLite database"),
    ("malformed", "is damaged; restore a backup"),
    ("disk i/o", "cannot be written: the disk reports an error, or is full"),
)


def _prepare(path: Path, create: bool) -> None:
    """Make the file and its directory for the owner alone; SQLite gives -wal and -shm the mode of the file."""
    try:
        if not path.exists():
            if not create:
                raise StoreError(f"there is no database {path}: `allegra db migrate` makes it")
            if not path.parent.is_dir():
                path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            os.close(os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600))
        if path.stat().st_mode & 0o077:
            with suppress(PermissionError):
                path.chmod(0o600)
    except OSError as error:
        raise StoreError(f"the database {path} cannot be opened: {error.strerror}") from error
