"""The process scripts run in: load, raise the fences, compile, answer.

Here: the life of a worker, from its start to its last call. Not here: the fences (`jail.py`), a call (`runner.py`).
A worker compiles and never runs a script itself: a child of it does, which is cheap to replace (a fork, 2 ms).
Its first child runs the self-test: fences that kill our own code are noticed before a script is there to blame.
Invariant: nothing that a stranger wrote is read before the fences stand; nothing is loaded afterwards.
"""
# ruff: noqa: PTH123 - a worker does not load pathlib

from __future__ import annotations

import codecs
import gc
import json
import mmap
import os
import signal
import sys
import time
from collections.abc import Callable
from typing import Any, NoReturn

from hooks import compiling, frame, jail, kernel, limits, marks, modules, runner, selftest
from hooks.context import frozen
from hooks.fences import MANDATORY
from hooks.frame import EXIT_ATTACK, EXIT_CLOSED, EXIT_MEMORY, EXIT_RENEWED, EXIT_SIGNAL
from hooks.problem import ScriptProblem
from hooks.request import read_binding, read_call, write
from hooks.text import one_line

Compile = Callable[[str, str], tuple[Any, tuple[ScriptProblem, ...]]]


def main(compiled: Compile = compiling.compiled, scope: dict[str, Any] = compiling.GLOBALS) -> None:
    """Be a worker until the engine closes the pipe. `sys.argv[1]` holds the settings as JSON."""
    settings = json.loads(sys.argv[1])
    _prepare(settings)
    page = _page()
    rss_kb = _rss_kb()
    fences = jail.confine(
        settings["parent"], settings["memory_bytes"], settings["cpu_s"], frozenset(settings["without"])
    )
    missing = {name: one_line(why, 300) for name, why in fences.missing.items()}
    _say({"standing": fences.standing, "missing": missing, "rss_kb": rss_kb, "cpu_ms": _cpu_ms()})
    if (set(MANDATORY) & fences.missing.keys()) and not settings["reduced"]:
        os._exit(EXIT_CLOSED)
    try:
        _serve_one(_self_test(compiled, scope), 1, settings["cpu_s"])
        program = _bind(frame.receive(0, limits.REQUEST_BYTES), page, compiled, scope)
        gc.collect()
        gc.freeze()
        while True:
            _serve_one(program, settings["calls"], settings["cpu_s"])
    except frame.BrokenFrame:
        os._exit(EXIT_CLOSED)
    except BrokenPipeError:
        os._exit(EXIT_CLOSED)
    except MemoryError:
        os._exit(EXIT_MEMORY)


def _prepare(settings: dict[str, Any]) -> None:
    """Load everything a script may need, and silence everything that would write to a closed descriptor."""
    os.environ["TZ"] = "UTC0"
    time.tzset()
    time.localtime()
    for codec in ("ascii", "latin-1", "iso8859-15", "cp1252", "utf-8-sig"):
        codecs.lookup(codec)
    modules.load(set(settings["modules"]))
    sys.addaudithook(_keep_closed)
    sys.meta_path.clear()  # what is not loaded now cannot be: an import fails instead of opening a file
    sys.path.clear()
    sys.setrecursionlimit(limits.RECURSION)
    sys.stderr = None
    sys.unraisablehook = lambda *_: None
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)


_compiling: list[bool] = []


def _keep_closed(event: str, arguments: tuple[Any, ...]) -> None:
    """Keep the parser from opening the file of a script that has a syntax error, which would end the process."""
    if event == "open" and _compiling:
        raise PermissionError("closed")


def _page() -> marks.Page:
    """Map the page that tells the engine how a call goes on; the descriptor is closed with the others."""
    try:
        return marks.Page(mmap.mmap(3, marks.SIZE))
    except (OSError, ValueError):
        return marks.Page()


def _bind(body: bytes, page: marks.Page, compiled: Compile, scope: dict[str, Any]) -> runner.Program:
    """Compile the scripts this worker is for, and say what is wrong with them."""
    request = read_binding(body)
    _compiling.append(True)
    problems = []
    scripts = []
    for number, (name, hook, text) in enumerate(request.scripts):
        code, found = compiled(text, name)
        problems += [
            [number, each.code, one_line(each.message, 900), each.line, each.column, each.length, each.help[:400]]
            for each in found[:50]
        ]
        if code is not None:
            scripts.append(runner.Compiled(name, hook, code, scope))

    program = runner.Program(tuple(scripts), frozen(request.params), frozen(request.tables), page)
    _compiling.clear()
    _say({"nonce": request.nonce, "problems": problems[:100], "cpu_ms": _cpu_ms()})
    if problems:
        os._exit(EXIT_CLOSED)
    return program


def _self_test(compiled: Compile, scope: dict[str, Any]) -> runner.Program:
    """Compile the harmless scripts. They are ours, so what is wrong with them ends the worker."""
    scripts = []
    for name, hook, text in selftest.SCRIPTS:
        code, _ = compiled(text, name)
        if code is None:
            os._exit(EXIT_CLOSED)
        scripts.append(runner.Compiled(name, hook, code, scope))
    return runner.Program(tuple(scripts), frozen({}), frozen({}), marks.Page())


def _serve_one(program: runner.Program, calls: int, cpu_s: int) -> None:
    """Let a child serve until it has to be replaced: after so many calls or so much time.

    Where it ended in another way, after anything but success too, the worker ends: of the calls that wait in the pipe
    it answers none.
    """
    me = os.getpid()
    child = kernel.fork()
    if child == 0:
        jail.tighten(me, cpu_s)
        _answer_calls(program, calls)
    _, status = os.waitpid(child, 0)
    code = os.waitstatus_to_exitcode(status)
    if code != EXIT_RENEWED:
        os._exit(_passed_on(code))


def _passed_on(code: int) -> int:
    """Give the exit code that tells the engine how a child of this worker ended."""
    if code < 0:
        return EXIT_ATTACK if code == -signal.SIGSYS else EXIT_SIGNAL - code
    return code


def _answer_calls(program: runner.Program, calls: int) -> NoReturn:
    spent_ms = 0.0
    try:
        for _ in range(calls):
            reply = _answer(program, frame.receive(0, limits.REQUEST_BYTES))
            if reply["outcome"] != "ok":
                os._exit(EXIT_CLOSED)
            spent_ms += reply["cpu_ms"]
            if spent_ms > limits.SPENT_CPU_S * 1000:
                break
    except (frame.BrokenFrame, BrokenPipeError):
        os._exit(EXIT_CLOSED)
    except MemoryError:
        os._exit(EXIT_MEMORY)
    os._exit(EXIT_RENEWED)


def _answer(program: runner.Program, body: bytes) -> dict[str, Any]:
    """Answer one call."""
    request = read_call(body)
    reply = runner.answer(program, request)
    reply["nonce"] = request.nonce
    content = write(reply)
    if len(content) > limits.REPLY_BYTES:
        content = _too_long(reply)
    program.page.runs(-1)
    frame.send(1, content)
    return reply


def _too_long(reply: dict[str, Any]) -> bytes:
    """Give what is left of a reply that is too long: a failure, and what was said against the mail."""
    message = f"the script wants to say more than {limits.REPLY_BYTES >> 20} MB"
    error = {"type": "ValueError", "message": message, "line": 0, "column": 0, "length": 1}
    if reply["verdict"] == "accept" and reply["errors"]:
        reply.update(verdict="hold", reason=reply["errors"][0][1])
    reply.update(outcome="runtime-denied", error=error, changes={}, dropped=[], log=[], lines={})
    return write(reply)


def _say(message: dict[str, Any]) -> None:
    frame.send(1, write(message))


def _cpu_ms() -> float:
    return round(time.process_time() * 1000, 3)


def _rss_kb() -> int:
    """Give the memory this process holds; read before the fences, while there is a /proc."""
    with open("/proc/self/statm", "rb") as file:
        return int(file.read().split()[1]) * mmap.PAGESIZE >> 10
