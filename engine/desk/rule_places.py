"""The rule files there are or may be, and who sees and saves each.

Here: `RulePlace`, by name or all that somebody sees. Not here: what stands in a file (`rule_reading.py`), saving one
(`rule_saving.py`).
Invariant: the file of all mail is saved by admins only: its rules decide about the mail of everybody.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

from engine.desk.scope import NOWHERE
from engine.rulebook.book import shown
from engine.store.errors import NotFound

if TYPE_CHECKING:
    from engine.config import Config
    from engine.desk.scope import Scope

SYSTEM = "system"
"""How the place of all mail is called in addresses and on the command line."""


class RulePlace(Struct, frozen=True):
    """Whose mail a file decides: `place` is a workspace, or "" for all mail; `file` is how people know it.

    `why_not` says why this person does not save it, "" where they may.
    """

    place: str
    file: str
    path: Path
    owner: str = ""
    why_not: str = ""

    @property
    def name(self) -> str:
        """How it is called."""
        return self.place or SYSTEM


def places(config: Config, scope: Scope) -> tuple[RulePlace, ...]:
    """The files that somebody sees, that of all mail first, then as the workspaces stand in the configuration."""
    every = (NOWHERE, *config.workspaces)
    return tuple([_place(config, scope, place) for place in every if scope.may("view_mail", place)])


def place(config: Config, scope: Scope, name: str) -> RulePlace:
    """Give the file of a workspace, or of all mail by the name `SYSTEM`. Raises NotFound, also where it is not seen."""
    for each in places(config, scope):
        if each.name == name:
            return each
    raise NotFound(f"there are no rules of {name!r} that you see")


def _place(config: Config, scope: Scope, place: str) -> RulePlace:
    section = config.workspaces[place] if place else config.system
    path = section.rules or config.rules.directory / f"{place or SYSTEM}.toml"
    return RulePlace(place, shown(config, path), path, section.owner, _why_not(config, scope, place))


def _why_not(config: Config, scope: Scope, place: str) -> str:
    who = config.console.edit_rules
    if who == "nobody":
        return 'rules are changed by those who have the files: edit_rules = "nobody" under [console]'
    if scope.admin:
        return ""
    if who == "admins":
        return 'rules are saved by admins: edit_rules = "admins" under [console]'
    if place == NOWHERE:
        return "the rules of all mail are saved by admins"
    return "" if scope.may("edit_rules", place) else f"nobody gave you edit_rules in {place}"
