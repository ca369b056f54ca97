"""Processes that are started again and again, and somebody who kills them.

Here: `Runners`. Not here: what they run, what must be true afterwards.
"""

from __future__ import annotations

import random
import subprocess
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from itertools import cycle
from pathlib import Path

HOUR_LOG_S = (-0.9, 0.4)
"""When a process is killed, as powers of ten of a second: an eighth of a second to two and a half."""


class Runners:
    """Keeps `count` processes going, of the commands in turn, and kills each, unless it ends before its hour.

    `kills` counts those that struck one at work, by `is_at_work`, up to `enough`: then nobody is killed any more.
    `ends` counts exit codes; what a process said that ended with an unexpected one is in `said`.
    """

    def __init__(
        self,
        count: int,
        commands: Sequence[Sequence[str]],
        folder: Path,
        environ: dict[str, str],
        is_at_work: Callable[[Sequence[int]], bool],
        enough: int,
        seed: int,
    ) -> None:
        self._commands, self._folder, self._environ, self._enough = cycle(commands), folder, environ, enough
        self._is_at_work, self._chance = is_at_work, random.Random(seed)  # noqa: S311 - repeatable on purpose
        self._stop = threading.Event()
        self.kills, self.idle_kills, self.ends, self.said = 0, 0, Counter[int](), list[str]()
        self._threads = [threading.Thread(target=self._keep_going, daemon=True) for _ in range(count)]

    def start(self) -> None:
        """Begin."""
        for each in self._threads:
            each.start()

    def _keep_going(self) -> None:
        while not self._stop.is_set():
            command = next(self._commands)
            process = subprocess.Popen(
                command, cwd=self._folder, env=self._environ, text=True,
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            )  # fmt: skip
            hour = 10 ** self._chance.uniform(*HOUR_LOG_S) if self.kills < self._enough else None
            try:
                if hour is None and "worker" in command:  # it goes on until it is asked to end
                    self._stop.wait()
                    process.terminate()
                said, _ = process.communicate(timeout=hour)
            except subprocess.TimeoutExpired:
                family = _family(process.pid)
                process.kill()
                said, _ = process.communicate()
                if self._is_at_work(family):
                    self.kills += 1
                else:
                    self.idle_kills += 1
            self.ends[process.returncode] += 1
            if process.returncode not in (0, -9, 69, 75):
                self.said.append(said[-2000:])

    def end(self) -> None:
        """Let those that run end by themselves, and start no other."""
        self._stop.set()
        for each in self._threads:
            each.join(300)


def _family(pid: int) -> list[int]:
    """A process and those that it has started."""
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return [pid]
    return [pid, *map(int, children)]
