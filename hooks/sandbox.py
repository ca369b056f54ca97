"""The sandbox: scripts in, what they said out.

Here: the pool of workers and when one is replaced. Not here: what is asked (`program.py`), one process (`process.py`),
retries, breakers and what a failure means for a mail (the engine decides that).
Invariant: `run` always comes back with a result, at the latest at the deadline plus the time to kill; no process that
did anything but succeed runs a script again.
"""

from __future__ import annotations

import contextlib
import math
import os
import threading
import time
import weakref
from dataclasses import dataclass, replace

from hooks import modules, outcome, protocol, selftest
from hooks.limits import COMPILE_TIMEOUT_S, REPLY_BYTES, SPENT_CPU_S, Limits
from hooks.process import Died, TimedOut, Worker
from hooks.program import Call as Call
from hooks.program import Program as Program
from hooks.program import Result as Result
from hooks.program import Script as Script
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


@dataclass(frozen=True, slots=True)
class Isolation:
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


class _Refused(Exception):
    """There is no worker for a program; carries the result that says why."""

    def __init__(self, result: Result) -> None:
        super().__init__(result.outcome)
        self.result = result


@dataclass(slots=True)
class _Bound:
    """A worker that is bound to a program; `cpu_ms` is what it used until then."""

    worker: Worker
    standing: tuple[str, ...]
    missing: tuple[tuple[str, str], ...]
    rss_kb: int
    cpu_ms: float


class Sandbox:
    """Runs programs in jailed workers; safe to use from several threads."""

    def __init__(self, limits: Limits = Limits(), isolation: Isolation = Isolation()) -> None:  # noqa: B008
        self.limits = limits
        self.isolation = isolation
        self._idle: dict[str, list[_Bound]] = {}
        self._spare: list[tuple[frozenset[str], Worker]] = []
        self._lock = threading.Lock()
        self._refusal = (0.0, Result("ok"))
        self._end = weakref.finalize(self, _end_all, os.getpid(), self._idle, self._spare)

    def run(self, call: Call) -> Result:
        """Run the scripts on one mail: one attempt."""
        began = time.perf_counter()
        try:
            bound = self._take(call.program)
        except _Refused as refused:
            return replace(refused.result, ms=_since(began))
        return self._ask(bound, call, began)

    def check(self, program: Program) -> Result:
        """Compile the scripts in a worker and run each from its top: ok, or what stands in the way."""
        return self.run(Call(program, "{}", '{"schema":{},"values":{}}', "{}", "probe"))

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

    def forget(self, program: Program) -> None:
        """End the idle workers of a program that is not used any more."""
        with self._lock:
            workers = self._idle.pop(program.key, [])
        for bound in workers:
            bound.worker.end(CLOSING_S)

    def close(self) -> None:
        """End all workers."""
        with self._lock:
            _end_all(os.getpid(), self._idle, self._spare)

    # ── workers

    def _take(self, program: Program) -> _Bound:
        """Give an idle worker of this program, else a new one. Raises _Refused."""
        until, refusal = self._refusal
        if time.monotonic() < until:
            raise _Refused(refusal)
        with self._lock:
            idle = self._idle.get(program.key)
            if idle:
                return idle.pop()
        try:
            return self._bind(self._unbound(_modules(program)), program)
        except (OSError, ModuleNotFoundError, AttributeError) as error:
            raise _Refused(Result("sandbox-missing", message=f"no worker could be started: {error}")) from None

    def _unbound(self, needed: frozenset[str]) -> Worker:
        with self._lock:
            for number, (loaded, worker) in enumerate(self._spare):
                if loaded == needed:
                    del self._spare[number]
                    return worker
        return self._start(needed)

    def _give_back(self, program: Program, bound: _Bound) -> None:
        """Keep a worker for the next call, unless too many are waiting."""
        with self._lock:
            self._idle.setdefault(program.key, []).append(bound)
            if sum(map(len, self._idle.values())) <= IDLE_WORKERS:
                return
            key = next(key for key, waiting in self._idle.items() if waiting)
            bound = self._idle[key].pop()
            if not self._idle[key]:
                del self._idle[key]
        bound.worker.end(CLOSING_S)

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

    def _bind(self, worker: Worker, program: Program) -> _Bound:
        """Wait for a worker, prove that it works, and give it its scripts. Raises _Refused; it is ended then."""
        hello = self._proved(worker)
        nonce = os.urandom(8).hex()
        scripts = [(script.name, script.hook, script.source) for script in program.scripts]
        missing = tuple(hello.missing.items())
        try:
            deadline = time.monotonic() + COMPILE_TIMEOUT_S
            body = protocol.write_binding(nonce, scripts, program.params, program.tables)
            answer = protocol.read_bound(worker.ask(body, REPLY_BYTES, deadline), nonce, len(scripts))
        except (TimedOut, Died, BadReply) as error:
            raise _Refused(outcome.failed(worker, error)) from None
        problems = tuple((number, each) for number in range(len(scripts)) for each in problems_of(answer, number))
        if problems:
            worker.end()
            number, first = problems[0]
            raise _Refused(
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
        return _Bound(worker, hello.standing, missing, hello.rss_kb, answer.cpu_ms)

    def _proved(self, worker: Worker) -> protocol.Hello:
        """Hear which fences of a worker stand, and let it run the self-test. Raises _Refused; it is ended then."""
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
        raise _Refused(result)

    def _ask(self, bound: _Bound, call: Call, began: float) -> Result:
        nonce = os.urandom(8).hex()
        body = protocol.write_call(nonce, call.mail, call.item, call.context, call.option)
        deadline = time.monotonic() + self.limits.timeout_s
        try:
            content = bound.worker.ask(body, REPLY_BYTES, deadline)
            reply = protocol.read_reply(content, nonce, call)
        except (TimedOut, Died, BadReply) as error:
            waited_ms, scripts = self.limits.timeout_s * 1000, len(call.program.scripts)
            result = outcome.failed(bound.worker, error, bound.cpu_ms, waited_ms, scripts)
            self._replaced(call.program)
            return replace(result, ms=_since(began), standing=bound.standing, missing=bound.missing)
        if reply.outcome == "ok" and self.isolation.mode == "worker":
            self._give_back(call.program, bound)
        else:  # ended by us: whether the process thinks that it has served enough is not asked
            bound.worker.end()
            self._replaced(call.program)
        return outcome.answered(reply, bound.standing, bound.missing, _since(began))

    def _replaced(self, program: Program) -> None:
        """Start a worker at once: the next mail is not to wait for it."""
        with contextlib.suppress(OSError):
            self.prepare(program)


def _end_all(owner: int, idle: dict[str, list[_Bound]], spare: list[tuple[frozenset[str], Worker]]) -> None:
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


def _since(began: float) -> float:
    return round((time.perf_counter() - began) * 1000, 3)
