"""One call: scripts run on one mail, and what they said as plain JSON values.

Here: the order of scripts, fresh globals, what a return value means, how a failure is described.
Not here: who asks (`worker.py`), fences, deadlines.
Invariant: `answer` always returns; two calls share nothing but compiled code and compiled patterns.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping
from types import CodeType, FrameType, TracebackType
from typing import Any

from hooks import guards, limits
from hooks.attributes import CLOCK
from hooks.context import Context, Table, Voice
from hooks.denied import Denied
from hooks.facade import signed
from hooks.item import Item
from hooks.mail import Mail
from hooks.marks import Page
from hooks.modules import bring
from hooks.names import BUILTINS, CALLABLE
from hooks.request import CallData
from hooks.text import as_text, kind_of, one_line

GUARD, ACTIVITY = "guard", "activity"


class Missing(Exception):
    """The script has no function of the right name and form; `code` says which of the two it lacks."""

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code


class GuardResult(Denied, TypeError):
    """A guard returned something that is no answer."""


class Listening:
    """Where `print` of the running call goes."""

    __slots__ = ("voice",)

    def __init__(self) -> None:
        self.voice = Voice(Page())


_LISTENING = Listening()


def _print(*values: Any, sep: Any = " ", end: Any = "\n", flush: Any = None) -> None:
    _LISTENING.voice.print(values, sep, end)


_PRINT = signed(_print, 'print(value, ..., sep=" ", end="\\n")')


class Compiled:
    """A script that compiled: its name, which hook it is, and its code. `calls` are those its source was given."""

    __slots__ = ("_code", "_scope", "_wanted", "hook", "name")

    def __init__(self, name: str, hook: str, code: CodeType, calls: Mapping[str, Any]) -> None:
        self.name = name
        self.hook = hook
        self._code = code
        self._wanted = 2 if hook == GUARD else 3
        self._scope: dict[str, Any] = {
            "__builtins__": {**BUILTINS, **calls, "__import__": bring, "print": _PRINT},
            "__name__": name,
        }

    def function(self) -> Callable[..., Any]:
        """Run the script from its top, with fresh globals, and give the function of the hook. Raises Missing."""
        scope: dict[str, Any] = self._scope.copy()
        exec(self._code, scope)  # noqa: S102 - made from source that the policy rewrote
        function: Any = scope.get(self.hook)
        if type(function) not in CALLABLE:
            raise Missing("H108", f"the script has no function {self.hook}({_arguments(self.hook)})")
        code = getattr(function, "__code__", None)
        if code is not None and code.co_argcount != self._wanted and not _takes(function, code, self._wanted):
            raise Missing("H109", f"{self.hook} must take ({_arguments(self.hook)})")
        made: Callable[..., Any] = function
        return made


class Program:
    """The scripts a worker is bound to, guards first, with their parameters. `page` is told how a call goes on."""

    __slots__ = ("page", "params", "scripts", "tables")

    def __init__(self, scripts: tuple[Compiled, ...], params: Table, tables: Table, page: Page) -> None:
        self.scripts = scripts
        self.params = params
        self.tables = tables
        self.page = page


class Call:
    """The state of one call."""

    __slots__ = ("context", "item", "lines", "mail", "program", "script", "starts_at", "voice")

    def __init__(self, program: Program, request: CallData) -> None:
        self.program = program
        self.script = -1
        self.starts_at = 0
        self.lines: dict[str, dict[int, int]] | None = {} if request.trace else None
        program.page.begin(request.nonce)
        self.voice = _LISTENING.voice = Voice(program.page)
        CLOCK.now = request.context.now
        self.mail = Mail(request.mail)
        self.item = Item(request.item)
        self.context = Context(self.voice, program.params, program.tables, request.context, request.item)

    def run(self) -> str:
        """Run the scripts in order; the first refusal ends the call. Gives the verdict."""
        for index, script in enumerate(self.program.scripts):
            self.script = index
            self.program.page.runs(index)
            self.starts_at = 0
            function = script.function()
            self.starts_at = getattr(getattr(function, "__code__", None), "co_firstlineno", 0)
            if script.hook == GUARD:
                verdict = self._verdict(function(self.mail, self.context))
                if verdict != "accept":
                    return verdict
            else:
                function(self.mail, self.item, self.context)
                if self.voice.refusal:
                    return self.voice.refusal
        return "accept"

    def probe(self) -> str:
        """Run every script from its top, without calling the function of its hook."""
        for index, script in enumerate(self.program.scripts):
            self.script = index
            self.program.page.runs(index)
            script.function()
        return "accept"

    def _verdict(self, returned: Any) -> str:
        if self.voice.refusal:
            return self.voice.refusal
        if returned is None or returned is True:
            return "accept"
        if returned is False:
            return "refuse"
        raise GuardResult(f"guard must return True, False or nothing, not {kind_of(returned)}")


def _arguments(hook: str) -> str:
    return "mail, ctx" if hook == GUARD else "mail, item, ctx"


def _takes(function: Any, code: CodeType, wanted: int) -> bool:
    """Tell whether a function can be called with so many arguments."""
    required = code.co_argcount - len(function.__defaults__ or ())
    keywords = code.co_kwonlyargcount - len(function.__kwdefaults__ or {})
    return required <= wanted and keywords == 0 and (wanted <= code.co_argcount or bool(code.co_flags & 0x04))


def answer(program: Program, request: CallData) -> dict[str, Any]:
    """Run one call. Never raises, except MemoryError when not even the answer fits."""
    started = time.process_time()
    guards.GENERATORS.reset()
    call: Call | None = None
    try:
        call = Call(program, request)
        if call.lines is not None:
            sys.settrace(_counter(call))
        verdict = call.probe() if request.probe else call.run()
        if call.mail.lacking is not None:
            raise call.mail.lacking  # whatever the script made of it
        if call.lines is not None:
            sys.settrace(None)
        call.voice.flush()
        reply = _said(call)
        reply["verdict"] = verdict
        reply["changes"] = call.item.changes()
    except BaseException as error:
        sys.settrace(None)
        reply = _failed(call, error)
    reply["cpu_ms"] = round((time.process_time() - started) * 1000, 3)
    return reply


def _said(call: Call) -> dict[str, Any]:
    voice = call.voice
    reply: dict[str, Any] = {
        "outcome": "ok",
        "verdict": "accept",
        "reason": voice.reason,
        "changes": {},
        "dropped": list(call.mail.dropped.items()),
        "errors": voice.errors,
        "log": voice.log,
        "script": call.script,
        "error": None,
        "lines": {},
    }
    if call.lines is not None:
        names = [script.name for script in call.program.scripts][:50]
        reply["lines"] = {
            name: {str(line): count for line, count in counts.items()}
            for name, counts in call.lines.items()
            if name in names
        }
    return reply


def _failed(call: Call | None, error: BaseException) -> dict[str, Any]:
    """Describe a failure: nothing that a script changed survives it, only its log and what it said against the mail."""
    if isinstance(error, MemoryError):
        error.__traceback__ = None
        outcome = "memory"
    else:
        outcome = "runtime-denied" if isinstance(error, Denied) else "runtime-error"
    place = {"line": 0, "column": 0, "length": 1}
    if call is not None and call.script >= 0 and error.__traceback__ is not None:
        place = _place(error.__traceback__, call.program.scripts[call.script].name)
        place["line"] = place["line"] or call.starts_at
    reply: dict[str, Any]
    if call is None:
        reply = {"errors": [], "log": [], "script": -1, "lines": {}}
    else:
        call.voice.flush()
        reply = _said(call)
    code = error.code if type(error) is Missing else ""
    reply["error"] = {"type": _type_name(error), "message": _message(error), "code": code, **place}
    error.__traceback__ = None
    verdict, reason = call.voice.against() if call is not None else ("", "")
    reply.update(outcome=outcome, verdict=verdict or "accept", reason=reason, changes={}, dropped=[])
    return reply


def _type_name(error: BaseException) -> str:
    for kind in type(error).__mro__:
        if kind.__module__ == "builtins":
            return kind.__name__
    return "Exception"


def _message(error: BaseException) -> str:
    try:
        text = str(error) if isinstance(error, (Missing, Denied)) and _is_plain(error) else as_text(error)
    except Exception:
        text = "(its message cannot be shown)"
    return one_line(" ".join(text.split()), limits.REASON_CHARS)


def _is_plain(error: BaseException) -> bool:
    return len(error.args) == 1 and type(error.args[0]) is str


def _place(traceback: TracebackType, name: str) -> dict[str, int]:
    """Find the innermost line of the script, with the column of what failed there."""
    found = {"line": 0, "column": 0, "length": 1}
    step: TracebackType | None = traceback
    while step is not None:
        code = step.tb_frame.f_code
        if code.co_filename == name:
            found = {"line": step.tb_lineno, "column": 0, "length": 1}
            if step.tb_lasti >= 0:
                for number, place in enumerate(code.co_positions()):
                    if number == step.tb_lasti // 2:
                        line, end_line, column, end_column = place
                        if line == step.tb_lineno and column is not None and end_column is not None:
                            length = end_column - column if end_line == line else 1
                            found.update(column=column + 1, length=max(length, 1))
                        break
        step = step.tb_next
    return found


def _counter(call: Call) -> Callable[[FrameType, str, Any], Any]:
    """Make a trace function that counts the lines each script runs."""
    lines = call.lines if call.lines is not None else {}
    names = {script.name for script in call.program.scripts}

    def trace(frame: FrameType, event: str, argument: Any) -> Any:
        name = frame.f_code.co_filename
        if name not in names:
            return None
        if event == "line":
            counts = lines.setdefault(name, {})
            counts[frame.f_lineno] = counts.get(frame.f_lineno, 0) + 1
        return trace

    return trace
