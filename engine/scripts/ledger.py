"""What is remembered of scripts from run to run.

Here: the file, the last good versions of scripts and parameters, why a script is switched off. Not here: what is
counted (`memory.py`), reading scripts (`files.py`), running them (`scripts.py`).
Invariant: a script is known by the sha256 of its source and nothing else. What is remembered lies in one small file
that is replaced, never written into, and changed under a lock: runs beside each other and people see the same.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
from msgspec import Struct

LEDGER = "hooks.json"
"""The file in `instance.state_dir` that remembers good versions and failures."""


class Record(Struct):
    """What is remembered of a source: `failures` in a row (time, sender, content) and CPU time (time, sender, ms)."""

    off: str = ""
    failures: list[tuple[float, str, str]] = []
    spent: list[tuple[float, str, float]] = []


class State(Struct):
    """The whole file. A record stands under the sha256 of a source, or under that and a place (`place`)."""

    good: dict[str, str] = {}
    previous: dict[str, str] = {}
    params: tuple[str, str] | None = None
    records: dict[str, Record] = {}


class _Early(Struct):
    """The file of an early release, whose records were lists: failures in a row, why it is off, CPU time."""

    good: dict[str, str]
    previous: dict[str, str]
    records: dict[str, tuple[int, str, list[tuple[float, float]]]]


def at_place(sha256: str, place: str) -> str:
    """Name a script where it fails or not: with these parameters and fields. Others are another chance for it."""
    return f"{sha256}/{place}"


class Ledger:
    """Reads what is remembered; without a path only this process remembers. `version` changes with what is off."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._mark: tuple[int, int] | None = None
        self._lock = threading.Lock()
        self.state = State()
        self.version = 0
        self.refresh()

    def refresh(self) -> None:
        """Read the file again if somebody replaced it."""
        if self._path is None:
            return
        try:
            found = os.stat(self._path)  # noqa: PTH116 - asked for every mail
            mark = found.st_mtime_ns, found.st_ino
            if mark != self._mark:
                self.state = _read(self._path.read_bytes())
                self._mark = mark
                self.version += 1
        except OSError:
            pass

    def off(self, sha256: str, place: str = "") -> str:
        """Say why a script is switched off at a place, everywhere without one; "" if it is not."""
        for key in (sha256, at_place(sha256, place)):
            record = self.state.records.get(key)
            if record is not None and record.off:
                return record.off
        return ""

    def anywhere_off(self, sha256: str) -> str:
        """Say why a script is switched off at some place, "" if it is not."""
        mine = (record for key, record in self.state.records.items() if key.partition("/")[0] == sha256)
        return next((record.off for record in mine if record.off), "")

    @contextmanager
    def changing(self) -> Iterator[State]:
        """Change what is remembered: what another process wrote is read first, nobody writes in between."""
        with self._lock, self._alone():
            self.refresh()
            yield self.state
            self.version += 1
            self._write()

    def enable(self, sha256: str) -> bool:
        """Forget why a script is switched off, and its failures; tells whether it was off."""
        was_off = bool(self.anywhere_off(sha256))
        with self.changing() as state:
            state.records = {key: each for key, each in state.records.items() if key.partition("/")[0] != sha256}
        return was_off

    def disable(self, sha256: str, why: str) -> bool:
        """Switch a script off everywhere; tells whether it was on. Why one is off that was off stays."""
        with self.changing() as state:
            record = state.records.setdefault(sha256, Record())
            was_on, record.off = not record.off, record.off or why[:500]
        return was_on

    @contextmanager
    def _alone(self) -> Iterator[None]:
        if self._path is None:
            yield
            return
        with contextlib.ExitStack() as stack:
            with contextlib.suppress(OSError):
                self._path.parent.mkdir(parents=True, exist_ok=True)
                fd = os.open(self._path.with_name(f"{self._path.name}.lock"), os.O_RDWR | os.O_CREAT, 0o600)
                stack.callback(os.close, fd)
                fcntl.flock(fd, fcntl.LOCK_EX)
            yield

    def _write(self) -> None:
        if self._path is None:
            return
        waiting = self._path.with_name(f"{self._path.name}.{threading.get_native_id()}")
        with contextlib.suppress(OSError):  # what cannot be remembered is judged anew by the next run
            fd = os.open(waiting, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(fd, "wb") as file:
                file.write(msgspec.json.encode(self.state))
                found = os.fstat(fd)
            waiting.replace(self._path)
            self._mark = found.st_mtime_ns, found.st_ino


def _read(content: bytes) -> State:
    """Read the file; what cannot be read is begun anew."""
    with contextlib.suppress(msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return msgspec.json.decode(content, type=State)
    with contextlib.suppress(msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        early = msgspec.json.decode(content, type=_Early)
        records = {sha256: Record(off) for sha256, (_, off, _) in early.records.items() if off}
        return State(early.good, early.previous, None, records)
    return State()
