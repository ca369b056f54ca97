"""Locks that last as long as a connection: whose process or host dies gives them back at once.

Here: `SessionLock`, an advisory lock of PostgreSQL (manual, 13.3.5), and the note that goes with it. Not here: the same
with files (`locks.py`), the locks of a commit (`postgres.py`). Invariant: a lock is held by one connection, and gone
with it; its note lies in a file, so that only the same host reads it.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from threading import Event
from time import monotonic
from typing import TYPE_CHECKING, Self

from engine.store.errors import StoreError
from engine.store.file import pass_file
from engine.store.locks import FileLock, noted_nowhere

if TYPE_CHECKING:
    from pathlib import Path

    from engine.store.postgres import Postgres

OWNERS, PASSES, WORKERS, ACCOUNTS = 2, 3, 4, 5
"""The first number of a lock: what kind of thing it is on. 1 was mailboxes, whose rows name an owner."""

LOOK_S = 0.2


class NotedBeside:
    """What goes with a lease that the session of its owner keeps: a note in a file, where there is a folder for it."""

    def __init__(self, notes: Path | None, shared: bool = False) -> None:
        self._file = FileLock(notes, shared) if notes is not None else None

    def acquire(self, wait_s: float = 0.0, stop: Event | None = None) -> bool:
        if self._file is not None:
            with suppress(StoreError):  # only its note matters, and there may be no such folder
                self._file.acquire()
        return True

    def note(self, text: bytes) -> None:
        if self._file is not None:
            self._file.note(text)

    def counter(self, head: bytes) -> Callable[[int], None]:
        return self._file.counter(head) if self._file is not None else noted_nowhere

    def noted(self, lines: int) -> list[bytes]:
        return self._file.noted(lines) if self._file is not None else []

    def release(self) -> None:
        if self._file is not None:
            self._file.release()


class SessionLock(NotedBeside):
    """An advisory lock on a number; `shared` ones exclude only exclusive ones."""

    def __init__(
        self, database: Postgres, kind: int, number: int, *, shared: bool = False, notes: Path | None = None
    ) -> None:
        self._database, self._key = database, (kind, number)
        self._how = "_shared" if shared else ""
        super().__init__(notes, shared)
        self._session: int | None = None

    @classmethod
    def of_pass(cls, database: Postgres, shared: bool) -> Self:
        """The lock that a pass takes shared and an upgrade alone."""
        beside = database.beside
        return cls(database, PASSES, 0, shared=shared, notes=pass_file(beside) if beside is not None else None)

    def acquire(self, wait_s: float = 0.0, stop: Event | None = None) -> bool:
        pause, until = stop or Event(), monotonic() + wait_s
        while not self._try():
            left = until - monotonic()
            if left <= 0 or pause.wait(min(LOOK_S, left)):
                return False
        self._session = self._database.session
        return super().acquire()

    def _try(self) -> bool:
        sql = f"SELECT pg_try_advisory_lock{self._how}(CAST(? AS integer), CAST(? AS integer))"
        return bool(self._database.one(sql, *self._key)[0])

    def release(self) -> None:
        if self._session is not None and self._session == self._database.session:
            self._database.rows(
                f"SELECT pg_advisory_unlock{self._how}(CAST(? AS integer), CAST(? AS integer))", *self._key
            )
        self._session = None
        super().release()
