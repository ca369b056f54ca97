"""Stage 5: does the subject let this mail in?

Here: the empty subject and the undesired patterns. Not here: what becomes of the subject (`draft`).
Invariant: what stage `bounce` is going to settle passes untouched, but for the undesired patterns: they are asked of an
automatic reply that answers no item (one that does becomes a note there). An answer with proof needs no subject.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from engine.gates import Findings, left_to_bounce
from engine.model.draft import Draft, Mark, note
from engine.model.facts import Facts
from engine.model.mail import Mail
from rules.pattern import encode

if TYPE_CHECKING:
    from engine.config import Config
    from engine.config import Gates as Options
    from engine.lookups import Lookups


class Subject:
    """Stop mail without a subject or with one that nobody wants."""

    name: ClassVar[str] = "subject"

    def __init__(self, config: Config) -> None:
        self._config = config

    def decide(self, mail: Mail, facts: Facts, draft: Draft, look: Lookups) -> Draft:
        options = self._config.settings(draft.workspace).gates
        found = Findings(self.name, facts, draft)
        subject = mail.subject.strip()
        if gate := left_to_bounce(facts, draft, options):
            if gate != "auto_reply" or facts.thread.item is not None or not _undesired(subject, options, found):
                found.note("gate.left", Mark.INFO, gate=gate)
        elif not subject:
            if facts.thread.proven and facts.thread.item is not None and not draft.start_new:
                found.note("subject.not_needed", Mark.INFO, item=facts.thread.item.id, way=facts.thread.by)
                return found.draft()
            return self._empty(options.empty_subject, options.default_title, found, draft)
        elif not _undesired(subject, options, found):
            found.note("subject.fine")
        return found.draft()

    def _empty(self, verb: str, default_title: str, found: Findings, draft: Draft) -> Draft:
        """F038: refuse (Allegra), or go on with a default title (iTop, Redmine)."""
        if verb == "default-title":
            found.note("subject.default_title", Mark.INFO, title=default_title)
            return found.draft(title=draft.title or default_title)
        found.trip("empty_subject", verb, "gate.empty_subject", note("subject.empty"))
        return found.draft()


def _undesired(subject: str, options: Options, found: Findings) -> bool:
    """Ask the patterns; tells whether one matched and said what comes of it."""
    encoded = encode(subject)
    pattern = next((each for each in options.undesired_subject_patterns if each.found_in(encoded)), None)
    if pattern is None:
        return False
    because = note("subject.undesired", subject=subject[:80], pattern=pattern.source)
    found.trip("undesired_subject", options.undesired_subject, "gate.undesired_subject", because)
    return True
