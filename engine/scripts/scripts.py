"""The scripts of `[hooks]`: from a question of a stage to the answer of the sandbox.

Here: which version of a script runs, when a call is tried again, what is logged.
Not here: the sandbox (`hooks/`), files (`files.py`), what is counted (`memory.py`), what an answer means for a mail
(`stages/`).
Invariant: `ask` always answers; whatever goes wrong is an outcome with a script, a line and a sentence. What was asked
leaves a trace only where the one who asks has a memory.
"""

from __future__ import annotations

import hashlib
import operator
import time
from typing import TYPE_CHECKING

import msgspec
from msgspec import Struct, structs

from engine.config.redacting import logger
from engine.model.answers import HookAnswer, HookOutcome, HookVerdict
from engine.model.hook_request import HookRequest
from engine.scripts.begun import Begun
from engine.scripts.files import Files
from engine.scripts.ledger import LEDGER, Ledger
from engine.scripts.memory import Occasion, content_of
from engine.scripts.params import Params
from engine.scripts.question import mail_of
from hooks.fences import MANDATORY
from hooks.limits import Limits
from hooks.sandbox import Call, Isolation, Pending, Program, Result, Sandbox, Script

if TYPE_CHECKING:
    from engine.config import Config
    from engine.scripts.memory import Memory

_log = logger("allegra.hooks")
_security = logger("allegra.security")
MOST_PLANS = 500

LOOK_S = 0.1
"""How long a script that was looked at stands while mails of a batch are begun with."""

_OUTCOMES = {each.value: each for each in HookOutcome}
_VERDICTS = {each.value: each for each in HookVerdict}
_BROKEN = ("compile-error", "runtime-error", "runtime-denied", "timeout", "memory", "killed")
"""Outcomes of looking at a new version that leave the last good one in force."""


class _Unusable(Struct, frozen=True):
    """A script that cannot run, and the answer that says why."""

    answer: HookAnswer


class _Plan(Struct, frozen=True):
    """What a request runs: a program, then, if it lets the mail pass, an answer about what could not run.

    `place` names parameters and fields, where a failure counts; `outdated` is what runs in its last good version.
    """

    program: Program | None
    otherwise: HookAnswer | None = None
    place: str = ""
    outdated: tuple[tuple[str, str], ...] = ()


class Scripts:
    """Answers the question `hooks` of a decision. Use it from any thread; `close` it at the end."""

    def __init__(self, config: Config, isolation: Isolation | None = None) -> None:
        hooks = config.hooks
        self.ledger = Ledger(config.instance.state_dir / LEDGER)
        self._files = Files(hooks.directory)
        self._params = Params(hooks.params)
        self._params_name = hooks.params.name if hooks.params else ""
        self._sandbox = Sandbox(
            Limits(hooks.timeout, hooks.memory),
            isolation or Isolation(hooks.isolation, hooks.allow_reduced_isolation),
        )
        self._sound: dict[str, Program] = {}
        self._broken: dict[tuple[str, str], HookAnswer] = {}
        self._fresh: dict[tuple[tuple[str, ...], tuple[str, ...], str], _Plan] = {}
        self._looked_at, self._seen_version = 0.0, self.ledger.version
        self._begun: Begun[_Plan] = Begun()
        self._plans: dict[tuple[tuple[str, ...], tuple[str, ...], str], tuple[list[object], _Plan]] = {}

    def begin(self, request: HookRequest) -> None:
        """Let the scripts of a request begin; `ask` waits for what they say. Nothing is noted of it."""
        if not request.guard and not request.activity:
            return
        if self.ledger.version != self._seen_version or time.monotonic() - self._looked_at > LOOK_S:
            self.ledger.refresh()
            self._looked_at, self._seen_version = time.monotonic(), self.ledger.version
            self._fresh.clear()
        key = request.guard, request.activity, request.fields
        plan = self._fresh.get(key)
        if plan is None:
            try:
                plan = self._fresh[key] = self._plan(request)
            except _Stop:  # `ask` finds it, too, and says what it means
                return
        if plan.program is None:
            return
        if not self._begun.holds(request):
            self._begun.put(request, plan, self._sandbox.begin(_call(plan.program, request)))

    def is_ready(self, request: HookRequest, wait_s: float) -> bool:
        """Tell whether `ask` need not wait for scripts that began, after waiting so long."""
        return self._begun.is_ready(request, wait_s)

    def ask(self, request: HookRequest, memory: Memory | None = None) -> HookAnswer:
        """Run the scripts of a request, guards first; what they did is noted where there is a `memory`."""
        if not request.guard and not request.activity:
            return HookAnswer()
        plan, begun = self._begun.take(request)
        if plan is None or self.ledger.version != self._seen_version:  # a script may have been switched off since
            before = plan
            self.ledger.refresh()
            try:
                plan = self._plan(request)
            except _Stop as stop:
                return self._failed(stop.program, stop.result, None, memory)
            begun = begun if plan == before else None
        answer = HookAnswer(HookOutcome.OK)
        if plan.program is not None:
            if memory is not None:
                memory.sound(plan.program)
            answer = self._run(plan.program, request, Occasion(plan.place, request.sender), memory, begun)
        passed = answer.outcome == HookOutcome.OK and answer.verdict == HookVerdict.ACCEPT
        if passed and plan.otherwise is not None:
            answer = plan.otherwise
        return structs.replace(answer, outdated=plan.outdated) if plan.outdated else answer

    def batch_over(self) -> None:
        """Forget what this thread began and did not ask about: of mails that broke on their way."""
        self._begun.clear()

    def close(self) -> None:
        """End the workers."""
        self._sandbox.close()

    # ── which version runs

    def _plan(self, request: HookRequest) -> _Plan:
        """Give what a request runs; made anew when a file changed or a script was switched off or on."""
        read = self._files.read
        key = request.guard, request.activity, request.fields
        texts = self._params.read() or self.ledger.state.params
        scripts = (*request.guard, *request.activity)
        state: list[object] = [*map(read, scripts), texts, self._params.problem, self.ledger.version]
        known = self._plans.get(key)
        if known is not None and all(map(operator.is_, known[0], state)):
            return known[1]
        if len(self._plans) >= MOST_PLANS:
            self._plans.clear()
        plan = self._unread(request) if texts is None else self._planned(request, texts)
        self._plans[key] = (state, plan)
        return plan

    def _unread(self, request: HookRequest) -> _Plan:
        """Nothing runs without its parameters: a list of what is refused would be empty."""
        problem, hook = self._params.problem, "guard" if request.guard else "activity"
        message, line = (problem.message, problem.line) if problem is not None else ("cannot be read", 0)
        return _Plan(
            None, HookAnswer(HookOutcome.COMPILE_ERROR, script=self._params_name, hook=hook, line=line, message=message)
        )

    def _planned(self, request: HookRequest, texts: tuple[str, str]) -> _Plan:
        """Choose a sound version of every script. Raises _Stop when no worker can look at them."""
        place = hashlib.sha256("\0".join((*texts, request.fields)).encode("utf-8", "replace")).hexdigest()[:16]
        while True:
            outdated: list[tuple[str, str]] = []
            if self._params.problem is not None:
                outdated.append((self._params_name, self._params.problem.message))
            guards = [self._version(name, "guard", place, outdated) for name in request.guard]
            activities = [self._version(name, "activity", place, outdated) for name in request.activity]
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
                return _Plan(self._sound[program.key], unusable, place, tuple(outdated))
            result = self._sandbox.check(program)
            if result.outcome == "ok":
                self._accepted(program)
                return _Plan(program, unusable, place, tuple(outdated))
            if result.outcome not in _BROKEN or not 0 <= result.script < len(scripts):
                raise _Stop(program, result)
            culprit, answer = scripts[result.script], self._answer(program, result)
            _log.warning("%s: %s (line %s)", culprit.name, answer.message, answer.line)
            self._broken[culprit.name, culprit.sha256] = answer

    def _version(self, name: str, hook: str, place: str, outdated: list[tuple[str, str]]) -> Script | _Unusable:
        """Give the version of a script that is to run: as it stands on disk, else the last good one."""
        loaded = self._files.read(name)
        if loaded.problem is None:
            script = Script(name, hook, loaded.text)
            if why := self.ledger.off(script.sha256, place):
                return _Unusable(HookAnswer(HookOutcome.DISABLED, script=name, hook=hook, message=why))
            failure = self._broken.get((name, script.sha256))
            if failure is None:
                return script
        else:
            problem = loaded.problem
            failure = HookAnswer(HookOutcome.COMPILE_ERROR, script=name, line=problem.line, message=problem.message)
        good = self.ledger.state.good.get(name)
        if good is not None:
            script = Script(name, hook, good)
            if (name, script.sha256) not in self._broken and not self.ledger.off(script.sha256, place):
                outdated.append((name, failure.message))
                return script
        return _Unusable(structs.replace(failure, hook=hook))

    def _accepted(self, program: Program) -> None:
        """Remember a program that is sound; workers of those before it are not needed any more."""
        for old in list(self._sound.values())[:-4]:
            self._sandbox.forget(old)
            del self._sound[old.key]
        self._sound[program.key] = program

    # ── running

    def _run(
        self, program: Program, request: HookRequest, occasion: Occasion, memory: Memory | None, begun: Pending | None
    ) -> HookAnswer:
        call = _call(program, request)
        result = begun.result() if begun is not None else self._sandbox.run(call)
        if result.outcome in _BROKEN and result.verdict == "accept" and self._in_guard(program, result):
            again = self._sandbox.run(call)
            result = structs.replace(again, ms=result.ms + again.ms, cpu_ms=result.cpu_ms + again.cpu_ms)
        if result.outcome != "ok":
            return self._failed(program, result, structs.replace(occasion, content=content_of(request)), memory)
        if memory is not None:
            memory.succeeded([sha256 for _, sha256 in program.versions], occasion, result.cpu_ms)
        return self._answer(program, result)

    @staticmethod
    def _in_guard(program: Program, result: Result) -> bool:
        return result.script < 0 or program.scripts[result.script].hook == "guard"

    def _failed(self, program: Program, result: Result, occasion: Occasion | None, memory: Memory | None) -> HookAnswer:
        """Say a failure, and count it against its script where there was a mail."""
        answer = self._answer(program, result)
        if memory is None:
            return answer
        culprit = program.scripts[result.script] if result.script >= 0 else None
        if result.outcome == "attack":
            memory.attacked([sha256 for _, sha256 in program.versions], answer.message)
            for name, sha256 in program.versions:
                _security.error("script %s (%s) switched off: %s", name, sha256[:12], answer.message)
        elif result.outcome != "sandbox-missing" and culprit is not None:
            if occasion is not None:
                memory.failed(culprit.sha256, occasion, result.cpu_ms, answer.message)
            _log.warning("%s: %s: %s (line %s)", culprit.name, result.outcome, answer.message, answer.line)
        return answer

    def _answer(self, program: Program, result: Result) -> HookAnswer:
        """Say a result in the words of the engine."""
        said = result.outcome != "ok" or result.verdict != "accept" or result.errors
        script = program.scripts[result.script] if said and result.script >= 0 else None
        return HookAnswer(
            outcome=_OUTCOMES[result.outcome],
            verdict=_VERDICTS[result.verdict],
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
    def __init__(self, program: Program, result: Result) -> None:
        super().__init__(result.outcome)
        self.program, self.result = program, result


def _first_unusable(row: list[Script | _Unusable]) -> HookAnswer | None:
    return next((each.answer for each in row if isinstance(each, _Unusable)), None)


def _call(program: Program, request: HookRequest) -> Call:
    """Say a request in the words of the sandbox, with what these scripts read of the mail."""
    return Call(program, mail_of(request, program.wanted), request.item, request.context, fields=request.fields)
