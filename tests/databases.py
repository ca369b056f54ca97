"""Which database the desks of the tests lie in: a file of SQLite's, or with DATABASE=postgresql one on a server.

Here: that choice, the only one; databases that stand for files, one for each desk, made when it is first asked for;
reading and changing rows behind the product's back. Not here: the server (`servers/postgres.py`), desks.
Invariant: without that word nothing of PostgreSQL is loaded, and all of this gives back what it was given.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import cache
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from engine.model.place import Url, Where

if TYPE_CHECKING:
    from servers.postgres import Postgres

    from engine.store.database import Database

ON_SERVER = {"sqlite": False, "postgresql": True}[os.environ.get("DATABASE", "sqlite")]

FILE = Path("var/allegra.sqlite3")
"""Where a desk has its file, below its folder."""

_numbers = count(1)
_stands_for: dict[Path, str] = {}
"""The names of the databases on the server, by the files that they stand for."""


@cache
def server() -> Postgres | str:
    """Give the server of this process, which is started with the first call; or what is not installed."""
    from servers.postgres import Postgres, missing

    return missing() or Postgres()


def stop() -> None:
    """End the server, if one was started."""
    if server.cache_info().currsize and not isinstance(made := server(), str):
        made.stop()
        _stands_for.clear()
        server.cache_clear()


@contextmanager
def of_one_test() -> Iterator[None]:
    """Drop at the end what was made meanwhile."""
    before = set(_stands_for)
    yield
    for path in _stands_for.keys() - before:
        _server().drop(_stands_for.pop(path))


def place(path: Path) -> Where:
    """Give where a store is opened that would lie in this file."""
    path = path.absolute()
    if not ON_SERVER:
        return path
    if path not in _stands_for:
        _stands_for[path] = _server().furnished()
    return Url(_server().url_of(_stands_for[path]), path.with_suffix(""))


def fresh(folder: Path | None = None) -> Where | str:
    """Give where a store is opened that would lie in memory; on a server it may be that of the desk in a folder."""
    if not ON_SERVER:
        return ":memory:"
    return place(Path(f"memory-{next(_numbers)}") if folder is None else folder / FILE)


def configured(folder: Path, text: str) -> None:
    """Write the allegra.toml of a desk, with the lines that say where its database is."""
    (folder / "allegra.toml").write_text(lines(folder, text), encoding="utf-8")


def lines(folder: Path, text: str) -> str:
    """Add to the text of an allegra.toml the lines that say where the database is, of the desk in this folder."""
    if not ON_SERVER:
        return text
    where, file = place(folder / FILE), folder / "database-url"
    assert isinstance(where, Url)
    file.write_text(where.secret, encoding="utf-8")
    file.chmod(0o600)
    ours = f'[store]\ndriver = "postgresql"\nurl_file = "{file.name}"\n'
    before, theirs, after = f"\n{text}".replace(f"\n{ours}", "\n").partition("\n[store]\n")
    return (f"{before}\n{ours}{after}" if theirs else f"{text}\n{ours}").removeprefix("\n")


def copied(folder: Path, to: Path) -> None:
    """Copy a desk in which nobody works, its database too."""
    shutil.copytree(folder, to, dirs_exist_ok=True)
    if ON_SERVER:
        _stands_for[to / FILE] = _server().copied(_stands_for[folder / FILE])
        (to / "database-url").write_text(_server().url_of(_stands_for[to / FILE]), encoding="utf-8")


def rows(where: Where, sql: str, *params: Any) -> list[tuple[Any, ...]]:
    """Read what stands in a database, whoever is at work in it."""
    if isinstance(where, Path):
        with closing(sqlite3.connect(f"file:{where}?mode=ro", uri=True, timeout=30)) as connection:
            return connection.execute(sql, params).fetchall()
    return _on_server(where, sql, params)


def change(where: Where, sql: str, *params: Any) -> list[tuple[Any, ...]]:
    """Change what stands there, as nobody but a test would; gives the rows that it tells."""
    if isinstance(where, Path):
        with closing(sqlite3.connect(where)) as database, database:
            return database.execute(sql, params).fetchall()
    return _on_server(where, sql, params)


def everything(where: Where) -> dict[str, list[tuple[Any, ...]]]:
    """Read all rows of all our tables."""
    if isinstance(where, Path):
        names = rows(where, "SELECT name FROM sqlite_master WHERE type = 'table'")
    else:
        names = rows(
            where, "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
        )
    return {name: rows(where, f'SELECT * FROM "{name}" ORDER BY 1') for (name,) in names}  # noqa: S608


def on_the_disk(where: Where) -> bytes:
    """Read all bytes of the files that a database lies in, whether it uses them or not."""
    if isinstance(where, Path):
        found = list(where.parent.glob(f"{where.name}*"))
    else:
        server = _server()
        server.run("CHECKPOINT")
        ((number,),) = rows(where, "SELECT oid FROM pg_database WHERE datname = current_database()")
        found = list((server.folder / "data" / "base" / str(number)).iterdir())
    return b"".join(each.read_bytes() for each in found)


@contextmanager
def locked(where: Where, *, entirely: bool = False) -> Iterator[None]:
    """Let nobody write, as somebody does who is in the middle of something long; `entirely`: let nobody read either."""
    if isinstance(where, Path):
        with closing(sqlite3.connect(where, isolation_level=None)) as other:
            if entirely:
                other.execute("PRAGMA locking_mode = EXCLUSIVE")
            other.execute("BEGIN IMMEDIATE" if not entirely else "BEGIN EXCLUSIVE")
            yield
            other.execute("ROLLBACK")
        return
    import psycopg

    with psycopg.connect(where.secret) as connection:
        names = ", ".join(f'"{name}"' for name in everything(where))
        connection.execute(f"LOCK TABLE {names} IN {'ACCESS ' if entirely else ''}EXCLUSIVE MODE".encode())
        yield
        connection.rollback()


@contextmanager
def being_read(where: Where, table: str) -> Iterator[None]:
    """Let somebody read in a transaction that does not end."""
    asked = f"SELECT count(*) FROM {table}"  # noqa: S608
    if isinstance(where, Path):
        with closing(sqlite3.connect(where, isolation_level=None)) as other:
            other.execute("BEGIN")
            other.execute(asked).fetchone()
            yield
        return
    import psycopg

    with psycopg.connect(where.secret) as connection:
        connection.execute(asked.encode())
        yield


def _on_server(where: Url, sql: str, params: tuple[Any, ...]) -> list[tuple[Any, ...]]:
    import psycopg

    from engine.store.postgres import numbered

    with psycopg.connect(where.secret, autocommit=True, cursor_factory=psycopg.RawCursor) as connection:
        done = connection.execute(numbered(sql), params)
        return done.fetchall() if done.description else []


def kind() -> type[Database]:
    """Give the class of a connection to such a database."""
    if ON_SERVER:
        from engine.store.postgres import Postgres

        return Postgres
    from engine.store.sqlite import Sqlite

    return Sqlite


def _server() -> Postgres:
    made = server()
    if isinstance(made, str):
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(f"not installed: {made}")
    return made
