"""Who hears of what happened: what is asked of an installation, and who answers.

Here: `Scene`, which a store offers, and `Teller`, which it is handed. Not here: the rows (`outbox.py`).
Invariant: a scene is asked inside the transaction that writes what is answered.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

from engine.model.desk import Account
from engine.model.events import Kind
from engine.model.hearing import Batch, Heard, OnItem


class Scene(Protocol):
    """What is asked inside the transaction that writes what happened, to find out who hears of it."""

    def on_item(self, item: int, *, writers: bool = True) -> OnItem | None:
        """Tell who has to do with an item as it is now, with or without who wrote about it; None if it is gone."""

    def asked_before(self, item: int) -> tuple[str, ...]:
        """Give the addresses, without an account, of who wrote the items that were merged into this one."""

    def on_topic(self, topic: int) -> OnItem | None:
        """Tell who has written below a topic."""

    def members(self, workspace: str) -> tuple[Account, ...]:
        """Give the active accounts that a role in the workspace lets edit items."""

    def who_wait(self, workspace: str, usual: str) -> Mapping[str, tuple[Account, ...]]:
        """Give the members by what they want of new items: all, unassigned, none; who said nothing wants the usual."""

    def admins(self) -> tuple[Account, ...]:
        """Give the active admins that have an address."""

    def person(self, text: str) -> Account | None:
        """Find an account by login, address, or the only person of that name."""

    def in_group(self, name: str) -> tuple[Account, ...] | None:
        """Give the accounts in a group, the locked ones, too; None if there is no such group."""

    def may(self, login: str, permission: str, workspace: str) -> bool:
        """Tell whether an account may do something in a workspace."""

    def preference(self, account: int, workspace: str, key: str) -> str:
        """Give what somebody wants in a workspace, else in general; "" if nothing was said."""

    def is_suspended(self, address_key: str) -> bool:
        """Tell whether an address takes no mail any more."""

    def came_back(self, address_key: str) -> bool:
        """Tell whether a mail to an address came back, and nothing has come from there since."""

    def is_muted(self, address_key: str, item: int) -> bool:
        """Tell whether nothing goes to an address about an item for now."""

    def is_looping(self, address_key: str, item: int) -> bool:
        """Tell whether mails go to and fro between us and an address about an item; if so, note it for a day.

        That is: within ten minutes five mails of the address on the item, each within two minutes of one of ours to it;
        or within four hours five that say the same, with a notice or an answer of ours between them.
        """

    def is_repeating(self, address_key: str, row: int) -> bool:
        """Tell whether a mail is the third of its sender in an hour that says the same; if so, note it for a day.

        Then the address is muted about `AUTOMATIC`. Same: but for case, digits and blanks. Only those that made
        something count: who sends again what was refused does not repeat.
        """

    def written(self, kind: Kind, address_key: str = "", item: int = 0) -> int:
        """Count the rows of a kind written in the last hour, for anybody or one address, on one item or any.

        Those that were suppressed or dropped do not count, nor do those that go along with others.
        """

    def first_read(self, mailbox: str) -> datetime | None:
        """When a mailbox was read for the first time; None if it never was."""

    def lay_long(self, row: int, arrived: datetime, limit_s: float) -> bool:
        """Tell whether a mail of the ledger had arrived so long before it was first seen here."""

    def refused(self, code: str, since_s: float, address_key: str) -> int:
        """Count the automatic answers to an address that told it of this reason."""

    def reported(self, address_key: str, code: str, mailbox: str, since_s: float, most: int) -> tuple[datetime, ...]:
        """When reports of a reason and mailbox went to an address in so many seconds, the newest `most` of them."""

    def now(self) -> datetime:
        """The time at which what happens now is written."""


class Teller(Protocol):
    """Says who hears of what happened; it has the settings, which a store knows nothing of."""

    def hear(self, batch: Batch, scene: Scene) -> tuple[Batch, Sequence[Heard]]:
        """Give what happened by its right names, and everybody who is considered, once, with what comes of it."""
