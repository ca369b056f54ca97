"""What a program that holds the engine adds to the rule language: fields of its own and actions of its own.

Here: frozen data, and the error for those that break. Not here: what is built in (`rulebook/`), the check of names
(`rulebook/extra.py`).
Invariant: a field and an action are pure: the same mail, the same facts, the same draft give the same result, for a
mail may be decided more than once.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from engine.model.draft import Decider, Draft
    from rules.schema import Field


class ExtraError(Exception):
    """A field or an action of a host broke, or did what it may not; the text is a sentence that names it."""


class RuleAction(Struct, frozen=True):
    """An action of a host: `do "name" with "text"`; the text is "" where the rule gives none.

    `perform` takes the draft as it stands in stage `route`, the text, and the rule that asks; it gives the draft to go
    on with. It may change what the actions of rules change (`MAY_CHANGE`) and nothing else.
    """

    name: str
    about: str
    perform: Callable[[Draft, str, Decider], Draft]


class Extra(Struct, frozen=True):
    """Words that a host adds to the rules of its desk."""

    fields: tuple[Field, ...] = ()
    actions: tuple[RuleAction, ...] = ()


MAY_CHANGE = (
    "fields", "assignee", "labels", "people", "cc_role", "drop_names", "hooks", "reply", "no_reply", "notifies",
)  # fmt: skip
"""What a host's action may change: any rule file may call it, so where the mail goes, what ends it and what only the
system file may do is not among it."""
