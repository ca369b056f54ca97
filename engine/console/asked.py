"""What a view is given, and what it gives back.

Here: `Asked`, `Page`, numbers that were typed. Not here: views (`pages/`). Invariant: both are frozen; a view sees no
request.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, tzinfo
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar
from zoneinfo import ZoneInfo

from msgspec import Struct

from engine.desk.refusals import NotFound

if TYPE_CHECKING:
    from engine.config import Config
    from engine.desk.exporting import Table
    from engine.desk.installation import Engine, Installation, Store
    from engine.desk.job import Job
    from engine.desk.jobs import Jobs
    from engine.desk.scope import Scope
    from engine.model.desk import Account

T = TypeVar("T")


class Asked(Struct, frozen=True, dict=True):
    """Who asks what: the words of the address and of a form, a store to look into, what they may see and do."""

    installation: Installation
    store: Store
    account: Account
    scope: Scope
    args: Mapping[str, str]
    form: Any
    files: Any = None

    @property
    def config(self) -> Config:
        """The configuration in force."""
        return self.installation.config

    @property
    def jobs(self) -> Jobs:
        """Long work."""
        return self.installation.jobs

    def job(self, *kinds: str) -> Job | None:
        """The long work that the address or the form names, as it is now; None where it is none of these kinds."""
        number = self.args.get("job", "") or (self.form.get("job", "") if self.form else "")
        try:
            found = self.jobs.look(number, self.scope.reader)
        except NotFound:
            return None
        return found if found.kind in kinds else None

    @cached_property
    def zone(self) -> tzinfo:
        """The zone in which times are shown and days begin."""
        return ZoneInfo(self.config.instance.timezone)

    @cached_property
    def now(self) -> datetime:
        """When this was asked, in the zone of the instance."""
        return datetime.now(self.zone)

    def engine(self, what: Callable[[Engine], T]) -> T:
        """Let an engine do something."""
        return self.installation.ask(what)


class Page(Struct, frozen=True):
    """What came of it: a template with its data, the same for programs, and the command that prints it.

    `plain` may be a function, where it costs something to make. `table` gives all the rows that a list is a part of,
    `reads` says what of a mail or an item stands here that only some may read, "" for nothing.
    `happened` is told to the part of a page that asked for this one, to begin there what waits for it.
    """

    template: str
    title: str
    data: Mapping[str, Any]
    plain: Any
    command: str = ""
    status: int = 200
    table: Table | None = None
    reads: str = ""
    happened: str = ""


def number_in(text: str) -> int:
    """Read the number of a row or an item; 0 for what is none."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else 0
