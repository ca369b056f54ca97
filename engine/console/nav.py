"""The links to all pages, in the order in which they stand beside each one.

Here: `nav`. Not here: the pages (`pages/`), who may see what is on them (`desk/scope.py`). Invariant: a page that
somebody may not see is not named to them; a key leads to one page.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from msgspec import Struct

from engine.console.pages import playground, rules
from engine.desk import audit, hooks, settings
from engine.desk.waits import Waits, told

if TYPE_CHECKING:
    from engine.desk.scope import Scope


def _everybody(_: Scope) -> bool:
    return True


def _who_sees_mail(scope: Scope) -> bool:
    return scope.admin or bool(scope.sight.workspaces or scope.mailboxes)


class Link(Struct, frozen=True):
    """A page: its name, the view that shows it, and the key that leads there after `g`; "" for none.

    `beside` are other files of `pages/` whose pages belong to it, `counts` tells how much waits there.
    """

    name: str
    endpoint: str
    key: str = ""
    seen: Callable[[Scope], bool] = _everybody
    beside: tuple[str, ...] = ()
    counts: Callable[[Waits], int] | None = None

    def many(self, waits: Waits) -> str:
        """Say how much waits there, "" for nothing."""
        return told(self.counts(waits)) if self.counts is not None else ""

    def holds(self, endpoint: str) -> bool:
        """Tell whether a view is one of the pages behind this link."""
        room = endpoint.partition(".")[0]
        return room == self.endpoint.partition(".")[0] or room in self.beside


LINKS = (
    Link("Today", "today.front", "t"),
    Link("Mails", "mails.listed", "m", beside=("mail",)),
    Link("Held", "held.queue", "h", counts=lambda waits: waits.held),
    Link("Items", "items.listed", "i"),
    Link("Outbox", "outbox.listed", "o", counts=lambda waits: waits.letters),
    Link("Topics", "topics.listed"),
    Link("Rules", "rules.listed", "r", rules.seen, ("rule_edit",)),
    Link("Playground", "playground.one", "p", playground.seen),
    Link("Hooks", "hooks.listed", seen=hooks.may),
    Link("Mailboxes", "mailboxes.listed", "b", _who_sees_mail),
    Link("People", "people.listed", seen=_who_sees_mail),
    Link("Statistics", "stats.shown", "s"),
    Link("Settings", "settings.listed", seen=settings.may),
    Link("Audit", "audit.listed", seen=audit.may),
)
"""Every page that has a link: a new one is a row."""


def nav(scope: Scope) -> tuple[Link, ...]:
    """Give the pages that somebody may see."""
    return tuple(link for link in LINKS if link.seen(scope))
