"""Stage 1: are the rules, hooks, templates and the workspace of this mailbox sound?

Here: a mail waits (DEFER) while what decides about it is broken, and the sentence says what to mend.
Not here: an `allegra.toml` that does not load; that ends the run before any stage.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar

from msgspec.structs import replace

from engine.model.draft import Decider, Disposition, Draft, Note, Verdict
from engine.model.facts import Facts
from engine.model.mail import Mail
from rules.problem import Problem

if TYPE_CHECKING:
    from engine.lookups import Lookups


class ConfigStage:
    """Defer while something this mailbox needs does not load."""

    name: ClassVar[str] = "config"

    def __init__(self, broken: Mapping[str, tuple[Problem, ...]]) -> None:
        """`broken` maps the name of a mailbox to the errors that stand in its way."""
        self._broken = broken

    def decide(self, mail: Mail, facts: Facts, draft: Draft, look: Lookups) -> Draft:
        problems = self._broken.get(facts.mailbox, ())
        if not problems:
            return replace(draft, notes=(*draft.notes, _SOUND))
        more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
        because = f"{problems[0].place}: {problems[0].message}{more}"
        by = Decider("stage", self.name, problems[0].file, problems[0].line)
        return replace(
            draft,
            disposition=Disposition(Verdict.DEFER, "config.broken", because, by),
            notes=(*draft.notes, Note(because, "stop", "config.broken")),
        )


_SOUND = Note("no problems")
