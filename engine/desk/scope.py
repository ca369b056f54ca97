"""Who may see and do what: everything that one person may, as one object.

Here: `Scope`, made of roles, owners and the configuration. Not here: the words that roles have
(`store/permissions.py`), what is asked of the database with it (`model/sight.py`), who may act on an item (`items.py`).
Invariant: what nobody gave is not permitted; only who uses their account may anything, and admins everything.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Self

from msgspec import Struct

from engine.model.addresses import bare, key_of
from engine.model.desk import Account, AccountStatus
from engine.model.sight import ALL, EVERY_ITEM, ItemSight, Sight
from engine.store.permissions import OF_MAIL

if TYPE_CHECKING:
    from engine.config import Config
    from engine.model.stored import MailRow
    from engine.store.store import Store

NOWHERE = ""
"""In place of a workspace: mail that belongs to none. The rules of all mail are no part of it: those are for admins."""


class Scope(Struct, frozen=True, dict=True):
    """What somebody may: of each permission the workspaces where they have it, `NOWHERE` for mail that belongs to none.

    `places` says of each mailbox of the configuration to which workspace it belongs, the system's to `NOWHERE`;
    `owned` are the workspaces whose owner they are.
    """

    login: str
    admin: bool = False
    workspaces: Mapping[str, frozenset[str]] = {}
    places: Mapping[str, str] = {}
    owned: frozenset[str] = frozenset()

    @classmethod
    def of(cls, store: Store, config: Config, account: Account) -> Self:
        """Give what somebody may as things are now."""
        places = {box.name: box.workspace for box in config.mailboxes}
        if account.status != AccountStatus.ACTIVE:
            return cls(account.login)
        if account.admin:
            return cls(account.login, admin=True, places=places)
        found: dict[str, set[str]] = {word: set() for word in OF_MAIL}
        for workspace, words in store.directory.permitted(account.login).items():
            for word in words:
                found.setdefault(word, set()).add(workspace)
        owned = frozenset([name for name, its in config.workspaces.items() if _is(account, its.owner)])
        for word in OF_MAIL:
            found[word] |= owned
        if _is(account, config.system.owner):
            for word in ("view_mail", "read_mail", "decide_mail"):
                found[word].add(NOWHERE)
        return cls(
            account.login, workspaces={word: frozenset(where) for word, where in found.items()}, places=places,
            owned=owned,
        )  # fmt: skip

    @cached_property
    def mailboxes(self) -> frozenset[str]:
        """The mailboxes whose mail is seen while it belongs to no workspace by a receipt."""
        return frozenset([name for name, workspace in self.places.items() if self.may("view_mail", workspace)])

    @cached_property
    def sight(self) -> Sight:
        """Which mails are seen, for what asks the database."""
        return ALL if self.admin else Sight(False, self._where("view_mail") - {NOWHERE}, self.mailboxes)

    @cached_property
    def readable(self) -> Sight:
        """Which mails are read: those of which conditions may be asked, for a condition is a way to read."""
        if self.admin:
            return ALL
        mailboxes = frozenset([name for name, workspace in self.places.items() if self.may("read_mail", workspace)])
        return Sight(False, self._where("read_mail") - {NOWHERE}, mailboxes & self.mailboxes)

    @cached_property
    def items(self) -> ItemSight:
        """Which items are seen; private ones, and what is said inside, are for who may edit items there."""
        return EVERY_ITEM if self.admin else ItemSight(False, self._where("view_items"), self._where("edit_items"))

    @cached_property
    def letters(self) -> ItemSight:
        """About which items letters are seen: those that somebody may edit, for a row names who else hears."""
        inside = self._where("edit_items")
        return EVERY_ITEM if self.admin else ItemSight(False, inside, inside)

    @cached_property
    def reader(self) -> str:
        """Who it is and what they read: what was found for them is not for who reads other mail since then."""
        told = "all" if self.admin else f"{sorted(self._where('read_mail'))} {sorted(self._where('view_mail'))}"
        return f"{self.login} {told} {sorted(self.owned)}"

    def may(self, permission: str, workspace: str) -> bool:
        """Tell whether somebody has a permission in a workspace, or for mail that belongs to none."""
        return self.admin or workspace in self._where(permission)

    def sees(self, row: MailRow) -> bool:
        """Tell whether somebody may know of a mail: that it came, what became of it and why."""
        return self.sight.sees(row.mailbox, row.home)

    def reads(self, row: MailRow) -> bool:
        """Tell whether somebody may read the text, the files and the bytes of a mail."""
        return self._may("read_mail", row)

    def decides(self, row: MailRow) -> bool:
        """Tell whether somebody may decide what becomes of a mail."""
        return self._may("decide_mail", row)

    def _may(self, permission: str, row: MailRow) -> bool:
        """Who does not see a mail may nothing with it; that of a mailbox which is not configured is for admins."""
        place = row.home or self.places.get(row.mailbox)
        return self.admin or (self.sees(row) and place is not None and self.may(permission, place))

    def _where(self, permission: str) -> frozenset[str]:
        return self.workspaces.get(permission, frozenset())


EVERYTHING = Scope("", admin=True)
"""What the command line may: whoever has the files has all of it."""


def _is(account: Account, owner: str) -> bool:
    """Tell whether somebody is named as an owner, which is by address."""
    return bool(owner) and key_of(bare(owner)) in map(key_of, account.emails)
