"""Cores of their own for processes that share this machine's: each process gets at most a part of one.

Here: `Cores`. Not here: what the processes do. By the CPU controller of control groups, version 1, which root may
write to: a process that used up its part of `PERIOD_US` waits for the next one, whatever else the machine has to do. A
machine with as many cores as processes, each so much slower, does the same, but that its memory is slower too.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from types import TracebackType

CONTROLLER = Path("/sys/fs/cgroup/cpu")

PERIOD_US = 8_000


def missing() -> str:
    """Say why this machine cannot part its cores; "" where it can."""
    there = CONTROLLER / "cpu.cfs_quota_us"
    is_one = there.exists() or any(CONTROLLER.glob("*/cpu.cfs_quota_us"))
    return "" if is_one and os.access(CONTROLLER, os.W_OK) else "no CPU controller of control groups to write to"


class Cores:
    """Use it in a `with`, which ends after the processes in it did."""

    def __init__(self, part: float) -> None:
        self._quota, self._groups = int(PERIOD_US * part), list[Path]()

    def own(self, pid: int = 0) -> Path:
        """Give a process a core of its own, with all that it starts from now on; 0 makes an empty place."""
        group = CONTROLLER / f"allegra-bench-{os.getpid()}-{len(self._groups)}"
        group.mkdir()
        self._groups.append(group)
        (group / "cpu.cfs_period_us").write_text(str(PERIOD_US))
        (group / "cpu.cfs_quota_us").write_text(str(self._quota))
        if pid:
            (group / "cgroup.procs").write_text(str(pid))
        return group

    def __enter__(self) -> Cores:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for group in self._groups:
            for pid in (group / "cgroup.procs").read_text().split():
                with suppress(OSError):  # it ended meanwhile
                    (CONTROLLER / "cgroup.procs").write_text(pid)
            group.rmdir()
