"""Long work for whoever waits before a page: a command in a process of its own, its lines, how far it has come.

Here: `Jobs`, which begins, looks at and ends them. Not here: the commands (`cli/`), what their lines mean (who asks),
beginning a process (`job_process.py`).
Invariant: a job is the command itself with `--json` and a list of arguments: what it prints is what a shell prints. It
has a limit of time, of memory and of lines, belongs to who began it, and dies with us.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import signal
import subprocess
import threading
from collections import OrderedDict, deque
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic
from typing import Any

from engine.desk import job_process
from engine.desk.job import Job, State
from engine.store.errors import NotFound, Refused

KEPT_S = 3600.0
"""How long a result is kept."""

MOST_KEPT, MOST_HELD = 100, 32_000_000
"""Results that are kept, and characters of all their lines; the newest one stays, however long it is."""

MOST_LINES, MOST_LINE, MOST_TEXT = 5_000, 200_000, 8_000_000
"""Lines of a job that are kept, characters of one and of all."""

MOST_WAITING = 20
"""Jobs that wait for others; whoever comes then is told to come again."""

MOST_AN_HOUR = 30
"""Jobs that one person begins in an hour."""

ENDS_S = 5.0
"""How long it is waited for a job that was ended."""

SAID = 4_000
"""Characters of what a command says beside its lines: the last ones are kept."""

HUSHED = "it could not be done; an admin is told why by  allegra rules check"

FOUND_NOTHING = 1
"""A command that ends with this has said what there is to say: there are findings, or nothing was found."""


@dataclass(slots=True)
class _Work:
    """A job and what is known of it; changed with the lock held."""

    id: str
    who: str
    kind: str
    key: str
    arguments: tuple[str, ...]
    folder: Path
    state: State = State.WAITS
    began_at: float = field(default_factory=monotonic)
    ended_at: float = 0.0
    done: int = 0
    of: int = 0
    lines: list[dict[str, Any]] = field(default_factory=list)
    said: deque[str] = field(default_factory=lambda: deque(maxlen=SAID))
    cut: bool = False
    size: int = 0
    process: subprocess.Popen[str] | None = None
    code: int = 0
    hushed: bool = False


class Jobs:
    """All jobs of an installation. Use it from any thread."""

    def __init__(self, config: Path, limit_s: float = 120.0, at_once: int = 2) -> None:
        self._config, self.limit_s, self.at_once = config, limit_s, at_once
        self._lock, self._works = threading.RLock(), OrderedDict[str, _Work]()
        self._begun: dict[str, deque[float]] = {}
        self._threads: set[threading.Thread] = set()
        self._closed, self._running = False, 0

    def begin(
        self, who: str, kind: str, arguments: Sequence[str], key: str = "", files: Mapping[str, str] | None = None, *,
        hushed: bool = False,
    ) -> Job:  # fmt: skip
        """Begin a command, or give the job of this person with the same kind and key that is done or under way.

        `{}/` at the beginning of an argument is a folder that only we read, in which the files are made with their
        texts. A newer job of a person and kind ends the older one. Of one that is `hushed` nothing is told but its
        lines: what a command says of why it fails may not be for who asks. Raises Refused where somebody begins too
        many, StoreError where the folder cannot be made.
        """
        with self._lock:
            self._forget()
            for work in reversed(self._works.values()) if key else ():
                if (work.who, work.kind, work.key) == (who, kind, key) and work.state in _USEFUL:
                    return _shown(work)
            self._count(who)
            for work in [each for each in self._works.values() if (each.who, each.kind) == (who, kind)]:
                self._end(work, State.STOPPED)
            folder = job_process.folder(files or {})
            told = tuple([f"{folder}{each[2:]}" if each.startswith("{}/") else each for each in arguments])
            work = _Work(secrets.token_hex(8), who, kind, key, told, folder, hushed=hushed)
            self._works[work.id] = work
            self._go_on()
            return _shown(work)

    def look(self, number: str, who: str) -> Job:
        """Give a job as it is now, to who began it. Raises NotFound for all others, and where it is kept no more."""
        with self._lock:
            return _shown(self._of(number, who))

    def finished(self, who: str, kind: str, key: str) -> Job | None:
        """Give the job of this person with this kind and key, if it is done and kept."""
        with self._lock:
            for work in reversed(self._works.values()):
                if (work.who, work.kind, work.key, work.state) == (who, kind, key, State.DONE):
                    return _shown(work)
        return None

    def stop(self, number: str, who: str) -> Job:
        """End a job. Raises NotFound."""
        with self._lock:
            work = self._of(number, who)
            self._end(work, State.STOPPED)
            return _shown(work)

    def close(self) -> None:
        """End all of them."""
        with self._lock:
            self._closed = True
            for work in self._works.values():
                self._end(work, State.STOPPED)
            threads = list(self._threads)
        for thread in threads:
            thread.join(ENDS_S)

    # ── with the lock held ────────────────────────────────────────────────────────────────────────────────────

    def _of(self, number: str, who: str) -> _Work:
        work = self._works.get(number)
        if work is None or work.who != who:
            raise NotFound("there is no such job, or its result is kept no more: begin it again")
        return work

    def _count(self, who: str) -> None:
        now, waiting = monotonic(), sum(each.state is State.WAITS for each in self._works.values())
        times = self._begun.setdefault(who, deque())
        while times and now - times[0] > KEPT_S:
            times.popleft()
        if self._closed or waiting >= MOST_WAITING or len(times) >= MOST_AN_HOUR:
            raise Refused("too much is being worked on: try again in a few minutes")
        times.append(now)

    def _forget(self) -> None:
        """Let go of results that are old, or too many."""
        now, over, size = monotonic(), [each for each in self._works.values() if each.ended_at], 0
        for number, work in enumerate(reversed(over)):
            size += work.size
            if now - work.ended_at > KEPT_S or number >= MOST_KEPT or (number and size > MOST_HELD):
                del self._works[work.id]

    def _end(self, work: _Work, state: State) -> None:
        if work.state in (State.WAITS, State.RUNS):
            waited, work.state, work.ended_at = work.state is State.WAITS, state, monotonic()
            _kill(work)
            if waited:
                shutil.rmtree(work.folder, ignore_errors=True)

    def _go_on(self) -> None:
        """Let the next ones run that wait."""
        for work in [each for each in self._works.values() if each.state is State.WAITS]:
            if self._running >= self.at_once or self._closed:
                return
            self._running += 1
            work.state, work.began_at = State.RUNS, monotonic()
            thread = threading.Thread(target=self._run, args=(work,), daemon=True, name=f"job {work.kind}")
            self._threads.add(thread)
            thread.start()

    # ── a thread of its own for each ──────────────────────────────────────────────────────────────────────────

    def _run(self, work: _Work) -> None:
        """Begin a job here, for it dies with the thread that began it, and wait until it ends."""
        code = 0
        try:
            with self._lock:
                if work.state is State.RUNS:
                    work.process = job_process.started(self._config, work.arguments, work.folder)
            if work.process is not None:
                code = self._followed(work, work.process)
        except (OSError, ValueError) as error:  # what no program can be told, such as a NUL
            work.said.extend(f"it cannot be begun: {getattr(error, 'strerror', None) or error}")
            code = -1
        finally:
            self._over(work, code)

    def _over(self, work: _Work, code: int) -> None:
        """Whatever came of it, another one may run now."""
        shutil.rmtree(work.folder, ignore_errors=True)
        with self._lock:
            self._running -= 1
            self._threads.discard(threading.current_thread())
            if work.state is State.RUNS:
                work.state = State.DONE if code in (0, FOUND_NOTHING) else State.FAILED
                work.code = code
                work.ended_at = monotonic()
            self._go_on()

    def _followed(self, work: _Work, process: subprocess.Popen[str]) -> int:
        """Read what a job prints until it ends; gives its exit code."""
        limit = threading.Timer(self.limit_s, self._too_long, (work,))
        beside = threading.Thread(target=self._read_beside, args=(work, process.stderr), daemon=True)
        limit.start()
        beside.start()
        with process:
            while line := process.stdout.readline(MOST_LINE) if process.stdout else "":
                self._take(work, line)
            beside.join()
        limit.cancel()
        return process.returncode

    def _too_long(self, work: _Work) -> None:
        with self._lock:
            self._end(work, State.TOO_LONG)

    def _read_beside(self, work: _Work, stream: Any) -> None:
        """What a command says beside its lines: how far it has come, and why it fails."""
        while line := stream.readline(MOST_LINE):
            told = _told(line)
            with self._lock:
                if told is not None and _is_number(told.get("progress")) and _is_number(told.get("of", 0)):
                    work.done, work.of = told["progress"], told.get("of", 0)
                else:
                    work.said.extend(line)

    def _take(self, work: _Work, line: str) -> None:
        told = _told(line)
        with self._lock:
            if told is None:
                work.said.extend(line)
            elif len(work.lines) < MOST_LINES and work.size < MOST_TEXT:
                work.lines.append(told)
                work.size += len(line)
            else:
                work.cut, work.lines[-1] = True, told  # the last one is the summary


_USEFUL = (State.WAITS, State.RUNS, State.DONE)


def _is_number(value: Any) -> bool:
    return isinstance(value, int)


def _kill(work: _Work) -> None:
    """End a job with all that it began."""
    if work.process is not None and work.process.poll() is None:
        with suppress(ProcessLookupError):
            os.killpg(work.process.pid, signal.SIGKILL)


def _told(line: str) -> dict[str, Any] | None:
    try:
        told = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return told if isinstance(told, dict) else None


def _shown(work: _Work) -> Job:
    said = "".join(work.said).strip() if work.state is State.FAILED or (work.code and not work.lines) else ""
    said = HUSHED if said and work.hushed else said
    lines = tuple(work.lines) if work.state in (State.DONE, State.FAILED) else ()
    took = (work.ended_at or monotonic()) - work.began_at
    return Job(work.id, work.kind, work.key, work.state, work.done, work.of, lines, said, work.cut, took, work.code)
