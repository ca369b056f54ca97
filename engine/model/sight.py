"""Which mails and items somebody may see, as data that a query can ask for.

Here: `Sight`, `ItemSight`, `ActSight`. Not here: who has which (`desk/scope.py`), the conditions of a query
(`store/sighted.py`, `store/item_query.py`, `store/event_query.py`). Invariant: what is not named is not seen; a mail
belongs to the workspace of its newest receipt, else to its mailbox, an item to its workspace.
"""

from __future__ import annotations

from msgspec import Struct


class Sight(Struct, frozen=True):
    """The mails of these workspaces, and those of none that came to these mailboxes; or `all`."""

    all: bool = False
    workspaces: frozenset[str] = frozenset()
    mailboxes: frozenset[str] = frozenset()

    def sees(self, mailbox: str, home: str) -> bool:
        """Tell whether a mail is seen; `home` is the workspace of its newest receipt, "" for none."""
        return self.all or (home in self.workspaces if home else mailbox in self.mailboxes)


ALL = Sight(all=True)
"""Everything: the command line, and admins."""


class ItemSight(Struct, frozen=True):
    """The items of these workspaces, and the private ones of `inside`; or `all`."""

    all: bool = False
    workspaces: frozenset[str] = frozenset()
    inside: frozenset[str] = frozenset()

    def sees(self, workspace: str, *, private: bool) -> bool:
        """Tell whether an item is seen."""
        return self.all or workspace in (self.workspaces & self.inside if private else self.workspaces)


class ActSight(Struct, frozen=True):
    """What people did in these workspaces, to a private item only in those of `inside`; or `all` that happened."""

    all: bool = False
    workspaces: frozenset[str] = frozenset()
    inside: frozenset[str] = frozenset()


EVERY_ACT = ActSight(all=True)
"""All that happened: the command line, and admins."""

EVERY_ITEM = ItemSight(all=True)
"""All items: the command line, and admins."""
