"""A connection to the database: what its statements and transactions are called, whichever database it is.

Here: the promises, the clock, transactions by name, queries of peewee. Not here: drivers (`sqlite.py`, `postgres.py`),
any table. peewee writes the schema and the queries that run seldom (`all`, `first`, `do`, `add`) and is loaded with the
first of them; the texts of `hot.py` go straight to a cursor (`rows`, `one`, `run`, `insert`), which saves 100 us a
statement. Invariant: every write stands in a transaction that began as a writer; what has to happen together is one.
Over 300 lines: statements and transactions share one connection and what is open in it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol

from engine.store.clock import now as real_now
from engine.store.clock import now_us
from engine.store.errors import StoreError

if TYPE_CHECKING:
    from pathlib import Path

    from peewee import Field, Query

    from engine.store.bells import Bell
    from engine.store.bulk import Bulk
    from engine.store.dialect import Dialect
    from engine.store.foreseeing import Then
    from engine.store.locks import Lock
    from engine.store.place import Where
    from engine.store.trail import Left
    from engine.store.workers import Workers

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)

BUSY_S = 60.0
"""How long a statement waits for somebody else's transaction."""

MOST = 2**63 - 1
"""The largest number that a database knows. No row gets it: numbers of rows and times stay far below."""


def us(moment: datetime) -> int:
    """Give a time as it is stored: microseconds since 1970 in UTC."""
    return (moment - EPOCH) // _MICROSECOND


def moment(stored: int | None) -> datetime | None:
    """Read a stored time; 0 and nothing mean none."""
    return EPOCH + timedelta(microseconds=stored) if stored else None


def time(stored: int) -> datetime:
    """Read a stored time that is always there."""
    return EPOCH + timedelta(microseconds=stored)


def within(value: Any) -> Any:
    """Ask about the largest number in place of one that no row can hold: the answer is the same."""
    return max(-MOST, min(value, MOST)) if isinstance(value, int) else value


Claim = tuple[int, int, int, str]
"""Row of the ledger, generation, attempts and owner."""


class Done(Protocol):
    """What a statement that was run tells."""

    @property
    def rowcount(self) -> int:
        """How many rows it touched; it stands until the next statement runs."""

    def fetchall(self) -> list[Any]:
        """All rows that it gave."""


class Database(ABC):
    """A connection for one thread. Methods raise StoreError when the database is away, full or locked."""

    where: Where | None
    """Where it is; None in memory."""

    first_schema = 1
    """The first schema that a release made in a database of this kind."""

    def __init__(self, busy_s: float, clock: Callable[[], datetime] | None) -> None:
        self.clock = clock or real_now
        self._busy_s = busy_s
        self._in: str = ""
        self._depth = 0
        self.counted: list[Any] = []
        """What is to be counted when the transaction ends; what is taken back is not."""

    @property
    def path(self) -> Path | None:
        """The file that it is, None where it is no file."""
        return None

    @property
    def named(self) -> str:
        """What people read of where it is, without secrets."""
        return str(self.where or "in memory")

    @abstractmethod
    def connect(self, create: bool = True) -> None:
        """Open it; where it is not there, make it or raise. Raises StoreError."""

    @abstractmethod
    def close(self) -> None:
        """Close the connection; twice does no harm."""

    def now(self) -> int:
        """Give the time as it is stored, by this database's clock."""
        return now_us() if self.clock is real_now else us(self.clock())

    # ── statements ────────────────────────────────────────────────────────────────────────────────────────────

    @abstractmethod
    def run(self, sql: str, *params: Any) -> Done:
        """Run a statement; what it tells stands until the next one runs."""

    @abstractmethod
    def rows(self, sql: str, *params: Any) -> list[tuple[Any, ...]]:
        """Give all rows of a query."""

    def one(self, sql: str, *params: Any) -> Any:
        """Give the first row of a query, or None."""
        found = self.rows(sql, *params)  # all: what is not read to its end stays open
        return found[0] if found else None

    @abstractmethod
    def insert(self, sql: str, *params: Any) -> int:
        """Insert a row and give the number it got; 0 where it is there already, and the statement lets it be."""

    @abstractmethod
    def number_from(self, table: str, above: int) -> int:
        """Let the numbers of a table's rows go on above this one; gives the one to insert the next row with.

        0 where the next row gets it by itself.
        """

    def put(self, sql: str, *params: Any) -> None:
        """Run a statement whose outcome nobody asks for, at the latest before whoever reads its table reads it."""
        self.run(sql, *params)

    def insert_ahead(self, sql: str, *params: Any) -> int:
        """Insert a row that is known to be new, as `put` does; gives the number it gets."""
        return self.insert(sql, *params)

    def foresee(self, sql: str, *params: Any, then: Then | None = None) -> None:  # noqa: B027
        """Hear of a query that will most likely be asked in this transaction; `then` hears its rows with the first one.

        That changes no answer.
        """

    def reserve(self, table: str, count: int) -> None:  # noqa: B027 - where numbers come with the rows
        """Hear inside `writing` how many rows `insert_ahead` will most likely be asked to insert into a table."""

    def stored(self, sql: str, *params: Any) -> list[tuple[Any, ...]]:
        """Give all rows of a query to which nothing matters that was put since the transaction began."""
        return self.rows(sql, *params)

    def many(self, sql: str, rows: Sequence[Sequence[Any]]) -> None:
        """Put a statement once for each row."""
        for row in rows:
            self.put(sql, *row)

    def together(self, sql: str, rows: Sequence[Sequence[Any]]) -> None:
        """Put an INSERT of one row, which changes the row that is there, for rows of different keys."""
        self.many(sql, rows)

    @abstractmethod
    def mark(self, sql: str, *params: Any) -> None:
        """Run a statement that notes how far a row has come, which nobody remembers: `written` does not count it."""

    @property
    @abstractmethod
    def written(self) -> int:
        """How many rows this connection has changed: an equal number means none since, if nothing was rolled back."""

    @abstractmethod
    def tables(self) -> frozenset[str]:
        """Name the tables that are there, whoever made them."""

    # ── queries of peewee ─────────────────────────────────────────────────────────────────────────────────────────

    @cached_property
    @abstractmethod
    def dialect(self) -> Dialect:
        """Who writes queries and the schema."""

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
            if self.counted:
                self.counting()
            if self._changes() != before:
                self.leaving(noted)
        except BaseException:
            self._rollback()
            raise
        try:
            self.flush()
            self._commit()
        except BaseException:
            self._rollback()
            raise
        self._in = ""

    @contextmanager
    def reading(self) -> Iterator[None]:
        """See the database as it stands at the first question: many questions for the locks of one.

        A write transaction that is begun inside ends it.
        """
        if self._in:
            yield
            return
        self._begin("reading")
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

    @abstractmethod
    def _changes(self) -> int:
        """Count the rows that this connection wrote."""

    @contextmanager
    def unflushed(self, noted: bool = False) -> Iterator[None]:
        """Write what the death of this process does not lose, and a power cut may, or a server's crash.

        Nobody waits for the disk.
        """
        if self._in in ("writing", "rehearsal"):
            yield
            return
        with self._without_flush(), self.writing(noted):
            yield

    def crash_safe(self, noted: bool = False) -> AbstractContextManager[None]:
        """Write what no crash loses, of this process or a server's; a power cut may where nobody waits for a disk."""
        return self.joining(noted)

    @abstractmethod
    def _without_flush(self) -> Any:
        """Let the transactions inside end without waiting for the disk."""

    def flush(self) -> None:  # noqa: B027 - nothing waits where a statement costs no trip
        """Run what was put and was not run yet."""

    def drop_put(self) -> None:  # noqa: B027
        """Forget what was put and was not run yet, and what was foreseen."""

    @contextmanager
    def savepoint(self) -> Iterator[None]:
        """Inside `writing`: what an exception leaves behind here is taken back, the rest of the transaction stays."""
        self._depth += 1
        name, counted = f"s{self._depth}", len(self.counted)
        self.flush()
        self.run(f"SAVEPOINT {name}")
        try:
            yield
            self.flush()
        except BaseException:
            self.drop_put()
            del self.counted[counted:]
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

    @abstractmethod
    def _begin(self, kind: str) -> None:
        """Begin a transaction for "writing", "reading" or a "rehearsal", and note that it is open."""

    def _commit(self) -> None:
        self.run("COMMIT")

    def _rollback(self) -> None:
        self._in = ""
        self.drop_put()
        self.counted.clear()
        self.rolled_back()
        self._undo()

    @abstractmethod
    def _undo(self) -> None:
        """Roll back whatever is open; where nothing is, nothing happens."""

    def rolled_back(self) -> None:  # noqa: B027 - who listens puts a method of its own here
        """Hear that rows which were seen may be gone; a store forgets what it remembers of them."""

    def leaving(self, noted: bool) -> None:  # noqa: B027
        """Hear that a transaction that wrote is about to be committed; a store leaves word of it for the others."""

    def counting(self) -> None:
        """Hear that a transaction that counted is about to be committed; a store writes what was `counted`."""
        self.counted.clear()

    def account_lock(self, number: int) -> Lock | None:
        """Give the lock that goes with an account on a mail server; None where nobody else asks there."""
        return None

    # ── workers ───────────────────────────────────────────────────────────────────────────────────────────────

    def ring(self, bell: Bell) -> None:  # noqa: B027 - a database without workers has no bells
        """Inside `writing`: tell the workers, when it is committed, that there is something to do."""

    def unlocked(self, table: str) -> str:
        """Give what ends a query inside `writing`, so that rows of a table are left out which another one works on."""
        return ""

    def locked(self, table: str) -> str:
        """Give what ends a query inside `writing` that waits for whoever works on these rows, and keeps others away."""
        return ""

    @property
    def workers(self) -> Workers | None:
        """Who works beside this process; None where there are none."""
        return None

    # ── bytes ─────────────────────────────────────────────────────────────────────────────────────────────────

    @abstractmethod
    def holding(self, column: Field[Any], says: Callable[[bytes], bool]) -> Iterator[int]:
        """Give the numbers of the rows of whose bytes in this column a function says so; where there are some."""

    @abstractmethod
    def overwrite(self) -> None:
        """From now on leave nothing to read of what is deleted, where that hangs on us."""

    @abstractmethod
    def wipe(self, *, anew: bool) -> None:
        """Take away what deleted rows left behind; `anew` writes everything anew for that. Raises Busy."""

    @abstractmethod
    def bulk(self) -> Bulk:
        """Give what reads and fills whole tables."""

    # ── beside others ─────────────────────────────────────────────────────────────────────────────────────────

    ours: Collection[Claim] = ()
    """Claims that stand as long as the transaction."""

    beside_others: bool
    """Whether others write while one does: keys keep them apart (`keys.py`)."""

    @property
    @abstractmethod
    def stands_still(self) -> bool:
        """Tell whether nobody else's write can come between what is asked now and the end of the transaction."""

    @abstractmethod
    def others(self) -> int:
        """Give a number that changes when another connection has committed, or may have."""

    @abstractmethod
    def left(self) -> Left:
        """Give what writes down for others what a transaction touched, and reads what they wrote down."""

    @abstractmethod
    def lock(self, keys: Sequence[int]) -> None:
        """Until the transaction ends, keep all others away that want one of these; what they did before is seen."""

    def keep_claims(self, claims: Sequence[Claim]) -> None:  # noqa: B027 - each is looked at by itself
        """Until the transaction ends, let nobody take these mails; those that are still ours are in `ours`."""

    @property
    @abstractmethod
    def owner(self) -> str:
        """Name whoever works through this connection, so that no other one ever has the same name."""

    @abstractmethod
    def is_alive(self, owner: str) -> bool | None:
        """Tell whether that owner is still there; None where this machine cannot know."""

    @abstractmethod
    def mailbox_lock(self, number: int) -> Lock | None:
        """Give the lock that goes with a mailbox's lease; None where nobody else can be there."""

    @abstractmethod
    def pass_lock(self, shared: bool = False) -> Lock | None:
        """Give the lock that a pass takes shared and an upgrade alone; None where nobody else can be there."""
