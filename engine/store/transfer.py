"""A desk carried from one database into another, of whatever kind: all of it and the same, or nothing.

Here: `copy`: what has to hold before, table by table, reading both sides again. Not here: how a database streams a
table (`bulk.py`), what is left behind of mails on demand (`lightening.py`), what people are told (`cli/db_copy.py`).
Invariant: the source is never changed, and nobody writes in it meanwhile; the target appears whole, in one transaction
or under its name at the end, and only after every row of it was read again and counted the same.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from hashlib import blake2b
from pathlib import Path

from msgspec import Struct

from engine.model.told import Told, nobody
from engine.store.bulk import Bulk, Row, Rows
from engine.store.connecting import connection
from engine.store.database import Database
from engine.store.errors import Busy, Conflict, Refused, StoreError
from engine.store.file import pass_file, take_away
from engine.store.in_hand import in_hand
from engine.store.lightening import Lightening
from engine.store.locks import MADE, FileLock, Lock
from engine.store.migrations import STEPS, make, version
from engine.store.place import Url, Where
from engine.store.shapes import Shape, shapes
from engine.store.sqlite import Sqlite

WAIT_S = 30.0
"""How long a copy waits for a pass that is running."""

ROWS, BYTES = 2000, 8 * 1024 * 1024
"""A table is filled in pieces of so much: what a database keeps in mind until a statement ends is no more than that."""

TOLD_EVERY = 500

Sum = tuple[int, int]
"""How many rows a table has, and the sum of their digests."""


class Copied(Struct, frozen=True):
    """What was carried: rows of each table, texts that held a NUL, mails without their bytes."""

    tables: tuple[tuple[str, int], ...]
    replaced: int
    left_behind: int

    @property
    def rows(self) -> int:
        return sum(rows for _, rows in self.tables)


def copy(
    source: Where, target: Where, *, without_bytes: bool = False, wait_s: float = WAIT_S, told: Told = nobody
) -> Copied:
    """Carry everything from one database into another one, which is empty or not there yet.

    `told` hears how many rows of how many were copied or read again. `without_bytes` leaves the bytes of mails behind
    that nobody needs, as if they were old. Raises Refused for a target that is not empty, and while something of the
    source is in hand; Busy while a pass runs; StoreError, also where the two are not the same at the end.
    """
    if source == target or (isinstance(source, Path) and isinstance(target, Path)):
        raise Refused("a file is copied by `allegra db backup`; `db copy` is for another kind of database")
    with _opened(source) as old, _alone(old.pass_lock(), wait_s), old.rehearsal():
        _is_today(old)
        every = shapes()
        old.bulk().keep_still([table.name for table in every])
        if held := in_hand(old):
            raise Refused(f"something is in hand in {old.named}: {held}; stop what works on it, and try again")
        with _made(target, wait_s) as new:
            return _Carrying(old, new, every, without_bytes, told).done()


@contextmanager
def _opened(where: Where) -> Iterator[Database]:
    database = connection(where)
    with closing(database):
        database.connect(create=False)
        yield database


@contextmanager
def _alone(lock: Lock | None, wait_s: float) -> Iterator[Lock | None]:
    if lock is not None and not lock.acquire(wait_s):
        raise Busy("a pass is running on one of the two databases: stop it, or try again when it is done")
    try:
        yield lock
    finally:
        if lock is not None:
            lock.release()


def _is_today(database: Database) -> None:
    if (found := version(database)) != len(STEPS):
        raise StoreError(
            f"the database {database.named} has schema {found}, this release copies schema {len(STEPS)}: "
            "run `allegra db migrate` first"
        )


def _made(target: Where, wait_s: float) -> AbstractContextManager[Database]:
    return _on_a_server(target, wait_s) if isinstance(target, Url) else _in_a_file(target, wait_s)


@contextmanager
def _on_a_server(target: Url, wait_s: float) -> Iterator[Database]:
    """One transaction, its tables included, and what the server has to know of them to plan well."""
    with _opened(target) as database, _alone(database.pass_lock(), wait_s) as lock:
        with database.writing():
            _is_empty(database)
            database.bulk().keep_still([table.name for table in shapes()])
            yield database
            for table in shapes():
                database.run(f'ANALYZE "{table.name}"')
        if lock is not None:
            lock.note(MADE)


@contextmanager
def _in_a_file(target: Path, wait_s: float) -> Iterator[Database]:
    """A draft beside it, which gets its name at the end."""
    draft = target.with_name(target.name + ".copying")
    try:
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with _alone(FileLock(pass_file(target)), wait_s) as lock:
            if target.exists():
                with _opened(target) as there:
                    _is_empty(there)
            take_away(draft)
            try:
                with closing(Sqlite(draft)) as database:
                    database.connect()
                    database.run("PRAGMA synchronous = OFF")
                    _is_empty(database)
                    yield database
                    database.empty_log(patient=True)
                with draft.open("rb") as written:
                    os.fsync(written.fileno())
                take_away(target)
                draft.rename(target)
            except BaseException:
                take_away(draft)
                raise
            if lock is not None:
                lock.note(MADE)
    except OSError as error:
        raise StoreError(f"the database {target} cannot be written: {error.strerror}") from error


def _is_empty(database: Database) -> None:
    """See that nothing is lost when this is filled; makes the tables where there are none. Raises Refused."""
    if version(database) == 0:
        make(database)
    _is_today(database)
    for table in shapes():
        if table.name != "schema_version" and database.rows(f'SELECT 1 FROM "{table.name}" LIMIT 1'):  # noqa: S608
            raise Refused(f"the database {database.named} is not empty: there are rows in its table {table.name}")


class _Carrying:
    """One copy."""

    def __init__(self, old: Database, new: Database, every: tuple[Shape, ...], without_bytes: bool, told: Told) -> None:
        self._old, self._new, self._every = old, new, every
        self._light = Lightening(old) if without_bytes else None
        counts = [old.one(f'SELECT count(*) FROM "{table.name}"')[0] for table in every]  # noqa: S608
        self._told, self._done, self._total = told, 0, 3 * sum(counts)
        self._replaced = 0

    def done(self) -> Copied:
        with self._new.joining():
            self._new.run('DELETE FROM "schema_version"')
        for table in self._every:
            try:
                self._fill(table)
            except (StoreError, Conflict) as error:
                raise StoreError(f"the table {table.name} cannot be copied: {error}") from error
        carried = tuple((table.name, self._same(table)) for table in self._every)
        left = 0
        if self._light is not None:
            with self._new.joining():
                left = self._light.leave(self._new)
        return Copied(carried, self._replaced, left)

    def _fill(self, table: Shape) -> None:
        bulk = self._new.bulk()
        rows = self._counted(self._fitting(table, self._old.bulk(), self._note_replaced))
        with closing(rows):
            for piece in _pieces(rows):
                with self._new.joining():
                    bulk.fill(table, piece)
        if table.numbered:
            with self._new.joining():
                bulk.number_on(table.name)

    def _same(self, table: Shape) -> int:
        """Read both sides again; gives the number of rows. Raises StoreError where they differ."""
        there = _summed(self._counted(self._fitting(table, self._old.bulk(), lambda: None)))
        here = _summed(self._counted(self._new.bulk().rows(table)))
        if there != here:
            what = f"{there[0]} rows there, {here[0]} here" if there[0] != here[0] else "a row is not what it was"
            raise StoreError(f"the copy is not the same in table {table.name}: {what}; nothing is left of it")
        return here[0]

    def _fitting(self, table: Shape, bulk: Bulk, replaced: Callable[[], None]) -> Rows:
        """Give the rows of a table as every database can hold them, and lighter where that is wanted."""
        light = self._light.of(table) if self._light is not None else None
        kinds = tuple(table.kinds.items())
        with closing(bulk.rows(table)) as rows:
            for row in rows:
                fit = tuple([_fit(table, column, value, replaced) for column, value in zip(kinds, row, strict=True)])
                yield light(fit) if light is not None else fit

    def _note_replaced(self) -> None:
        self._replaced += 1

    def _counted(self, rows: Rows) -> Rows:
        with closing(rows):
            for row in rows:
                self._done += 1
                if self._done % TOLD_EVERY == 0:
                    self._told(self._done, self._total)
                yield row


def _fit(table: Shape, column: tuple[str, str], value: object, replaced: Callable[[], None]) -> object:
    name, kind = column
    if value is None or (kind == "bytea" and type(value) is bytes):
        return value
    if kind == "text" and isinstance(value, str):
        if "\0" not in value:
            return value
        replaced()
        return value.replace("\0", "\ufffd")  # PostgreSQL knows no text with a NUL
    if kind in ("int8", "bool") and isinstance(value, int):
        return bool(value) if kind == "bool" else int(value)
    raise StoreError(f"in its column {name} stands a {type(value).__name__}")


def _pieces(rows: Iterator[Row]) -> Iterator[Iterable[Row]]:
    """Cut a stream of rows: each piece has to be read to its end before the next one."""
    for first in rows:

        def piece(row: Row = first) -> Iterator[Row]:
            size, count = 0, 0
            while True:
                yield row
                count, size = count + 1, size + _size(row)
                if count >= ROWS or size >= BYTES:
                    return
                following = next(rows, None)
                if following is None:
                    return
                row = following

        yield piece()


def _size(row: Row) -> int:
    return sum([len(value) for value in row if isinstance(value, bytes | str)])


def _summed(rows: Rows) -> Sum:
    count = total = 0
    with closing(rows):
        for row in rows:
            count += 1
            total += int.from_bytes(_digest(row), "big")
    return count, total % 2**128


def _digest(row: Row) -> bytes:
    made = blake2b(digest_size=16)
    for value in row:
        if isinstance(value, bytes):
            made.update(b"b%d:" % len(value))
            made.update(value)
        elif isinstance(value, str):
            text = value.encode()
            made.update(b"t%d:" % len(text))
            made.update(text)
        else:
            made.update(b"-" if value is None else b"n%d;" % value)
    return made.digest()
