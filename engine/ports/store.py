"""The store: one of each part, and the transactions they share.

Here: `Store`. Not here: what a part promises (the other files of this room), how it is done (`engine/store`).
Invariant: what is written in one transaction is there whole, or not at all.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol

from engine.model.acts import Act, Acted
from engine.model.changes import Changes, Versions
from engine.model.facts import Facts
from engine.model.figures import Measured, RuleHit
from engine.model.mail import Mail
from engine.model.plan import Plan, Receipt
from engine.model.stored import (
    Spooled,
)
from engine.ports.access import Access
from engine.ports.archive import Archive, Counting, Figures, Series
from engine.ports.begun_words import BegunWords
from engine.ports.desk import Ahead, Directory, Items, ListedAddresses, Markers, TopicViews
from engine.ports.hearing import Teller
from engine.ports.history import History
from engine.ports.ledger import Ledger, Queue
from engine.ports.mailboxes import Mailboxes, OldMail, Setbacks, Troubles, Visiting
from engine.ports.outbox import Outbox, OutboxViews
from engine.ports.rule_files import RuleFiles
from engine.ports.senders import Senders


class Store(Protocol):
    """One database for one thread: its parts, what happens in several of them at once, and the transactions."""

    @property
    def queue(self) -> Queue:
        """The mails that wait."""

    @property
    def ledger(self) -> Ledger:
        """What became of every mail."""

    @property
    def mailboxes(self) -> Mailboxes:
        """Where mail comes from."""

    @property
    def directory(self) -> Directory:
        """Who is known."""

    @property
    def access(self) -> Access:
        """Who is let in."""

    @property
    def rule_files(self) -> RuleFiles:
        """What stood in rule files and when."""

    @property
    def begun_words(self) -> BegunWords:
        """What people are writing on items."""

    @property
    def ahead(self) -> Ahead:
        """Who hears what will be asked."""

    @property
    def items(self) -> Items:
        """What was made of mail."""

    @property
    def markers(self) -> Markers:
        """What mail of another system says of items."""

    @property
    def history(self) -> History:
        """What happened."""

    @property
    def topic_views(self) -> TopicViews:
        """Topics as people see them."""

    @property
    def outbox(self) -> Outbox:
        """What is to be sent."""

    @property
    def outbox_views(self) -> OutboxViews:
        """The outbox as people see it and repair it."""

    @property
    def senders(self) -> Senders:
        """Who writes."""

    @property
    def setbacks(self) -> Setbacks:
        """What keeps mailboxes from being read."""

    @property
    def troubles(self) -> Troubles:
        """What does not work."""

    @property
    def visiting(self) -> Visiting:
        """Which mailbox is read next."""

    @property
    def old_mail(self) -> OldMail:
        """What is left alone."""

    @property
    def listed(self) -> ListedAddresses:
        """What directories said."""

    @property
    def figures(self) -> Figures:
        """How the installation stands."""

    @property
    def counting(self) -> Counting:
        """What happened in a time."""

    @property
    def series(self) -> Series:
        """What pictures are drawn of."""

    @property
    def archive(self) -> Archive:
        """What is kept of mails."""

    def commit(
        self, spooled: Spooled, mail: Mail, facts: Facts, plan: Plan, trace: bytes, action: str, folder: str,
        teller: Teller | None = None, untold: list[Any] | None = None, hits: Sequence[RuleHit] = (),
        measured: Sequence[Measured] = (),
    ) -> Receipt:  # fmt: skip
        """Write everything that was decided about a mail, inside the caller's `writing` and `savepoint`.

        `action` (move, seen, delete, keep) and `folder` are what is to be done with it in its mailbox afterwards.
        Without a `teller` nobody is told. What is to be told goes into `untold`, where that is given: it is written by
        `tell`, in the same transaction, and the receipt names no row of the outbox. Raises ClaimLost if another runner
        has the mail now; then nothing was written. `hits` are the rules that matched, `measured` is what the decision
        took: both are counted.
        """

    def tell(self, untold: Sequence[Any], note: Callable[[int], None] | None = None) -> tuple[int, ...]:
        """Write what commits left untold, and who hears of it; gives the numbers of the rows of the outbox.

        `note` hears which mail is in hand, by its row.
        """

    def act(self, act: Act, teller: Teller | None) -> Acted:
        """Do what a person wants of an item, in one transaction; what was done under the same key is given again.

        Raises NotFound and Refused for what an effect cannot be done to; then nothing was written.
        """

    def acted(self, key: str) -> Acted | None:
        """Give what came of the act that was done under this key, None if none was."""

    def versions(self) -> Versions:
        """Give the present state; an equal one means that no answer about accounts, items or receipts has changed."""

    def changed_since(self, before: Versions) -> Changes:
        """Tell what may have changed since `before`: answers that it does not reach are what they were."""

    def writing(self, noted: bool = False) -> AbstractContextManager[None]:
        """Hold one write transaction: committed at the end, rolled back by an exception. It cannot be nested.

        In a rehearsal it is a savepoint: the rehearsal takes everything back at its end. One that is `noted` holds
        nothing but commits of mails: other processes hear what these touched, where after any other they forget all.
        """

    def joining(self) -> AbstractContextManager[None]:
        """Write in the transaction that is open, or in one of its own."""

    def reading(self) -> AbstractContextManager[None]:
        """Ask many questions of one state of the database. A write transaction that is begun inside ends it."""

    def savepoint(self) -> AbstractContextManager[None]:
        """Inside `writing`: take back what an exception leaves behind here, keep the rest."""

    def rehearsal(self) -> AbstractContextManager[None]:
        """Do anything and keep nothing: how a dry run works."""

    def close(self) -> None:
        """Give back all leases and close the connection; twice does no harm."""
