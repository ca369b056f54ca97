"""Stage 1: are the rules, hooks, templates and the workspace of this mailbox sound?

Here: a mail waits (DEFER) while what decides about it is broken, and the sentence says what to mend.
Not here: an `allegra.toml` that does not load; that ends the run before any stage. Scripts and parameters that are not
there do not: only decisions need them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar

from msgspec.structs import replace

from engine.gates import settled
from engine.model.draft import Decider, Draft, Verdict, Who, note
from engine.model.facts import Facts
from engine.model.mail import Mail
from rules.problem import Problem

if TYPE_CHECKING:
    from engine.lookups import Lookups


class ConfigStage:
    """Defer while something this mailbox needs does not load."""

    name: ClassVar[str] = "config"

    def __init__(self, broken: Mapping[str, tuple[Problem, ...]], missing: tuple[Problem, ...] = ()) -> None:
        """`broken` maps the name of a mailbox to the errors that stand in its way, `missing` stands in everybody's."""
        self._broken, self._missing = broken, missing

    def decide(self, mail: Mail, facts: Facts, draft: Draft, look: Lookups) -> Draft:
        problems = (*self._missing, *self._broken.get(facts.mailbox, ()))
        if not problems:
            return replace(draft, notes=(*draft.notes, _SOUND))
        first = problems[0]
        because = note("config.broken", place=first.place, message=first.message, more=len(problems) - 1)
        by = Decider(Who.STAGE, self.name, first.file, first.line)
        disposition, said = settled(Verdict.DEFER, "config.broken", because, by)
        return replace(draft, disposition=disposition, notes=(*draft.notes, said))


_SOUND = note("config.sound")
