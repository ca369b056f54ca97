"""PostgreSQL: one connection, and everything that is its own.

Here: the connection, how our texts are run on it, transactions, what runs beside them. The only file that loads
psycopg. Not here: transactions by name (`database.py`), what its errors mean (`sqlstates.py`), the schema
(`postgres_schema.py`), who is told what others touched (`snapshots.py`).
Invariant: a statement that the driver or this file can refuse is refused before the server sees it, for an error of the
server ends the transaction; no secret of the URL is in any sentence.
Over 300 lines: whatever needs the driver stands here, so that one file loads it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext, suppress
from datetime import datetime
from functools import cached_property, lru_cache
from itertools import chain
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg.pq import TransactionStatus
from psycopg.types.numeric import Int8, Int8BinaryDumper

from engine.model.whole import whole
from engine.store import bells, locks
from engine.store.bells import Bell
from engine.store.clock import agree
from engine.store.database import BUSY_S, Claim, Database, within
from engine.store.errors import StoreError
from engine.store.file import lock_file
from engine.store.foreseeing import Foreseen, Then
from engine.store.gathering import AHEAD, DENSE, FEW, MOST_TOGETHER, Gathered, copied, for_rows, tables_of
from engine.store.session_locks import ACCOUNTS, OWNERS, NotedBeside, SessionLock
from engine.store.snapshots import Snapshots
from engine.store.sqlstates import meaning, refusal, refusal_to_connect

if TYPE_CHECKING:
    from peewee import Field
    from psycopg.rows import TupleRow

    from engine.store.bulk import Bulk
    from engine.store.dialect import Dialect
    from engine.store.place import Url
    from engine.store.trail import Left
    from engine.store.workers import Workers

CONNECT: dict[str, Any] = {
    "connect_timeout": 10, "keepalives": 1, "keepalives_idle": 10, "keepalives_interval": 5, "keepalives_count": 3,
    "tcp_user_timeout": 20_000, "client_encoding": "UTF8",
}  # fmt: skip
"""A host that vanished is noticed in 30 s, and by the server as well (`_SESSION`)."""

CANCEL_S = 5.0
"""How long it may take to cancel a statement that was interrupted."""

ENCODED = "it has to be UTF8, as  createdb --encoding=UTF8 --template=template0  makes it"

_SESSION = """
SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint,
  set_config('tcp_keepalives_idle', '10', false), set_config('tcp_keepalives_interval', '5', false),
  set_config('tcp_keepalives_count', '3', false), set_config('tcp_user_timeout', '20000', false),
  set_config('lock_timeout', ?, false), set_config('idle_in_transaction_session_timeout', '60s', false),
  set_config('default_toast_compression', (SELECT CASE WHEN 'lz4' = ANY(enumvals) THEN 'lz4' ELSE setting END
    FROM pg_settings WHERE name = 'default_toast_compression'), false),
  set_config('synchronous_commit', CASE current_setting('synchronous_commit') WHEN 'off' THEN 'on'
    ELSE current_setting('synchronous_commit') END, false)"""

_BEGIN = {
    "writing": "BEGIN ISOLATION LEVEL READ COMMITTED",
    "unflushed": "BEGIN ISOLATION LEVEL READ COMMITTED; SET LOCAL synchronous_commit = off",
    "rehearsal": "BEGIN; SET LOCAL lock_timeout = '2s'; SET LOCAL idle_in_transaction_session_timeout = '10min'",
    "reading": "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL idle_in_transaction_session_timeout = 0",
}
"""Scripts run between the questions of a decision, which holds no locks: it may take its time."""

_TABLES = "SELECT table_name FROM information_schema.tables WHERE table_schema = current_schema()"

_IDENTITY = """
SELECT nextval('owner_number')"""

_NUMBER_FROM = """
SELECT setval(own, above)
FROM (SELECT CAST(? AS bigint) AS above, pg_get_serial_sequence(?, 'id')::regclass AS own) AS it
WHERE above > coalesce(pg_sequence_last_value(own), 0)"""

_CLAIMS = """
SELECT id, generation, attempts, owner FROM inbound
WHERE id = ANY(CAST(? AS bigint[])) AND state = 'received' ORDER BY id FOR UPDATE"""

_NUMBERS = """
SELECT nextval(own) FROM (SELECT pg_get_serial_sequence(?, 'id')::regclass AS own OFFSET 0) AS it
CROSS JOIN generate_series(1, ?)"""

_LOCK = """
SELECT pg_advisory_xact_lock(key) FROM (
  SELECT key FROM unnest(CAST(? AS bigint[])) AS key ORDER BY key OFFSET 0) AS sorted"""

SOME = 50
"""Rows with long bytes that are read at once."""

SPELLED = {"json_extract(payload, '$.code')": "(CAST(payload AS json) ->> 'code')"}
"""The few words of `hot.py` that PostgreSQL spells otherwise."""

WRITES = "UID"
"""With what the statuses INSERT, UPDATE and DELETE begin."""


@lru_cache(maxsize=4096)
def numbered(sql: str) -> bytes:
    """Write `$1`, `$2` … for the question marks of a text; those inside quotes are none."""
    for ours, its in SPELLED.items():
        sql = sql.replace(ours, its)
    pieces, number = [], 0
    for place, piece in enumerate(sql.split("'")):
        if place % 2:
            pieces.append(piece)
            continue
        first, *others = piece.split("?")
        for other in others:
            number += 1
            first += f"${number}{other}"
        pieces.append(first)
    return "'".join(pieces).encode()


@lru_cache(maxsize=64)
def with_number(sql: str) -> str:
    """Write an INSERT with the number of the row as its first value."""
    return sql.replace("(", "(id, ", 1).replace("VALUES (", "VALUES (?, ", 1)


class Postgres(Database):
    """A connection for one thread. One that was lost is opened anew outside transactions, under another owner."""

    where: Url
    beside_others = True
    first_schema = 3

    def __init__(self, where: Url, busy_s: float = BUSY_S, clock: Callable[[], datetime] | None = None) -> None:
        super().__init__(busy_s, clock)
        self.where = where
        self.beside = where.beside
        self.session = 0
        self._connection: psycopg.Connection[TupleRow] | None = None
        self._cursor: Any = None
        self._is_wanted = False
        self._wrote = self._marked = self._looks = self._number = 0
        self._gathered, self._foreseen = Gathered(), Foreseen()
        self._waits_for_disk = True
        self._rung: set[Bell] = set()
        self._has_bells: bool | None = None

    # ── the connection ────────────────────────────────────────────────────────────────────────────────────────

    def connect(self, create: bool = True) -> None:
        """Connect; what is missing in the database is made by the schema, the folder for our files here at once."""
        if create and self.beside is not None:
            with suppress(OSError):  # nothing of what lies there has to be
                self.beside.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            self._connection = psycopg.connect(
                self.where.secret, autocommit=True, prepare_threshold=1, cursor_factory=psycopg.RawCursor, **CONNECT
            )
            self._connection.prepared_max = 500
            self._connection.adapters.register_dumper(int, Int8BinaryDumper)
            self._cursor = self._connection.cursor()
            encoding = self._connection.info.parameter_status("server_encoding")
            if encoding != "UTF8":
                raise StoreError(f"the database {self.named} has the encoding {encoding}: {ENCODED}")
            told = self._cursor.execute(numbered(_SESSION), (f"{int(self._busy_s * 1000)}ms",)).fetchone()
            agree(told[0])
            self.session, self._number = self._connection.info.backend_pid, 0
            self._is_wanted = True
        except psycopg.Error as error:
            lost = self._connection is None
            self._drop()
            raise (refusal_to_connect if lost else meaning)(error, self.named) from error
        except BaseException:
            self._drop()
            raise

    def close(self) -> None:
        self._is_wanted = False
        self._drop()

    def _drop(self) -> None:
        if self._connection is not None:
            with suppress(psycopg.Error):
                self._connection.close()
        self._connection = self._cursor = None
        self._number = self.session = 0
        self._has_bells = None

    @property
    def _is_lost(self) -> bool:
        return self._connection is None or self._connection.closed

    def _there(self) -> Any:
        """Give the cursor; of a connection that was lost outside a transaction a new one."""
        if not self._is_wanted:
            raise RuntimeError("the database is not open")
        if self._is_lost:
            if self._in:
                raise StoreError(f"the connection to the database {self.named} was lost")
            self.rolled_back()
            self.connect()
        return self._cursor

    # ── statements ────────────────────────────────────────────────────────────────────────────────────────────

    def run(self, sql: str, *params: Any) -> Any:
        return self._run(sql, params)

    def rows(self, sql: str, *params: Any) -> list[tuple[Any, ...]]:
        known = self._foreseen.answer(sql, params, self._found) if self._in else None
        return self._found(sql, params) if known is None else known

    def _found(self, sql: str, params: Sequence[Any]) -> list[tuple[Any, ...]]:
        found: list[tuple[Any, ...]] = self._run(sql, _alike(params)).fetchall()
        return found

    def foresee(self, sql: str, *params: Any, then: Then | None = None) -> None:
        if self._in:
            self._foreseen.want(sql, params, then)

    def _run(self, sql: str, params: Sequence[Any]) -> Any:
        if self._gathered.concerns(sql):
            self._send(sql)
        return self._asked(sql, params)

    def _asked(self, sql: str, params: Sequence[Any]) -> Any:
        text, cursor = numbered(sql), self._cursor
        try:
            if cursor is None or self._is_lost:
                cursor = self._there()
            done = cursor.execute(text, params)
        except (psycopg.Error, UnicodeEncodeError, OverflowError) as error:
            done = self._helped(error, sql, text, params)
        except BaseException:
            self._let_go()
            raise
        if done.statusmessage and done.statusmessage[0] in WRITES:
            self._wrote += done.rowcount
            self._foreseen.wrote(sql)
        return done

    def _helped(self, error: Exception, sql: str, text: bytes, params: Sequence[Any]) -> Any:
        """Run a statement that was refused before it was sent with values that can be; raises what `error` means.

        So is a question that met a connection which was lost meanwhile, outside a transaction.
        """
        try:
            if self._is_lost and not self._in and sql.lstrip().startswith("SELECT"):
                return self._there().execute(text, params)
            if isinstance(error, UnicodeEncodeError):
                return self._cursor.execute(text, whole(tuple(params)))
            if isinstance(error, psycopg.DataError) and error.sqlstate is None:
                return self._cursor.execute(text, [_without_nul(each) for each in params])
            if isinstance(error, OverflowError) and sql.lstrip().startswith("SELECT"):
                return self._cursor.execute(text, [within(each) for each in params])
        except psycopg.Error as again:
            raise meaning(again, self.named) from again
        raise meaning(error, self.named) from error

    def _let_go(self) -> None:
        """Cancel a statement that an exception of ours interrupted: the next one would find the connection busy.

        psycopg does it after a KeyboardInterrupt alone. What cannot be cancelled goes with its connection.
        """
        connection = self._connection
        if connection is None or connection.info.transaction_status != TransactionStatus.ACTIVE:
            return
        is_free = False
        try:
            with suppress(psycopg.Error):
                connection.cancel_safe(timeout=CANCEL_S)
                while not connection.pgconn.pipeline_status and connection.pgconn.get_result() is not None:
                    pass
                is_free = not connection.pgconn.pipeline_status
        finally:
            if not is_free:
                self._drop()

    def insert(self, sql: str, *params: Any) -> int:
        row = self._run(f"{sql} RETURNING id", params).fetchone()
        return int(row[0]) if row else 0

    def number_from(self, table: str, above: int) -> int:
        self.rows(_NUMBER_FROM, above, table)
        return 0

    # ── gathered ──────────────────────────────────────────────────────────────────────────────────────────────

    def put(self, sql: str, *params: Any) -> None:
        if not self.is_writing:
            self._run(sql, params)
            return
        self._foreseen.wrote(sql)
        self._gathered.put(sql, params if _is_plain(params) else [_without_nul(each) for each in whole(params)])
        self._wrote += 1

    def together(self, sql: str, rows: Sequence[Sequence[Any]]) -> None:
        start = 0
        while start < len(rows):
            many = min(MOST_TOGETHER, 1 << (len(rows) - start).bit_length() - 1)
            self.put(for_rows(sql, many), *chain.from_iterable(rows[start : start + many]))
            start += many

    def insert_ahead(self, sql: str, *params: Any) -> int:
        if not self.is_writing:
            return self.insert(sql, *params)
        table = next(iter(tables_of(sql)))
        numbers = self._gathered.numbers.setdefault(table, [])
        if not numbers:
            self.reserve(table, 1 if table in DENSE else AHEAD)
        number = numbers.pop()
        self.put(with_number(sql), number, *params)
        return number

    def reserve(self, table: str, count: int) -> None:
        if count:
            given = [each for (each,) in self._asked(_NUMBERS, (table, count)).fetchall()]
            self._gathered.numbers.setdefault(table, []).extend(reversed(given))

    def stored(self, sql: str, *params: Any) -> list[tuple[Any, ...]]:
        known = self._foreseen.before(sql, params, self._found_stored) if self._in else None
        return self._found_stored(sql, params) if known is None else known

    def _found_stored(self, sql: str, params: Sequence[Any]) -> list[tuple[Any, ...]]:
        found: list[tuple[Any, ...]] = self._asked(sql, _alike(params)).fetchall()
        return found

    def flush(self) -> None:
        self._send("")

    def _send(self, sql: str) -> None:
        """Run what waits of the tables of a statement; all for none."""
        taken = [*self._gathered.taken(sql)]
        if not taken:
            return
        cursor = self._there()
        try:
            others = [each for each in taken if not (len(each[1]) >= FEW and self._copy(cursor, *each))]
            with cursor.connection.pipeline() if len(others) > 1 else nullcontext():
                for put, rows in others:
                    if len(rows) == 1:
                        cursor.execute(numbered(put), rows[0])
                    else:
                        cursor.executemany(numbered(put), rows)
        except psycopg.Error as error:
            raise meaning(error, self.named) from error
        except BaseException:
            self._let_go()
            raise

    def _copy(self, cursor: Any, put: str, rows: Sequence[Sequence[Any]]) -> bool:
        """Copy new rows, where a statement puts nothing else.

        Where one may be there already, it is not in most batches; in one that is gone through mail by mail it is looked
        for.
        """
        text = copied(put) if not self._depth or put.endswith(")") else ""
        if text:
            with cursor.copy(text.encode()) as sink:
                for row in rows:
                    sink.write_row(row)
        return bool(text)

    def drop_put(self) -> None:
        self._gathered.clear()
        self._foreseen.clear()

    def mark(self, sql: str, *params: Any) -> None:
        before = self._wrote
        self._run(sql, params)
        self._marked += self._wrote - before

    @property
    def written(self) -> int:
        return self._wrote - self._marked

    def tables(self) -> frozenset[str]:
        return frozenset([name for (name,) in self.rows(_TABLES) if not name.startswith("procrastinate_")])

    @cached_property
    def dialect(self) -> Dialect:
        from engine.store.postgres_schema import PostgresDialect

        return PostgresDialect(self.run)

    # ── transactions ──────────────────────────────────────────────────────────────────────────────────────────

    def _changes(self) -> int:
        return self._wrote

    @contextmanager
    def _without_flush(self) -> Iterator[None]:
        self._end_reading()
        self._waits_for_disk = False
        try:
            yield
        finally:
            self._waits_for_disk = True

    def _begin(self, kind: str) -> None:
        begin = _BEGIN["unflushed" if kind == "writing" and not self._waits_for_disk else kind]
        try:
            self._there().execute(begin)
        except psycopg.Error as error:
            if not self._is_lost:
                raise meaning(error, self.named) from error
            self._there().execute(begin)  # nothing was begun: another connection will do
        except BaseException:
            self._let_go()
            self._undo()  # it may have begun
            raise
        self._in = kind
        self._looks += 1
        self._gathered.numbers.clear()
        self._foreseen.clear()
        self.ours = ()
        self._rung.clear()

    def _commit(self) -> None:
        self._ring()
        done = self._run("COMMIT", ())
        if done.statusmessage == "ROLLBACK":  # an error before was passed over
            raise RuntimeError("a transaction that had failed was to be committed")

    def _undo(self) -> None:
        if self._connection is not None and not self._connection.closed:
            with suppress(psycopg.Error):
                self._connection.execute("ROLLBACK")

    # ── workers ───────────────────────────────────────────────────────────────────────────────────────────────

    def unlocked(self, table: str) -> str:
        return f" FOR UPDATE OF {table} SKIP LOCKED"

    def locked(self, table: str) -> str:
        return f" FOR UPDATE OF {table}"

    def ring(self, bell: Bell) -> None:
        if self.is_writing:
            self._rung.add(bell)

    def _ring(self) -> None:
        """Ring what was to be rung: each bell once, all in one order, and nothing is written behind them."""
        if self._rung and self._has_bells is None:
            self._has_bells = bool(self.one(bells.THERE)[0])
        for bell in sorted(self._rung) if self._has_bells else ():
            self.mark(bells.RING, bell, bell, bell)
        self._rung.clear()

    @cached_property
    def workers(self) -> Workers:
        from engine.store.workers import Workers

        return Workers(self)

    # ── bytes ─────────────────────────────────────────────────────────────────────────────────────────────────

    def holding(self, column: Field[Any], says: Callable[[bytes], bool]) -> Iterator[int]:
        table, last = column.model, 0
        while True:
            query = table.select(table.id, column).where(column.is_null(False), table.id > last).order_by(table.id)
            rows = self.all(query.limit(SOME))
            for last, content in rows:
                if says(content):
                    yield last
            if len(rows) < SOME:
                return

    def overwrite(self) -> None:
        """The server keeps what was deleted until it vacuums, and in its log."""

    def wipe(self, *, anew: bool) -> None:
        if anew and not self._in:
            self.run("VACUUM FULL")

    @contextmanager
    def driver(self) -> Iterator[psycopg.Cursor[TupleRow]]:
        """Give a cursor of the driver for what has no other name here; its errors become ours."""
        self._there()
        if self._connection is None:
            raise RuntimeError("the database is not open")
        try:
            with self._connection.cursor() as cursor:
                yield cursor
        except psycopg.Error as error:
            raise refusal(error, self.named) from error

    def bulk(self) -> Bulk:
        from engine.store.bulk import PostgresBulk

        return PostgresBulk(self)

    # ── beside others ─────────────────────────────────────────────────────────────────────────────────────────

    @property
    def stands_still(self) -> bool:
        """What is counted while one writes stands under keys, but for what counts of everybody; it ends with it."""
        return self.is_open

    def others(self) -> int:
        """Another number in each transaction, and for each question outside of one."""
        if not self._in:
            self._looks += 1
        return self._looks

    def left(self) -> Left:
        return Snapshots(self)

    def lock(self, keys: Sequence[int]) -> None:
        if keys:
            self.rows(_LOCK, sorted(keys))
            self._looks += 1

    def keep_claims(self, claims: Sequence[Claim]) -> None:
        if claims:
            found = self._asked(_CLAIMS, ([row for row, *_ in claims],)).fetchall()
            self.ours = {*map(tuple, found)} & {*claims}

    @property
    def owner(self) -> str:
        if self._is_lost and not self._in:  # what is ours was given up with it
            self._there()
        if not self._number:
            self._identify()
        return f"{locks.owner()}/{self._number}"

    def _identify(self) -> None:
        """Take a number that nobody else has, as long as this connection lasts."""
        (self._number,) = self.one(_IDENTITY)
        SessionLock(self, OWNERS, self._number).acquire()

    def is_alive(self, owner: str) -> bool | None:
        """Tell whether that owner's session lasts, on whatever host it is."""
        number = owner.rpartition("/")[2] if owner.count("/") == 4 else ""
        if not number.isdigit():
            return locks.is_alive(owner)
        if int(number) == self._number:
            return True
        lock = SessionLock(self, OWNERS, int(number))
        if not lock.acquire():
            return True
        lock.release()
        return False

    def mailbox_lock(self, number: int) -> NotedBeside:
        return NotedBeside(lock_file(self.beside, number) if self.beside is not None else None)

    def pass_lock(self, shared: bool = False) -> SessionLock:
        return SessionLock.of_pass(self, shared)

    def account_lock(self, number: int) -> SessionLock:
        return SessionLock(self, ACCOUNTS, number)


def _is_plain(params: Sequence[Any]) -> bool:
    """Tell whether every text is one that the driver takes: what is found later ends the transaction."""
    others = [each for each in params if type(each) is str and (not each.isascii() or "\0" in each)]
    return not others  # a generator takes four times as long


def _alike(params: Sequence[Any]) -> Sequence[Any]:
    """Give lists of numbers so that the driver sends them all alike: it takes the size of the first one's for all."""
    if not params or type(params[0]) is not list:
        return params
    return [[*map(Int8, each)] if each and type(each[0]) is int else each for each in params]


def _without_nul(value: Any) -> Any:
    """PostgreSQL knows no text with a NUL."""
    return value.replace("\0", "\ufffd") if isinstance(value, str) else value
