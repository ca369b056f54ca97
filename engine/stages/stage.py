"""What a stage is.

Here: the protocol. Not here: any stage, or their order (`engine/decision/pipeline.py`).
Invariant: a stage returns a draft; it does not write, send, log or raise.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Protocol

if TYPE_CHECKING:
    from engine.lookups import Lookups
    from engine.model.draft import Draft
    from engine.model.facts import Facts
    from engine.model.mail import Mail


class Stage(Protocol):
    """One step of the decision: pure apart from what it asks `look`."""

    name: ClassVar[str]

    def decide(self, mail: Mail, facts: Facts, draft: Draft, look: Lookups) -> Draft:
        """Give a new draft; setting its disposition settles the mail."""
