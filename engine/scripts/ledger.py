"""What is remembered of scripts from run to run.

Here: the last good version of each, failures in a row, CPU time, who is switched off. Not here: reading scripts
(`files.py`), running them (`scripts.py`).
Invariant: a script is known by the sha256 of its source and nothing else; what is remembered lies in one small file
that is replaced, never written into.
"""

from __future__ import annotations

import contextlib
import json
import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

FAILURES = 5
"""So many failures in a row switch a script off until it changes."""

CPU_S, CPU_WINDOW_S = 30.0, 3_600.0
"""So much CPU time within an hour does so too."""


@dataclass(slots=True)
class _Record:
    """What is remembered about one source."""

    in_row: int = 0
    off: str = ""
    spent: list[tuple[float, float]] = field(default_factory=list)


class Ledger:
    """Remembers, in a file, good versions and failures; without a path only as long as the process lives.

    `version` counts what was switched off.
    """

    def __init__(self, path: Path | None, now: Callable[[], float] = time.time) -> None:
        self._path = path
        self._now = now
        self._records: dict[str, _Record] = {}
        self._good: dict[str, str] = {}
        self._previous: dict[str, str] = {}
        self.version = 0
        if path is not None:
            with contextlib.suppress(OSError, ValueError, TypeError, KeyError, AttributeError):
                self._take(json.loads(path.read_text("utf-8")))

    def good(self, name: str) -> str | None:
        """Give the source of the last version that was sound."""
        return self._good.get(name)

    def previous(self, name: str) -> str | None:
        """Give the source of the sound version before that."""
        return self._previous.get(name)

    def keep(self, name: str, text: str) -> None:
        """Remember a sound version."""
        before = self._good.get(name)
        if before != text:
            if before is not None:
                self._previous[name] = before
            self._good[name] = text
            self._write()

    def off(self, sha256: str) -> str:
        """Say why a script is switched off, "" if it is not."""
        record = self._records.get(sha256)
        return record.off if record is not None else ""

    def succeeded(self, sha256: str, cpu_ms: float) -> None:
        """Count a success."""
        record = self._records.get(sha256)
        if record is None:
            if not cpu_ms:
                return
            record = self._records[sha256] = _Record()
        self._spend(record, cpu_ms)
        if record.in_row or record.off:
            record.in_row = 0
            self._write()

    def failed(self, sha256: str, cpu_ms: float, why: str) -> None:
        """Count a failure; the fifth in a row switches the script off."""
        record = self._records.setdefault(sha256, _Record())
        record.in_row += 1
        self._spend(record, cpu_ms)
        if record.in_row >= FAILURES and not record.off:
            self._switch_off(record, f"it failed {record.in_row} times in a row, last: {why}")
        self._write()

    def attacked(self, sha256: str, why: str) -> None:
        """Switch a script off at once."""
        self._switch_off(self._records.setdefault(sha256, _Record()), f"it tried to break out: {why}")
        self._write()

    def _switch_off(self, record: _Record, why: str) -> None:
        record.off = why[:500]
        self.version += 1

    def _spend(self, record: _Record, cpu_ms: float) -> None:
        now = self._now()
        if record.spent and now - record.spent[-1][0] < 60:
            at, before = record.spent[-1]
            record.spent[-1] = (at, before + cpu_ms)
        else:
            record.spent = [*(each for each in record.spent if now - each[0] < CPU_WINDOW_S), (now, cpu_ms)]
        total = sum(each for _, each in record.spent)
        if total > CPU_S * 1000 and not record.off:
            self._switch_off(record, f"it used {total / 1000:.0f} s of CPU time within an hour")
            self._write()

    def close(self) -> None:
        """Write down what was only counted so far."""
        if any(record.spent for record in self._records.values()):
            self._write()

    def _take(self, stored: dict[str, Any]) -> None:
        self._good = {str(name): str(text) for name, text in stored["good"].items()}
        self._previous = {str(name): str(text) for name, text in stored["previous"].items()}
        for sha256, (in_row, off, spent) in stored["records"].items():
            pairs = [(float(at), float(ms)) for at, ms in spent]
            self._records[str(sha256)] = _Record(int(in_row), str(off), pairs)

    def _write(self) -> None:
        if self._path is None:
            return
        records = {sha256: (record.in_row, record.off, record.spent) for sha256, record in self._records.items()}
        text = json.dumps({"good": self._good, "previous": self._previous, "records": records})
        waiting = self._path.with_name(f"{self._path.name}.{threading.get_native_id()}")
        with contextlib.suppress(OSError):  # what cannot be remembered is judged anew by the next run
            self._path.parent.mkdir(parents=True, exist_ok=True)
            fd = os.open(waiting, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(fd, "w", encoding="utf-8") as file:
                file.write(text)
            waiting.replace(self._path)
