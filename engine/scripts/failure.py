"""What a failure of scripts means for a mail.

Here: outcomes of the sandbox and the codes they settle a mail with; `hooks.on_error`; what a release passes.
Not here: refusals of a guard, mistakes an activity script reports (`stages/`), tries and switching off (`scripts.py`).
Invariant: no failure lets a mail pass in silence: without `on_error = "continue"` it is held or rejected, with it a
note stands in the trace; an attack, a missing fence and a script that is switched off always hold.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.model.draft import Decider, Disposition, Note, Verdict
from engine.model.facts import Facts

if TYPE_CHECKING:
    from engine.config import Config
    from engine.model.questions import HookAnswer

_CODES = {
    "timeout": "hook.timeout",
    "memory": "hook.memory",
    "sandbox-missing": "hook.sandbox_missing",
    "attack": "hook.attack",
    "disabled": "hook.disabled",
}
_ALWAYS_HOLD = frozenset({"hook.sandbox_missing", "hook.attack", "hook.disabled"})
_SENTENCES = {
    "compile-error": "does not compile",
    "runtime-error": "failed",
    "runtime-denied": "was stopped",
    "timeout": "took too long",
    "memory": "used too much memory",
    "killed": "was killed",
    "attack": "tried to break out and is switched off",
    "disabled": "is switched off",
    "sandbox-missing": "cannot run",
}


def failed(answer: HookAnswer) -> bool:
    """Tell whether scripts failed, as opposed to what they said."""
    return answer.outcome not in ("ok", "none")


def decider(config: Config, script: str, line: int = 0) -> Decider:
    """Name a script as the one who decided."""
    return Decider("hook", script or "hooks", f"{config.hooks.directory.name}/{script}" if script else "", line)


def judged(answer: HookAnswer, facts: Facts, config: Config) -> tuple[Disposition | None, Note]:
    """Give what a failure does to the mail, None if the mail goes on, and the note that says so."""
    code = _CODES.get(answer.outcome, "hook.error")
    message = f"{answer.error_type}: {answer.message}" if answer.error_type else answer.message
    subject = f"{answer.script} {_SENTENCES[answer.outcome]}" if answer.script else "scripts cannot run"
    because = f"{subject}: {message}" if message else subject
    on_error = "hold" if code in _ALWAYS_HOLD else config.hooks.on_error
    if on_error == "continue":
        return None, Note(f'{because}; hooks.on_error is "continue"', "warn", code)
    if on_error == "hold" and facts.released is not None:
        return None, Note(f"{because}; passed, because {facts.released.by} released it", "info", code)
    verdict = Verdict.REJECT if on_error == "reject" else Verdict.HOLD
    by = decider(config, answer.script, answer.line)
    return Disposition(verdict, code, because, by), Note(because, "stop", code)


def remarks(answer: HookAnswer, config: Config) -> tuple[Note, ...]:
    """Give the notes every run leaves: which scripts ran, what they logged, which fences were missing."""
    notes = []
    if answer.hashes:
        versions = ", ".join(f"{name} ({sha256[:12]})" for name, sha256 in answer.hashes)
        notes.append(Note(f"ran {versions}", "info"))
    if answer.missing:
        notes.append(Note(f"reduced isolation, without: {', '.join(answer.missing)}", "warn"))
    return (*notes, *(Note(f"log: {line}", "info") for line in answer.log[:LOG_LINES]))


LOG_LINES = 20
"""Lines of a script's log that the trace shows; the answer in the recording has them all."""
