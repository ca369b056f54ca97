"""The file that a database is: made for its owner alone, and told in sentences when it cannot be used.

Here: file modes, the names beside a file, and what a driver's errors mean. Not here: the connection (`database.py`).
Invariant: nobody but its owner may read what is made here; a mistake in the code is never called a broken database.
"""

from __future__ import annotations

import os
from contextlib import suppress
from itertools import count
from pathlib import Path

from engine.store.errors import Busy, Conflict, NotFound, StoreError

MEANINGS = (
    ("full", "cannot grow: the disk is full"),
    ("readonly", "is read-only for this user"),
    ("unable to open", "cannot be opened: look at the permissions of its directory"),
    ("not a database", "is no SQLite database"),
    ("malformed", "is damaged; restore a backup"),
    ("disk i/o", "cannot be written: the disk reports an error, or is full"),
)


def meaning(error: Exception, path: Path | None) -> Exception:
    """Turn a driver's error (PEP 249 names its classes) into ours; what is a mistake in the code stays itself."""
    kind, text = type(error).__name__, str(error).lower()
    if kind == "IntegrityError":
        return Conflict(str(error))
    if kind == "OverflowError":
        return NotFound("nothing here has so large a number")
    if kind not in ("OperationalError", "InterfaceError", "DatabaseError", "InternalError"):
        return error
    where = path or "the database in memory"
    if "locked" in text or "busy" in text:
        return Busy(f"the database {where} is locked by another process")
    for sign, sentence in MEANINGS:
        if sign in text:
            return StoreError(f"the database {where} {sentence}")
    return StoreError(f"the database {where} cannot be used: {error}")


def beside(path: Path) -> tuple[Path, ...]:
    """Name the files that SQLite keeps beside a database while somebody works with it."""
    return tuple(path.with_name(path.name + end) for end in ("-wal", "-shm", "-journal"))


def take_away(path: Path) -> None:
    """Let no draft of a database stand, nor anything of SQLite's beside it. Raises OSError."""
    for each in (path, *beside(path)):
        each.unlink(missing_ok=True)


def before(path: Path, stamp: str) -> Path:
    """Name a place for what stands at a path before another takes it; nothing lies there yet, nor beside it."""
    for number in count(1):
        kept = path.with_name(f"{path.name}.before-{stamp}{f'.{number}' if number > 1 else ''}")
        if not any(map(os.path.lexists, (kept, *beside(kept)))):
            break
    return kept


def prepare(path: Path, create: bool) -> None:
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


def pass_file(path: Path) -> Path:
    """Name the file that a pass locks shared and an upgrade locks alone."""
    return path.with_name(path.name + ".pass")


def lock_file(path: Path, mailbox: int) -> Path:
    """Name the file whose lock goes with a mailbox's lease."""
    return path.with_name(f"{path.name}.mailbox-{mailbox}")
