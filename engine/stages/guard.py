"""Stage 8: may this mail in? The guard scripts decide.

Here: asking them, and what their verdict does: `ctx.reject`, `ctx.hold`, False alone (`hooks.on_refusal`); their
errors, where no activity script follows that would hold the mail for them.
Not here: running them (`scripts/scripts.py`, `hooks/`), failures (`scripts/failure.py`), changes to the item
(`activity`).
Invariant: the activity scripts run in the same round trip; this stage looks only at what the guards said.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from msgspec.structs import replace

from engine.gates import passed, settled
from engine.model.answers import HookOutcome, HookVerdict
from engine.model.draft import Disposition, Draft, Note, Verdict, note
from engine.model.facts import Facts
from engine.model.mail import Mail
from engine.model.questions import HooksSay
from engine.scripts.failure import also, decider, failed, judged, remarks
from engine.scripts.question import asked

if TYPE_CHECKING:
    from engine.config import Config
    from engine.lookups import Lookups
    from engine.model.answers import HookAnswer

_VERDICTS = {
    "reject": (Verdict.REJECT, "hook.guard_reject"),
    "hold": (Verdict.HOLD, "hook.guard_hold"),
    "discard": (Verdict.DISCARD, "hook.guard_discard"),
}


class Guard:
    """Let the guard scripts refuse the mail."""

    name: ClassVar[str] = "guard"

    def __init__(self, config: Config) -> None:
        self._config = config

    def ahead(self, mail: Mail, facts: Facts, draft: Draft, look: Lookups) -> Draft:
        """Let the scripts of this stage and the next begin; gives the draft that goes on, with the question in it."""
        draft = asked(self._config, mail, facts, draft, look)
        if draft.asked is not None:
            look.foresee(HooksSay(draft.asked))
        return draft

    def decide(self, mail: Mail, facts: Facts, draft: Draft, look: Lookups) -> Draft:
        if not self._config.hooks.guard:
            return draft
        draft = asked(self._config, mail, facts, draft, look)
        question = draft.asked
        assert question is not None  # noqa: S101 - there are scripts to ask
        answer = look.ask(HooksSay(question))
        if answer.outcome == HookOutcome.NONE:
            return draft
        notes = (*draft.notes, *remarks(answer))
        if failed(answer) and answer.verdict == HookVerdict.ACCEPT:
            if answer.hook == "activity":
                return replace(draft, notes=(*draft.notes, note("guard.passed")))
            disposition, said = judged(answer, facts, self._config)
            return replace(draft, disposition=disposition, notes=(*notes, said))
        because = note("scripts.says", reason=answer.reason, script=answer.script)
        if answer.verdict == HookVerdict.ACCEPT and answer.errors and not question.activity:
            answer = replace(answer, verdict=HookVerdict.HOLD)
            because = note("guard.errors", problems=answer.errors[:5])
        if answer.verdict == HookVerdict.ACCEPT or answer.hook == "activity":
            return replace(draft, notes=(*notes, note("guard.passed")))
        disposition, said = self._refused(answer, because, facts)
        return replace(draft, disposition=disposition, notes=(*notes, said, *also(answer)))

    def _refused(self, answer: HookAnswer, because: Note, facts: Facts) -> tuple[Disposition | None, Note]:
        refuses = answer.verdict == HookVerdict.REFUSE
        verdict, code = _VERDICTS[self._config.hooks.on_refusal if refuses else answer.verdict]
        if verdict is Verdict.HOLD and facts.released is not None:
            return None, passed(because, code, facts.released.by)
        return settled(verdict, code, because, decider(self._config, answer.script))
