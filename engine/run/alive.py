"""That a watch, or a console, lives: told to the service manager, and to whoever looks at the installation.

Here: the messages of sd_notify(3), the file beside the database that each holds locked. Not here: what it does
(`watch.py`), what is made of it (`desk/health.py`).
Invariant: without a service manager nothing is said; a watch that ended by itself leaves no file, one that was killed
leaves it unlocked.
"""

from __future__ import annotations

import os
import socket
import time
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from msgspec import Struct

from engine.store.locks import FileLock


class Life(Struct, frozen=True):
    """What the file says: whether somebody holds it, which process, since when, and when it was touched last."""

    lives: bool
    process: str = ""
    since: str = ""
    touched: datetime | None = None


def file_of(database: Path, kind: str = "watch") -> Path:
    """Name the file that a watch of this database holds, or a process of another kind."""
    return database.with_name(f"{database.name}.{kind}")


def life(database: Path, kind: str = "watch") -> Life | None:
    """Look whether a watch lives, or another kind of process; None where none is, and none died. Raises StoreError."""
    path = file_of(database, kind)
    if not path.exists():
        return None
    lock = FileLock(path)
    free = lock.acquire()
    if free:
        lock.release()
    with suppress(OSError):
        told = path.read_text("utf-8", "replace").split()
        process, since = [*told, "", ""][:2]
        return Life(not free, process, since, datetime.fromtimestamp(path.stat().st_mtime, UTC))
    return None


class Alive:
    """Held by a watch, or by another process that stays, as long as it lives. `taken`: another one has it."""

    def __init__(self, database: Path | None, kind: str = "watch") -> None:
        self._lock = FileLock(file_of(database, kind)) if database is not None else None
        self.taken = self._lock is not None and not self._lock.acquire()
        if self._lock is not None and not self.taken:
            self._lock.note(f"{os.getpid()} {datetime.now(UTC):%Y-%m-%dT%H:%MZ}\n".encode())
        self._every_s = _watchdog_s() / 3
        self._beaten = time.monotonic()

    def say(self, state: str) -> None:
        """Tell the service manager, if there is one: READY=1, STOPPING=1, STATUS=…"""
        address = os.environ.get("NOTIFY_SOCKET", "")
        if not address.startswith(("/", "@")):
            return
        with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as manager:
            manager.settimeout(1.0)
            manager.sendto(state.encode(), "\0" + address[1:] if address[0] == "@" else address)

    def beat(self) -> None:
        """Tell the watchdog that the work goes on; where it asks for nothing, nothing is told."""
        now = time.monotonic()
        if self._every_s and now - self._beaten >= self._every_s:
            self._beaten = now
            self.say("WATCHDOG=1")

    def touch(self) -> None:
        """Note in the file that something was done now."""
        if self._lock is not None and not self.taken:
            with suppress(OSError):
                os.utime(self._lock.path)

    def patience_s(self, most_s: float) -> float:
        """How long may be waited before the next beat."""
        return min(most_s, self._every_s) if self._every_s else most_s

    def close(self) -> None:
        """Say goodbye: the file goes."""
        if self._lock is not None and not self.taken:
            with suppress(OSError):
                self._lock.path.unlink()
            self._lock.release()


def _watchdog_s() -> float:
    """The time of `WatchdogSec`, 0 where it is not for us."""
    told, whose = os.environ.get("WATCHDOG_USEC", ""), os.environ.get("WATCHDOG_PID", "")
    if not told.isdecimal() or (whose and whose != str(os.getpid())):
        return 0.0
    return int(told) / 1_000_000
