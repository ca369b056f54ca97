"""What a failure of scripts means for a mail.

Here: outcomes of the sandbox and the codes they settle a mail with; `hooks.on_error`; what a release passes.
Not here: refusals of a guard, mistakes an activity script reports (`stages/`), tries and switching off (`scripts.py`).
Invariant: no failure lets a mail pass in silence: without `on_error = "continue"` it is held or rejected, with it a
note stands in the trace; an attack, a missing fence and a script that is switched off always hold.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.gates import passed, settled
from engine.model.answers import HookOutcome
from engine.model.draft import Decider, Disposition, Mark, Note, Verdict, Who, note
from engine.model.facts import Facts

if TYPE_CHECKING:
    from engine.config import Config
    from engine.model.answers import HookAnswer

_CODES = {
    HookOutcome.TIMEOUT: "hook.timeout",
    HookOutcome.MEMORY: "hook.memory",
    HookOutcome.SANDBOX_MISSING: "hook.sandbox_missing",
    HookOutcome.ATTACK: "hook.attack",
    HookOutcome.DISABLED: "hook.disabled",
}
_ALWAYS_HOLD = frozenset({"hook.sandbox_missing", "hook.attack", "hook.disabled"})
_KINDS = {
    HookOutcome.COMPILE_ERROR: "scripts.compile_error",
    HookOutcome.RUNTIME_ERROR: "scripts.failed",
    HookOutcome.RUNTIME_DENIED: "scripts.denied",
    HookOutcome.TIMEOUT: "scripts.timeout",
    HookOutcome.MEMORY: "scripts.memory",
    HookOutcome.KILLED: "scripts.killed",
    HookOutcome.ATTACK: "scripts.attack",
    HookOutcome.DISABLED: "scripts.disabled",
    HookOutcome.SANDBOX_MISSING: "scripts.sandbox_missing",
}


def failed(answer: HookAnswer) -> bool:
    """Tell whether scripts failed, as opposed to what they said."""
    return answer.outcome not in (HookOutcome.OK, HookOutcome.NONE)


def decider(config: Config, script: str, line: int = 0) -> Decider:
    """Name a script as the one who decided."""
    return Decider(Who.HOOK, script or "hooks", f"{config.hooks.directory.name}/{script}" if script else "", line)


def judged(answer: HookAnswer, facts: Facts, config: Config) -> tuple[Disposition | None, Note]:
    """Give what a failure does to the mail, None if the mail goes on, and the note that says so."""
    code = _CODES.get(answer.outcome, "hook.error")
    because = _said(answer)
    on_error = "hold" if code in _ALWAYS_HOLD else config.hooks.on_error
    if on_error == "continue":
        return None, note("scripts.continue", Mark.WARN, code, what=because)
    if on_error == "hold" and facts.released is not None:
        return None, passed(because, code, facts.released.by)
    verdict = Verdict.REJECT if on_error == "reject" else Verdict.HOLD
    return settled(verdict, code, because, decider(config, answer.script, answer.line))


def also(answer: HookAnswer) -> tuple[Note, ...]:
    """Give the note that scripts failed after they had refused the mail: the refusal stands."""
    if not failed(answer):
        return ()
    return (note("scripts.after", Mark.WARN, _CODES.get(answer.outcome, "hook.error"), what=_said(answer)),)


def _said(answer: HookAnswer) -> Note:
    kind = _KINDS.get(answer.outcome, "scripts.failed") if answer.script else "scripts.none_can_run"
    if answer.outcome == HookOutcome.ATTACK and not answer.script:
        kind = "scripts.attack"
    return note(kind, script=answer.script or "a script", error=answer.error_type, message=answer.message)


def remarks(answer: HookAnswer) -> tuple[Note, ...]:
    """Give the notes every run leaves: which scripts ran, what they logged, which fences were missing."""
    notes = []
    if answer.hashes:
        versions = tuple(f"{name} ({sha256[:12]})" for name, sha256 in answer.hashes)
        notes.append(note("scripts.ran", Mark.INFO, versions=versions))
    notes += [note("scripts.outdated", Mark.WARN, file=file, problem=problem) for file, problem in answer.outdated]
    if answer.missing:
        notes.append(note("scripts.reduced", Mark.WARN, fences=answer.missing))
    return (*notes, *(note("scripts.log", Mark.INFO, line=line) for line in answer.log[:LOG_LINES]))


LOG_LINES = 20
"""Lines of a script's log that the trace shows; the answer in the recording has them all."""
