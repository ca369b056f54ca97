"""The sandbox: scripts in, what they said out.

Here: calls under way, one behind the other on a worker, and what becomes of those behind one that failed. Not here:
workers (`pool.py`, `process.py`), what is asked (`program.py`), how a call ended (`outcome.py`), retries, breakers and
what a failure means for a mail (the engine decides that).
Invariant: a call that began always comes to a result, at the latest at its deadline plus the time to kill; of a process
that did anything but succeed no further answer is taken.
"""

from __future__ import annotations

import os
import threading
import time
import weakref
from collections import deque

from msgspec.structs import replace

from hooks import outcome, protocol
from hooks.limits import REPLY_BYTES, UNSENT_BYTES, Limits
from hooks.pool import IDLE_WORKERS, Bound, Pool, Refused
from hooks.pool import Isolation as Isolation
from hooks.process import Died, TimedOut
from hooks.program import Call as Call
from hooks.program import Program as Program
from hooks.program import Result as Result
from hooks.program import Script as Script
from hooks.protocol import BadReply

_CLOSED = Result("sandbox-missing", message="the sandbox was closed before the scripts had answered")


class Pending:
    """A call under way: `nonce` and the `end` of its frame are those of the worker that has it now."""

    __slots__ = ("_line", "began", "call", "done", "end", "nonce")

    def __init__(self, call: Call, line: _Line) -> None:
        self.call = call
        self.began = time.monotonic()
        self.nonce = ""
        self.end = 0
        self.done: Result | None = None
        self._line = line

    def result(self) -> Result:
        """Wait for what the scripts said."""
        return self.done or self._line.settled(self)

    def ready(self, wait_s: float) -> bool:
        """Wait so long at most; tell whether `result` need not wait for this call or for those before it."""
        return self.done is not None or self._line.ready(self, wait_s)


class Sandbox:
    """Runs programs in jailed workers; safe to use from several threads."""

    def __init__(self, limits: Limits = Limits(), isolation: Isolation = Isolation()) -> None:  # noqa: B008
        self.limits = limits
        self.isolation = isolation
        self._pool = Pool(limits, isolation)
        self._lines: dict[tuple[int, str], _Line] = {}
        self._end = weakref.finalize(self, _end_lines, os.getpid(), self._lines, False)

    def run(self, call: Call) -> Result:
        """Run the scripts on one mail: one attempt."""
        return self.begin(call).result()

    def begin(self, call: Call) -> Pending:
        """Send a call to the worker of its program and this thread, behind those it has, without waiting for it."""
        return self._line(call.program).begin(call)

    def check(self, program: Program) -> Result:
        """Compile the scripts in a worker and run each from its top: ok, or what stands in the way."""
        return self.run(Call(program, b"{}", b'{"schema":{},"values":{}}', b"{}", "probe"))

    def prepare(self, program: Program) -> None:
        """Start a worker that can serve this program, without waiting for it."""
        self._pool.prepare(program)

    def forget(self, program: Program) -> None:
        """End the idle workers of a program that is not used any more."""
        self._pool.forget(program)

    def close(self) -> None:
        """End all workers; calls under way end without an answer."""
        _end_lines(os.getpid(), self._lines, wait=True)
        self._pool.close()

    def _line(self, program: Program) -> _Line:
        """Give the line of a program in this thread; those that stand longest make room for a new one."""
        thread = threading.get_ident()
        line = self._lines.get((thread, program.key))
        if line is None:
            mine = [key for key in list(self._lines) if key[0] == thread]
            for key in mine[: 1 - IDLE_WORKERS]:
                self._lines.pop(key).finish()
            line = self._lines[thread, program.key] = _Line(self._pool, program)
        return line


class _Line:
    """Calls of one program that one worker answers in the order they began.

    `bound` is the worker that has them; without one they are asked, or asked anew, by whoever waits next. `since` is
    when it could begin with the first of them: all of it was sent, and the answer before it was read.
    """

    __slots__ = ("_bound", "_calls", "_lock", "_one_by_one", "_pool", "_program", "_read_at", "_since", "_timeout_s")

    def __init__(self, pool: Pool, program: Program) -> None:
        self._pool = pool
        self._program = program
        self._timeout_s = pool.limits.timeout_s
        self._one_by_one = pool.isolation.mode == "call"
        self._lock = threading.Lock()
        self._calls: deque[Pending] = deque()
        self._bound: Bound | None = None
        self._since: float | None = None
        self._read_at = 0.0

    def begin(self, call: Call) -> Pending:
        """Send a call; where too much waits to be sent, answers are awaited first."""
        pending, size = Pending(call, self), len(call.mail) + len(call.item)
        with self._lock:
            try:
                while self._bound is not None and self._calls and self._bound.worker.unsent + size > UNSENT_BYTES:
                    self._settle_first()
                self._calls.append(pending)
                if self._bound is None:
                    self._open()
                elif not self._one_by_one:
                    self._send(pending, self._bound)
                return pending
            except BaseException:  # a timer of the engine may strike anywhere; such a call has not begun
                self._leave()
                if pending in self._calls:
                    self._calls.remove(pending)
                raise

    def settled(self, pending: Pending) -> Result:
        """Wait for the answers up to that of this call."""
        with self._lock:
            try:
                while pending.done is None:
                    self._settle_first()
                return pending.done
            except BaseException:
                self._leave()
                raise

    def ready(self, pending: Pending, wait_s: float) -> bool:
        """Take in the answers that come within this time; tell whether that of this call is among them."""
        until = time.monotonic() + wait_s
        with self._lock:
            try:
                while pending.done is None:
                    left = until - time.monotonic()
                    if left <= 0 if self._bound is None else not self._bound.worker.speaks(max(0.0, left)):
                        return False
                    self._settle_first()
                return True
            except BaseException:
                self._leave()
                raise

    def finish(self) -> None:
        """Wait for the answers of all calls."""
        while self._calls:
            self._calls[-1].result()

    def close(self, wait: bool) -> None:
        """End the worker; no call is answered any more. A line that somebody works at is waited for, or left alone."""
        if not self._lock.acquire(wait):
            return
        self._leave()
        for pending in self._calls:
            pending.done = _CLOSED
        self._calls.clear()
        self._lock.release()

    # ── with the lock held

    def _open(self) -> None:
        """Take a worker and ask it what waits."""
        try:
            bound = self._bound = self._pool.take(self._program)
        except Refused as refused:
            for pending in self._calls:
                pending.done = replace(refused.result, ms=self._took(pending))
            self._calls.clear()
            return
        for pending in (self._calls[0],) if self._one_by_one else self._calls:
            self._send(pending, bound)

    def _send(self, pending: Pending, bound: Bound) -> None:
        call, worker = pending.call, bound.worker
        pending.nonce = os.urandom(8).hex()
        pending.end = worker.send(protocol.write_call(pending.nonce, call.mail, call.item, call.context, call.option))
        self._note_begin(bound)

    def _note_begin(self, bound: Bound) -> None:
        if self._since is None and bound.worker.sent >= self._calls[0].end:
            self._since = time.monotonic()

    def _deadline(self, bound: Bound) -> float:
        """Give until when the first answer is awaited. What came while nobody listened is not late, nor is its rest."""
        now = time.monotonic()
        if self._since is None:
            self._since = now
        late = now > self._since + self._timeout_s / 2
        return (now if late and bound.worker.speaks() else self._since) + self._timeout_s

    def _settle_first(self) -> None:
        """Wait for the first answer. After anything but success those behind it, which are innocent, have no worker."""
        bound = self._bound
        if bound is None:
            self._open()
            return
        pending = self._calls[0]
        try:
            content = bound.worker.receive(REPLY_BYTES, self._deadline(bound))
            reply = protocol.read_reply(content, pending.nonce, pending.call)
        except (TimedOut, Died, BadReply) as error:
            waited_ms, scripts = self._timeout_s * 1000, len(self._program.scripts)
            late = time.monotonic() > (self._since or 0.0) + self._timeout_s
            why = TimedOut() if late and isinstance(error, Died) and error.killed else error
            result = outcome.failed(bound.worker, why, bound.cpu_ms, waited_ms, scripts, pending.nonce)
            result = replace(result, standing=bound.standing, missing=bound.missing, ms=self._took(pending))
            serves = False
        else:
            result = outcome.answered(reply, bound.standing, bound.missing, self._took(pending))
            bound.cpu_ms += reply.cpu_ms
            serves = reply.outcome == "ok" and not self._one_by_one
        self._settle(pending, result, bound if serves else None)

    def _settle(self, pending: Pending, result: Result, bound: Bound | None) -> None:
        """Go on to the next call, with the worker if it serves on."""
        pending.done = result
        self._calls.popleft()
        if bound is None:  # ended by us: whether the process thinks that it has served enough is not asked
            self._leave()
            self._pool.replace(self._program)
            return
        self._since = None
        if self._calls:
            self._note_begin(bound)
        else:
            self._bound = None
            self._pool.give_back(self._program, bound)

    def _leave(self) -> None:
        """End the worker; what is under way is asked anew."""
        bound, self._bound, self._since = self._bound, None, None
        if bound is not None:
            bound.worker.end()

    def _took(self, pending: Pending) -> float:
        """Give the milliseconds a call took, without those that its worker spent on the one before it."""
        began, self._read_at = max(pending.began, self._read_at), time.monotonic()
        return round((self._read_at - began) * 1000, 3)


def _end_lines(owner: int, lines: dict[tuple[int, str], _Line], wait: bool) -> None:
    if owner == os.getpid():
        for line in list(lines.values()):
            line.close(wait)
    lines.clear()
