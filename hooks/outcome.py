"""How a worker answered or ended, as a result.

Here: which end of a process means what: an attack, too much time or memory, our own code at fault. Not here: asking
workers (`sandbox.py`), what a result means for a mail (the engine decides that).
Invariant: a script is named only where one ran; what our own code or the machine did is never called an attack.
"""

from __future__ import annotations

import signal

from msgspec.structs import replace

from hooks import marks, protocol, selftest
from hooks.fences import MANDATORY
from hooks.frame import EXIT_ATTACK, EXIT_MEMORY, EXIT_SIGNAL
from hooks.process import TimedOut, Worker
from hooks.program import Result
from hooks.protocol import BadReply


def lacking(hello: protocol.Hello) -> str:
    """Say which mandatory fences are missing, "" for none."""
    named = "; ".join(f"{name} ({why})" for name, why in hello.missing.items() if name in MANDATORY)
    return f"scripts do not run, because a fence is missing: {named}" if named else ""


def failed(
    worker: Worker,
    error: Exception,
    cpu_before_ms: float = 0.0,
    waited_ms: float = 0.0,
    scripts: int = 0,
    nonce: str = "",
) -> Result:
    """End a worker that failed and say how; the time it made us wait counts. `scripts` is how many it had, if any.

    What it noted counts if it is about the call of this `nonce`. A refusal of before stands beside the failure. An
    attack names no script: what the process noted is not believed, any of its scripts may have written it.
    """
    status = worker.end()
    cpu_ms = max(worker.cpu_s * 1000 - cpu_before_ms, 0.0)
    if isinstance(error, TimedOut):
        cpu_ms = max(cpu_ms, waited_ms)
    page = worker.page if marks.tells_of(worker.page, nonce) else bytes(marks.SIZE)
    try:
        result = _ended(status, error, marks.running(page, scripts), bound=scripts > 0)
        verdict, reason = marks.refusal(page)
    except marks.BadPage as wrong:
        return Result("attack", message=f"the worker noted what it cannot: {wrong}", cpu_ms=cpu_ms)
    if result.outcome in ("timeout", "memory", "killed") and verdict:
        return replace(result, verdict=verdict, reason=reason, cpu_ms=cpu_ms)
    return replace(result, cpu_ms=cpu_ms)


def _ended(status: int, error: Exception, script: int, bound: bool) -> Result:
    if isinstance(error, TimedOut):
        return Result("timeout", script=script, message="the time was over", error_type="TimeoutError")
    if isinstance(error, BadReply):
        return Result("attack", message=f"the worker sent {error}"[:1_000])
    if status == -signal.SIGSYS and bound:
        # The worker itself, which runs no script: what it does between two children is our own code.
        return Result("sandbox-missing", message=selftest.sentence("a fence killed our own code"))
    if status in (-signal.SIGSYS, EXIT_ATTACK):
        return Result("attack", message="a forbidden system call was tried")
    if status == EXIT_MEMORY:
        return Result("memory", script=script, message="out of memory", error_type="MemoryError")
    status = EXIT_SIGNAL - status if status > EXIT_SIGNAL else status
    how = f"signal {-status}" if status < 0 else f"exit code {status}"
    return Result("killed", script=script, message=f"the worker ended with {how}")


def answered(
    reply: protocol.Reply, standing: tuple[str, ...], missing: tuple[tuple[str, str], ...], ms: float
) -> Result:
    """Give what the scripts of a call said; `standing` and `missing` are the fences of the worker."""
    error = reply.error
    return Result(
        outcome=reply.outcome,
        verdict=reply.verdict,
        reason=reply.reason,
        changes=tuple(reply.changes.items()),
        dropped=reply.dropped,
        errors=reply.errors,
        log=reply.log,
        script=reply.script,
        error_type=error.type if error else "",
        message=error.message if error else "",
        code=error.code if error else "",
        line=error.line if error else 0,
        column=error.column if error else 0,
        length=error.length if error else 1,
        lines=tuple([(name, tuple(counts.items())) for name, counts in reply.lines.items()]) if reply.lines else (),
        ms=ms,
        cpu_ms=reply.cpu_ms,
        standing=standing,
        missing=missing,
    )
