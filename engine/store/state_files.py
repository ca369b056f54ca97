"""The small files beside the database that a backup holds too, and how they come back.

Here: writing them into a backup, putting them back. Not here: which files these are (`desk/state_files.py`), the
database itself (`retention.py`, `restoring.py`). Invariant: a file that comes back is whole and readable by its owner
only; what stood there before is kept beside it; nothing is written anywhere but where the caller says.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from engine.store.errors import StoreError
from engine.store.file import before

TABLE = "state_file"
"""Stands in backups only, never in a database that is worked with."""


def put_in(copy: sqlite3.Connection, files: Mapping[str, Path]) -> tuple[str, ...]:
    """Write the files that are there into a backup; gives their names. Raises OSError, sqlite3.Error."""
    found = [(name, content) for name, path in files.items() if (content := _content(path)) is not None]
    if not found:
        return ()
    with copy:
        copy.execute(f"CREATE TABLE {TABLE} (name TEXT NOT NULL PRIMARY KEY, content BLOB NOT NULL)")
        copy.executemany(f"INSERT INTO {TABLE} (name, content) VALUES (?, ?)", found)  # noqa: S608 - our own name
    return tuple(name for name, _ in found)


def taken_out(made: sqlite3.Connection) -> dict[str, bytes]:
    """Read the files out of the copy of a backup, and take their table from it. Raises: sqlite3.Error."""
    if made.execute("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?", (TABLE,)).fetchone() is None:
        return {}
    rows = made.execute(f"SELECT name, content FROM {TABLE} ORDER BY name").fetchall()  # noqa: S608 - our own name
    made.execute(f"DROP TABLE {TABLE}")
    made.commit()
    return {str(name): bytes(content) for name, content in rows}


def put_back(files: Mapping[str, bytes], places: Mapping[str, Path], stamp: str) -> tuple[str, ...]:
    """Put files back where `places` says; gives the names of those that changed. Raises: StoreError.

    One that is the same is left alone; another one that stands there is kept as `NAME.before-STAMP`. A name that has no
    place is left out: a backup is a file like any other, and does not say where to write.
    """
    changed = []
    for name, content in files.items():
        target = places.get(name)
        if target is None or _content(target) == content:
            continue
        try:
            _replace(target, content, stamp)
        except OSError as error:
            raise StoreError(f"{target} cannot be written: {error.strerror}") from error
        changed.append(name)
    return tuple(changed)


def _content(path: Path) -> bytes | None:
    with suppress(FileNotFoundError, NotADirectoryError):
        return path.read_bytes()
    return None


def _replace(target: Path, content: bytes, stamp: str) -> None:
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = target.with_name(f".{target.name}.restoring")
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    if target.exists():
        target.rename(before(target, stamp))
    draft.replace(target)
