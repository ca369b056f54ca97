"""Gates: a verb, what was found, and what comes of it.

Here: how a gate with one of the verbs off, warn, hold, reject, discard (and defer, for the scanner) settles a mail or
leaves a note, what `skip gate` and a release change about that, and which gate judges automatic mail.
Not here: the table of gates (`model/gates.py`), what a gate looks for (`stages/`), which verb applies (`config/`).
Invariant: a gate that trips leaves exactly one note with its input; hold is passed by a release, nothing else is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from engine.model.draft import Decider, Disposition, Draft, Note, Verdict
from engine.model.facts import Auto, Facts
from engine.model.gates import GATES

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

    def note(self, text: str, mark: str = "ok", code: str = "") -> None:
        """Add a line of why."""
        self._notes.append(Note(text, mark, code))

    def skipped(self, gate: str) -> bool:
        """Tell whether a rule opened this gate for this mail; the note says which rule and why."""
        for skip in self._before.skips:
            if skip.gate == gate:
                self.note(f"gate {gate} skipped: {skip.because} (by {described(skip.by)})", "info")
                return True
        return False

    def trip(self, gate: str, verb: str, code: str, because: str) -> bool:
        """Let a gate that found something say its verb; True when that settles the mail."""
        if verb == "off" or self.skipped(gate):
            return False
        return self._say(verb, code, because, Decider("gate", gate))

    def stop(self, verb: str, code: str, because: str) -> bool:
        """Let the stage itself say a verb (a policy, not a gate): no rule can skip it, a release passes a hold."""
        return self._say(verb, code, because, Decider("stage", self._stage))

    def settle(self, verdict: Verdict, code: str, because: str) -> None:
        """Settle the mail whatever a release says: the stage cannot go on."""
        self.note(because, "stop", code)
        self.disposition = Disposition(verdict, code, because, Decider("stage", self._stage))

    def draft(self, **changes: Any) -> Draft:
        """The new draft: these changes, the notes, and the verdict if there is one."""
        return replace(self._before, notes=tuple(self._notes), disposition=self.disposition, **changes)

    def _say(self, verb: str, code: str, because: str, by: Decider) -> bool:
        verdict = VERDICTS.get(verb)
        if verdict is None:
            self.note(because, "warn", code)
            return False
        if verdict is Verdict.HOLD and self._facts.released is not None:
            self.note(f"{because}; passed, because {self._facts.released.by} released it", "info", code)
            return False
        self.note(because, "stop", code)
        self.disposition = Disposition(verdict, code, because, by)
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


def described(by: Decider) -> str:
    """Name who decided, with the place: `rule "Invoices", rules/system.toml:21`."""
    place = f", {by.file}:{by.line}" if by.file else ""
    return f'{by.kind} "{by.name}"{place}'


def sized(size_bytes: int) -> str:
    """Write a size for people: `812 B`, `4.2 kB`, `10 MB`; as in the configuration, 1 kB is 1024 bytes."""
    amount = float(size_bytes)
    for unit in ("B", "kB", "MB", "GB"):
        if amount < 1024 or unit == "GB":
            break
        amount /= 1024
    return f"{amount:.0f} {unit}" if amount >= 10 or unit == "B" else f"{amount:.1f} {unit}"
