"""The configuration in force, for people: every option with its value and where that comes from.

Here: finding options. Not here: writing them down with secrets masked (`config/write.py`), looking whether they are
sound, which takes long (`workbench/checks.py`, by a job).
Invariant: read only, for admins, and no secret is in it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from engine.config import write
from engine.store.errors import NotFound

if TYPE_CHECKING:
    from engine.config import Config
    from engine.desk.scope import Scope

USUAL = "default"
"""Where a value comes from that nobody wrote."""


class Setting(Struct, frozen=True):
    """An option in force: its key, its value as TOML, and where that was written."""

    key: str
    value: str
    origin: str

    @property
    def section(self) -> str:
        """The table it stands in."""
        return self.key.rpartition(".")[0]


class Found(Struct, frozen=True):
    """Settings, and how many there are beside them that nobody wrote."""

    settings: tuple[Setting, ...]
    usual: int


def may(scope: Scope) -> bool:
    """Tell whether somebody may look at the configuration."""
    return scope.admin


def found(config: Config, scope: Scope, text: str = "", *, everything: bool = False) -> Found:
    """Find the options whose key, value or origin holds a text; without one, those that somebody wrote, or all.

    Raises NotFound for who is no admin.
    """
    if not may(scope):
        raise NotFound("there is no such page")
    every = [Setting(each.key, write.value_text(each.value), each.origin) for each in write.entries(config)]
    wanted = text.strip().casefold()
    if wanted:
        fits = tuple([each for each in every if wanted in f"{each.key} = {each.value} {each.origin}".casefold()])
        return Found(fits, 0)
    written = tuple([each for each in every if each.origin != USUAL])
    return Found(tuple(every), 0) if everything else Found(written, len(every) - len(written))
