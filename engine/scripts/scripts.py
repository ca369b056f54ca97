"""The scripts of `[hooks]`: from a question of a stage to the answer of the sandbox.

Here: which version of a script runs, when a call is tried again, when a script is switched off, what is logged.
Not here: the sandbox (`hooks/`), files and memory (`files.py`), what an answer means for a mail (`stages/`).
Invariant: `ask` always answers; whatever goes wrong is an outcome with a script, a line and a sentence.
"""

from __future__ import annotations

import operator
from dataclasses import replace
from typing import TYPE_CHECKING

import msgspec
from msgspec import Struct, structs

from engine.config.redacting import logger
from engine.model.answers import HookAnswer, HookOutcome, HookVerdict
from engine.model.questions import HookRequest
from engine.scripts.files import Files
from engine.scripts.ledger import Ledger
from engine.scripts.params import Params
from hooks.fences import MANDATORY
from hooks.limits import Limits
from hooks.sandbox import Call, Isolation, Program, Result, Sandbox, Script

if TYPE_CHECKING:
    from engine.config import Config

LEDGER = "hooks.json"
"""The file in `instance.state_dir` that remembers good versions and failures."""

_log = logger("allegra.hooks")
_security = logger("allegra.security")
_BROKEN = ("compile-error", "runtime-error", "runtime-denied", "timeout", "memory", "killed")
"""Outcomes of looking at a new version that leave the last good one in force."""


class _Unusable(Struct, frozen=True):
    """A script that cannot run, and the answer that says why."""

    answer: HookAnswer


class _Plan(Struct, frozen=True):
    """What a request runs: a program, then, if it lets the mail pass, an answer about what could not run."""

    program: Program | None
    otherwise: HookAnswer | None = None


class Scripts:
    """Answers the question `hooks` of a decision. Use it from any thread; `close` it at the end."""

    def __init__(self, config: Config, isolation: Isolation | None = None) -> None:
        hooks = config.hooks
        self._files = Files(hooks.directory)
        self._params = Params(hooks.params)
        self._ledger = Ledger(config.instance.state_dir / LEDGER)
        self._sandbox = Sandbox(
            Limits(hooks.timeout, hooks.memory),
            isolation or Isolation(hooks.isolation, hooks.allow_reduced_isolation),
        )
        self._sound: dict[str, Program] = {}
        self._broken: dict[tuple[str, str], HookAnswer] = {}
        self._plans: dict[tuple[tuple[str, ...], tuple[str, ...]], tuple[list[object], _Plan]] = {}

    def ask(self, request: HookRequest) -> HookAnswer:
        """Run the scripts of a request, guards first."""
        if not request.guard and not request.activity:
            return HookAnswer()
        try:
            plan = self._plan(request)
        except _Stop as stop:
            return stop.answer
        answer = HookAnswer(HookOutcome.OK) if plan.program is None else self._run(plan.program, request)
        passed = answer.outcome == HookOutcome.OK and answer.verdict == HookVerdict.ACCEPT
        return plan.otherwise if passed and plan.otherwise is not None else answer

    def close(self) -> None:
        """End the workers and write down what is remembered."""
        self._sandbox.close()
        self._ledger.close()

    def previous(self, name: str) -> str | None:
        """Give the source of the version that ran before the one in force."""
        return self._ledger.previous(name)

    # ── which version runs

    def _plan(self, request: HookRequest) -> _Plan:
        """Give what a request runs; made anew when a file changed or a script was switched off."""
        read = self._files.read
        key = request.guard, request.activity
        texts = self._params.read()
        state = [*map(read, request.guard), *map(read, request.activity), texts, self._ledger.version]
        known = self._plans.get(key)
        if known is not None and all(map(operator.is_, known[0], state)):
            return known[1]
        plan = self._planned(request, texts)
        state[-1] = self._ledger.version
        self._plans[key] = (state, plan)
        return plan

    def _planned(self, request: HookRequest, texts: tuple[str, str]) -> _Plan:
        """Choose a sound version of every script. Raises _Stop when no worker can look at them."""
        while True:
            guards = [self._version(name, "guard") for name in request.guard]
            activities = [self._version(name, "activity") for name in request.activity]
            if unusable := _first_unusable(guards):
                return _Plan(None, unusable)
            unusable = _first_unusable(activities)
            scripts = tuple(each for each in (*guards, *activities) if isinstance(each, Script))
            if unusable is not None:
                scripts = tuple(script for script in scripts if script.hook == "guard")
            if not scripts:
                return _Plan(None, unusable)
            program = Program(scripts, *texts)
            if program.key in self._sound:
                return _Plan(self._sound[program.key], unusable)
            result = self._sandbox.check(program)
            if result.outcome == "ok":
                self._accepted(program)
                return _Plan(program, unusable)
            if result.outcome not in _BROKEN or not 0 <= result.script < len(scripts):
                raise _Stop(self._failed(program, result))
            culprit, answer = scripts[result.script], self._answer(program, result)
            _log.warning("%s: %s (line %s)", culprit.name, answer.message, answer.line)
            self._broken[culprit.name, culprit.sha256] = answer

    def _version(self, name: str, hook: str) -> Script | _Unusable:
        """Give the version of a script that is to run: as it stands on disk, else the last good one."""
        loaded = self._files.read(name)
        if loaded.problem is None:
            script = Script(name, hook, loaded.text)
            if why := self._ledger.off(script.sha256):
                return _Unusable(HookAnswer(HookOutcome.DISABLED, script=name, hook=hook, message=why))
            failure = self._broken.get((name, script.sha256))
            if failure is None:
                return script
        else:
            problem = loaded.problem
            failure = HookAnswer(HookOutcome.COMPILE_ERROR, script=name, line=problem.line, message=problem.message)
        good = self._ledger.good(name)
        if good is not None:
            script = Script(name, hook, good)
            if (name, script.sha256) not in self._broken and not self._ledger.off(script.sha256):
                return script
        return _Unusable(structs.replace(failure, hook=hook))

    def _accepted(self, program: Program) -> None:
        """Remember a program that is sound; workers of those before it are not needed any more."""
        for old in list(self._sound.values())[:-4]:
            self._sandbox.forget(old)
            del self._sound[old.key]
        self._sound[program.key] = program
        for script in program.scripts:
            self._ledger.keep(script.name, script.source)

    # ── running

    def _run(self, program: Program, request: HookRequest) -> HookAnswer:
        call = Call(program, request.mail, request.item, request.context)
        result = self._sandbox.run(call)
        if result.outcome in _BROKEN and self._in_guard(program, result):
            again = self._sandbox.run(call)
            result = replace(again, ms=result.ms + again.ms, cpu_ms=result.cpu_ms + again.cpu_ms)
        if result.outcome != "ok":
            return self._failed(program, result)
        for _, sha256 in program.versions:
            self._ledger.succeeded(sha256, result.cpu_ms / len(program.versions))
        return self._answer(program, result)

    @staticmethod
    def _in_guard(program: Program, result: Result) -> bool:
        return result.script < 0 or program.scripts[result.script].hook == "guard"

    def _failed(self, program: Program, result: Result) -> HookAnswer:
        """Count a failure against its script."""
        answer = self._answer(program, result)
        culprit = program.scripts[result.script] if 0 <= result.script < len(program.scripts) else None
        if result.outcome == "attack":
            blamed = (culprit,) if culprit is not None else program.scripts
            for script in blamed:
                self._ledger.attacked(script.sha256, answer.message)
                _security.error("script %s (%s) switched off: %s", script.name, script.sha256[:12], answer.message)
        elif result.outcome != "sandbox-missing" and culprit is not None:
            self._ledger.failed(culprit.sha256, result.cpu_ms, answer.message)
            _log.warning("%s: %s: %s (line %s)", culprit.name, result.outcome, answer.message, answer.line)
        return answer

    def _answer(self, program: Program, result: Result) -> HookAnswer:
        """Say a result in the words of the engine."""
        said = result.outcome != "ok" or result.verdict != "accept" or result.errors
        script = program.scripts[result.script] if said and 0 <= result.script < len(program.scripts) else None
        return HookAnswer(
            outcome=HookOutcome(result.outcome),
            verdict=HookVerdict(result.verdict),
            reason=result.reason,
            script=script.name if script else "",
            hook=script.hook if script else "",
            line=result.line,
            error_type=result.error_type,
            message=result.message,
            changes=tuple((name, msgspec.json.encode(value).decode()) for name, value in result.changes),
            dropped=result.dropped,
            errors=tuple(f"{field}: {message}" if field else message for field, message in result.errors),
            log=result.log,
            hashes=program.versions,
            ms=result.ms,
            cpu_ms=result.cpu_ms,
            fences=result.standing,
            missing=tuple(name for name, _ in result.missing if name in MANDATORY) if result.missing else (),
        )


class _Stop(Exception):
    def __init__(self, answer: HookAnswer) -> None:
        super().__init__(answer.outcome)
        self.answer = answer


def _first_unusable(row: list[Script | _Unusable]) -> HookAnswer | None:
    return next((each.answer for each in row if isinstance(each, _Unusable)), None)
