"""The pool of workers: started, proved, bound to a program, kept for the next call.

Here: how a worker is set up and which one is taken. Not here: what it is asked (`sandbox.py`), one process
(`process.py`).
Invariant: a worker that is given out has passed the self-test and has the scripts of its program; one is kept only
after success.
"""

from __future__ import annotations

import contextlib
import math
import os
import threading
import time
import weakref

from msgspec import Struct

from hooks import modules, outcome, protocol, selftest
from hooks.limits import COMPILE_TIMEOUT_S, REPLY_BYTES, SPENT_CPU_S, Limits
from hooks.process import Died, TimedOut, Worker
from hooks.program import Call, Program, Result, Script
from hooks.protocol import BadReply, problems_of

IDLE_WORKERS, SPARE_WORKERS = 8, 2
"""How many bound workers may wait for the next call, and how many unbound ones for a program."""

CLOSING_S = 0.5
"""How long a worker that did nothing wrong may take to end by itself, so that its CPU time is counted."""

AGAIN_S = 30.0
"""Where hooks do not work at all, a new worker is not tried for each mail, only after this time."""


_SELF_TEST = Call(
    Program(tuple(Script(*each) for each in selftest.SCRIPTS)), selftest.MAIL, selftest.ITEM, selftest.CONTEXT
)


class Isolation(Struct, frozen=True):
    """How workers are set up.

    `mode` is worker (a process serves many calls) or call (one for each, ended by us). `reduced` lets a worker run
    although a mandatory fence is missing, `without` leaves fences out. `boot` and `path` start another program (tests
    do).
    """

    mode: str = "worker"
    reduced: bool = False
    without: frozenset[str] = frozenset()
    boot: str = ""
    path: tuple[str, ...] = ()


class Refused(Exception):
    """There is no worker for a program; carries the result that says why."""

    def __init__(self, result: Result) -> None:
        super().__init__(result.outcome)
        self.result = result


class Bound(Struct):
    """A worker that is bound to a program; `cpu_ms` is what it used until the call that it works at."""

    worker: Worker
    standing: tuple[str, ...]
    missing: tuple[tuple[str, str], ...]
    rss_kb: int
    cpu_ms: float


class Pool:
    """Workers for programs; safe to use from several threads."""

    def __init__(self, limits: Limits, isolation: Isolation) -> None:
        self.limits = limits
        self.isolation = isolation
        self.idle: dict[str, list[Bound]] = {}
        self._spare: list[tuple[frozenset[str], Worker]] = []
        self._lock = threading.Lock()
        self._refusal = (0.0, Result("ok"))
        self._end = weakref.finalize(self, _end_all, os.getpid(), self.idle, self._spare)

    def take(self, program: Program) -> Bound:
        """Give an idle worker of this program, else a new one. Raises Refused."""
        until, refusal = self._refusal
        if time.monotonic() < until:
            raise Refused(refusal)
        with self._lock:
            idle = self.idle.get(program.key)
            if idle:
                return idle.pop()
        try:
            worker = self._unbound(_modules(program))
            try:
                return self._bind(worker, program)
            except BaseException:  # a timer of the engine may strike while it waits
                worker.end()
                raise
        except (OSError, ModuleNotFoundError, AttributeError) as error:
            raise Refused(Result("sandbox-missing", message=f"no worker could be started: {error}")) from None

    def give_back(self, program: Program, bound: Bound) -> None:
        """Keep a worker for the next call, unless too many are waiting."""
        with self._lock:
            self.idle.setdefault(program.key, []).append(bound)
            if sum(map(len, self.idle.values())) <= IDLE_WORKERS:
                return
            key = next(key for key, waiting in self.idle.items() if waiting)
            bound = self.idle[key].pop()
            if not self.idle[key]:
                del self.idle[key]
        bound.worker.end(CLOSING_S)

    def prepare(self, program: Program) -> None:
        """Start a worker that can serve this program, without waiting for it."""
        needed = _modules(program)
        with self._lock:
            if any(loaded == needed for loaded, _ in self._spare):
                return
        worker = self._start(needed)
        with self._lock:
            self._spare.append((needed, worker))
            superfluous = self._spare[:-SPARE_WORKERS]
            del self._spare[:-SPARE_WORKERS]
        for _, each in superfluous:
            each.end()

    def replace(self, program: Program) -> None:
        """Start a worker at once in the place of one that ended: the next mail is not to wait for it."""
        with contextlib.suppress(OSError):
            self.prepare(program)

    def forget(self, program: Program) -> None:
        """End the idle workers of a program that is not used any more."""
        with self._lock:
            workers = self.idle.pop(program.key, [])
        for bound in workers:
            bound.worker.end(CLOSING_S)

    def close(self) -> None:
        """End all workers that nobody has taken."""
        with self._lock:
            _end_all(os.getpid(), self.idle, self._spare)

    # ── a new worker

    def _unbound(self, needed: frozenset[str]) -> Worker:
        with self._lock:
            for number, (loaded, worker) in enumerate(self._spare):
                if loaded == needed:
                    del self._spare[number]
                    return worker
        return self._start(needed)

    def _start(self, needed: frozenset[str]) -> Worker:
        settings = {
            "modules": sorted(needed),
            "memory_bytes": self.limits.memory_bytes,
            "cpu_s": math.ceil(SPENT_CPU_S + self.limits.timeout_s),
            "without": sorted(self.isolation.without),
            "reduced": self.isolation.reduced,
            "calls": self.limits.calls,
        }
        return Worker(settings, self.isolation.boot, self.isolation.path)

    def _bind(self, worker: Worker, program: Program) -> Bound:
        """Wait for a worker, prove that it works, and give it its scripts. Raises Refused; it is ended then."""
        hello = self._proved(worker)
        nonce = os.urandom(8).hex()
        scripts = [(script.name, script.hook, script.source) for script in program.scripts]
        missing = tuple(hello.missing.items())
        try:
            deadline = time.monotonic() + COMPILE_TIMEOUT_S
            body = protocol.write_binding(nonce, scripts, program.params, program.tables)
            answer = protocol.read_bound(worker.ask(body, REPLY_BYTES, deadline), nonce, len(scripts))
        except (TimedOut, Died, BadReply) as error:
            raise Refused(outcome.failed(worker, error)) from None
        problems = tuple((number, each) for number in range(len(scripts)) for each in problems_of(answer, number))
        if problems:
            worker.end()
            number, first = problems[0]
            raise Refused(
                Result(
                    "compile-error",
                    script=number,
                    error_type="SyntaxError",
                    message=first.message,
                    line=first.line,
                    column=first.column,
                    length=first.length,
                    problems=problems,
                    standing=hello.standing,
                    missing=missing,
                )
            )
        return Bound(worker, hello.standing, missing, hello.rss_kb, answer.cpu_ms)

    def _proved(self, worker: Worker) -> protocol.Hello:
        """Hear which fences of a worker stand, and let it run the self-test. Raises Refused; it is ended then."""
        deadline = time.monotonic() + self.limits.start_timeout_s
        hello = None
        try:
            hello = protocol.read_hello(worker.ask(None, REPLY_BYTES, deadline))
            why = "" if self.isolation.reduced else outcome.lacking(hello)
            if not why:
                nonce = os.urandom(8).hex()
                body = protocol.write_call(nonce, selftest.MAIL, selftest.ITEM, selftest.CONTEXT)
                reply = protocol.read_reply(worker.ask(body, REPLY_BYTES, deadline), nonce, _SELF_TEST)
                if (reply.outcome, reply.verdict, reply.changes) == ("ok", "accept", selftest.CHANGES):
                    return hello
                said = f": {reply.error.type}: {reply.error.message}" if reply.error else ""
                why = selftest.sentence(f"the self-test was answered with {reply.outcome}, {reply.verdict}{said}")
            worker.end()
        except (TimedOut, Died, BadReply) as error:
            failed = outcome.failed(worker, error)
            doing = "the start of a worker" if hello is None else "the harmless script of the self-test"
            why = selftest.sentence(f"{doing} failed, {failed.message}")
        standing, missing = (hello.standing, tuple(hello.missing.items())) if hello is not None else ((), ())
        result = Result("sandbox-missing", message=why[:1_000], standing=standing, missing=missing)
        self._refusal = (time.monotonic() + AGAIN_S, result)
        raise Refused(result)


def _end_all(owner: int, idle: dict[str, list[Bound]], spare: list[tuple[frozenset[str], Worker]]) -> None:
    if owner == os.getpid():
        for bounds in idle.values():
            for bound in bounds:
                bound.worker.end(CLOSING_S)
        for _, worker in spare:
            worker.end()
    idle.clear()
    spare.clear()


def _modules(program: Program) -> frozenset[str]:
    """Name the modules a worker has to load for these scripts."""
    return frozenset().union(*[modules.mentioned(script.source) for script in program.scripts])
