"""Locks in the file system beside the database, and names for processes.

Here: `FileLock` (flock, given back by the kernel however a process ends), `owner` and `is_alive`.
Not here: leases (`lease.py`), which are rows. Invariant: nothing correct depends on these; they only save work
and keep a schema upgrade away from a running pass.
"""

from __future__ import annotations

import fcntl
import mmap
import os
import time
from collections.abc import Callable
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from threading import Event
from typing import Protocol

from engine.store.errors import StoreError

_DIGITS = 20


MADE = b"made\n"
"""What stands in the file of the pass lock once there was a database: one that is gone is not made anew in silence."""


class Lock(Protocol):
    """A lock that its holder gives back or loses by ending, with room for a note to whoever takes it next."""

    def acquire(self, wait_s: float = 0.0, stop: Event | None = None) -> bool:
        """Take it, or tell after `wait_s` seconds that somebody else has it. Raises StoreError."""

    def note(self, text: bytes) -> None:
        """Leave lines for whoever takes the lock next; they outlive this process, not a power cut."""

    def counter(self, head: bytes) -> Callable[[int], None]:
        """Leave `head`, and give what writes a number in the line below it, as often as it is called."""

    def noted(self, lines: int) -> list[bytes]:
        """Read the first lines that were noted last; fewer where there are none."""

    def release(self) -> None:
        """Give it back; without it, nothing happens."""


def noted_nowhere(number: int) -> None:
    """There is no room on the disk: who is to blame will not be known."""


class FileLock:
    """An advisory lock on a file; `shared` ones exclude only exclusive ones. The file stays when it is released."""

    def __init__(self, path: Path, shared: bool = False) -> None:
        self.path = path
        self._how = (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB
        self._descriptor: int | None = None

    def acquire(self, wait_s: float = 0.0, stop: Event | None = None) -> bool:
        """Take the lock, or tell after `wait_s` seconds that somebody else has it. Raises StoreError."""
        try:
            descriptor = os.open(self.path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise StoreError(f"the lock file {self.path} cannot be opened: {error.strerror}") from error
        pause = stop or Event()
        until = time.monotonic() + wait_s
        while True:
            try:
                fcntl.flock(descriptor, self._how)
            except BlockingIOError:
                left = until - time.monotonic()
                if left <= 0 or pause.wait(min(0.2, left)):
                    os.close(descriptor)
                    return False
            except OSError:  # a file system without locks: the rows have to do
                os.close(descriptor)
                return True
            else:
                self._descriptor = descriptor
                return True

    def note(self, text: bytes) -> None:
        """Leave lines in the file for whoever takes the lock next; they outlive this process, not a power cut."""
        if self._descriptor is not None:
            with suppress(OSError):  # no room on the disk: nothing is known then
                os.pwrite(self._descriptor, text, 0)

    def counter(self, head: bytes) -> Callable[[int], None]:
        """Leave `head` in the file, and give what writes a number in the line below it, as often as it is called.

        The number is written through mapped memory: it costs no call of the system and outlives this process.
        """
        start = len(head) + 1
        line, form = slice(start, start + _DIGITS), b"%%0%dd" % _DIGITS
        self.note(b"%s\n%0*d\n" % (head, _DIGITS, 0))
        if self._descriptor is None or os.fstat(self._descriptor).st_size < line.stop:
            return noted_nowhere
        try:
            page = mmap.mmap(self._descriptor, line.stop)
        except (OSError, ValueError):  # a file system without mapped files
            return lambda number: self.note(b"%s\n%0*d\n" % (head, _DIGITS, number))

        def write(number: int) -> None:
            page[line] = form % number

        return write

    def noted(self, lines: int) -> list[bytes]:
        """Read the first lines that were noted last; fewer where there are none."""
        if self._descriptor is None:
            return []
        try:
            return os.pread(self._descriptor, 1024, 0).split(b"\n")[:lines]
        except OSError:
            return []

    def release(self) -> None:
        """Give the lock back, also where the file is still mapped; without one, nothing happens."""
        if self._descriptor is not None:
            with suppress(OSError):  # closing alone does not: a mapping has a copy of the descriptor
                fcntl.flock(self._descriptor, fcntl.LOCK_UN)
            os.close(self._descriptor)
            self._descriptor = None


@lru_cache(maxsize=1)
def _host() -> tuple[str, str]:
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
    except OSError:
        boot = "-"
    return os.uname().nodename.replace("/", "_") or "-", boot


def _started(pid: int) -> str:
    """Give the start time of a process in clock ticks since boot (proc(5), field 22), "" if there is none."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text("utf-8", "replace")
    except OSError:
        return ""
    after_name = stat.rpartition(")")[2].split()
    return after_name[19] if len(after_name) > 19 and after_name[0] not in "ZX" else ""


def owner(pid: int | None = None) -> str:
    """Name this process so that no other one ever has the same name: host/boot/pid/start time."""
    host, boot = _host()
    return _ours(os.getpid()) if pid is None else f"{host}/{boot}/{pid}/{_started(pid) or '-'}"


@lru_cache(maxsize=1)
def _ours(pid: int) -> str:
    return owner(pid)


def is_alive(name: str) -> bool | None:
    """Tell whether the process of that name runs; None where this machine cannot know (another host)."""
    host, boot, pid, started = ([*name.split("/"), "", "", "", ""])[:4]
    here, booted = _host()
    if host != here or not pid.isdigit():
        return None
    if boot != booted:
        return False
    if started == "-" or not Path("/proc/self/stat").exists():
        return None
    return _started(int(pid)) == started
