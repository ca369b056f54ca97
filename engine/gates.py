"""Gates: a verb, what was found, and what comes of it.

Here: how a gate with one of the verbs off, warn, hold, reject, discard (and defer, for the scanner) settles a mail or
leaves a note, what `skip gate` and a release change about that, and which gate judges automatic mail.
Not here: the table of gates (`model/gates.py`), what a gate looks for (`stages/`), which verb applies (`config/`).
Invariant: a gate that trips leaves exactly one note with its input; hold is passed by a release, nothing else is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from engine.model.draft import PASSED, Decider, Disposition, Draft, Mark, Note, Said, Verdict, Who, note
from engine.model.facts import Auto, Facts
from engine.model.gates import GATES
from engine.wording.sentence import sentence

if TYPE_CHECKING:
    from engine.config import Gates as GateOptions

VERDICTS = {
    "hold": Verdict.HOLD,
    "reject": Verdict.REJECT,
    "discard": Verdict.DISCARD,
    "defer": Verdict.DEFER,
}
"""The verbs that settle a mail."""

JUDGES = {Auto(kind): gate.name for gate in GATES for kind in gate.judges}
"""Which gate judges which kind of automatic mail."""


class Findings:
    """What the gates of one stage found about one mail: notes, and the first verdict.

    Lives within one call of `decide`; a stage takes its new draft from `draft()`.
    """

    __slots__ = ("_before", "_facts", "_notes", "_stage", "disposition")

    def __init__(self, stage: str, facts: Facts, draft: Draft) -> None:
        self._stage = stage
        self._facts = facts
        self._before = draft
        self._notes = list(draft.notes)
        self.disposition: Disposition | None = None

    def note(self, kind: str, mark: Mark = Mark.OK, code: str = "", /, **fields: Said) -> None:
        """Add a line of why: a kind of `wording/english.py` and what it tells."""
        self._notes.append(Note(kind, mark, code, tuple(fields.items())))

    def add(self, *notes: Note) -> None:
        """Add lines of why that are made already."""
        self._notes += notes

    def skipped(self, gate: str) -> bool:
        """Tell whether a rule opened this gate for this mail; the note says which rule and why."""
        for skip in self._before.skips:
            if skip.gate == gate:
                self.note("gate.skipped", Mark.INFO, gate=gate, because=skip.because, by=described(skip.by))
                return True
        return False

    def trip(self, gate: str, verb: str, code: str, because: Note) -> bool:
        """Let a gate that found something say its verb; True when that settles the mail."""
        if verb == "off" or self.skipped(gate):
            return False
        return self._say(verb, code, because, Decider(Who.GATE, gate))

    def stop(self, verb: str, code: str, because: Note) -> bool:
        """Let the stage itself say a verb (a policy, not a gate): no rule can skip it, a release passes a hold."""
        return self._say(verb, code, because, Decider(Who.STAGE, self._stage))

    def settle(self, verdict: Verdict, code: str, because: Note) -> None:
        """Settle the mail whatever a release says: the stage cannot go on."""
        self.end(verdict, code, because, Decider(Who.STAGE, self._stage))

    def end(self, verdict: Verdict, code: str, because: Note, by: Decider) -> None:
        """Settle the mail as somebody else decided."""
        self.disposition, said = settled(verdict, code, because, by)
        self._notes.append(said)

    def draft(self, **changes: Any) -> Draft:
        """The new draft: these changes, the notes, and the verdict if there is one."""
        return replace(self._before, notes=tuple(self._notes), disposition=self.disposition, **changes)

    def _say(self, verb: str, code: str, because: Note, by: Decider) -> bool:
        verdict = VERDICTS.get(verb)
        if verdict is None:
            self._notes.append(marked(because, Mark.WARN, code))
            return False
        if verdict is Verdict.HOLD and self._facts.released is not None:
            self._notes.append(passed(because, code, self._facts.released.by))
            return False
        self.end(verdict, code, because, by)
        return True


def left_to_bounce(facts: Facts, draft: Draft, options: GateOptions) -> str:
    """Name the gate of stage `bounce` that will settle this mail, "" if none will.

    Reports and automatic replies come from addresses nobody knows; judged by the stages before, each would be held.
    """
    gate = JUDGES.get(facts.automatic.kind, "")
    if gate not in ("bounce", "auto_reply") or any(skip.gate == gate for skip in draft.skips):
        return ""
    verb: str = getattr(options, gate)
    if verb not in VERDICTS or (verb == "hold" and facts.released is not None):
        return ""
    return gate


def settled(verdict: Verdict, code: str, because: Note, by: Decider) -> tuple[Disposition, Note]:
    """Give a verdict with the sentence of a note, and the note as it stands in the trace."""
    return Disposition(verdict, code, sentence(because), by), marked(because, Mark.STOP, code)


def passed(because: Note, code: str, who: str, kind: str = PASSED) -> Note:
    """Say that something would hold the mail and does not, because somebody released it."""
    return note(kind, Mark.INFO, code, what=marked(because, Mark.STOP, code), who=who)


def marked(said: Note, mark: Mark, code: str) -> Note:
    """Give a note with this mark and code."""
    return Note(said.kind, mark, code, said.fields)


def described(by: Decider) -> Note:
    """Name who decided, with the place: `rule "Invoices", rules/system.toml:21`."""
    place = f"{by.file}:{by.line}" if by.line else by.file
    return note("decider", kind=by.kind, name=by.name, place=place)
