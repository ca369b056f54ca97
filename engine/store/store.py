"""The store: one object for everything the engine remembers, put together from parts that hold the database.

Here: `Store`, opened and closed; which part is made of what; its transactions. Not here: what the parts promise
(`engine.ports`) and do (the other files).
Invariant: one Store is one connection for one thread; a Store that opened has the schema of this release.
Over 300 lines: a few for each part, in one place.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from datetime import datetime
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Literal, Self

from engine.store.connecting import connection
from engine.store.database import BUSY_S, Database
from engine.store.lease import Leases
from engine.store.listing import Listing
from engine.store.memory import Memory
from engine.store.migrations import UPGRADE_WAIT_S, bring_up_to_date, upgrade_wanted
from engine.store.outbox import Outbox
from engine.store.parts import Archive, Items, Mailboxes
from engine.store.place import Where
from engine.store.queue import Queue
from engine.store.settling import Settling

if TYPE_CHECKING:
    from engine import ports
    from engine.model.acts import Acted
    from engine.model.changes import Changes, Versions
    from engine.model.plan import Receipt
    from engine.model.stored import Spooled
    from engine.store.keys import Decided
    from engine.store.work import Work


class Store:
    """Queue, ledger, mailboxes, directory, items, outbox and archive in one database. Use it in a `with`."""

    queue: ports.Queue
    mailboxes: ports.Mailboxes
    outbox: ports.Outbox

    def __init__(self, database: Database) -> None:
        self.database = database
        self._memory = memory = Memory(database)
        self._listing = listing = Listing(database, memory)
        self.queue = queue = Queue(database, listing)
        self._leases = Leases(database, listing, queue, memory)
        self.mailboxes = Mailboxes(listing, self._leases, Settling(database, listing))
        self.outbox = Outbox(database, memory)

    @cached_property
    def _work(self) -> Work:
        """What works on mails; put together when first asked for, for a pass without mail never does."""
        from engine.store.work import Work

        return Work(self.database, self._memory, self._listing, self.outbox)

    @cached_property
    def ledger(self) -> ports.Ledger:
        """What became of every mail."""
        return self._work.ledger

    @cached_property
    def directory(self) -> ports.Directory:
        """Who people are."""
        return self._work.directory

    @cached_property
    def access(self) -> ports.Access:
        """Who is let in; put together when first asked for."""
        from engine.store.access import Access

        return Access(self.database)

    @cached_property
    def rule_files(self) -> ports.RuleFiles:
        """What stood in rule files and when; put together when first asked for."""
        from engine.store.rule_files import RuleFiles

        return RuleFiles(self.database)

    @cached_property
    def begun_words(self) -> ports.BegunWords:
        """What people are writing on items; put together when first asked for."""
        from engine.store.begun_words import BegunWords

        return BegunWords(self.database)

    @property
    def ahead(self) -> ports.Ahead:
        """Who hears what will be asked."""
        return self._work.ahead

    @cached_property
    def commit(self) -> Callable[..., Receipt]:
        """Write everything that was decided about a mail: `engine.ports.Store.commit`."""
        return self._work.commit

    @cached_property
    def tell(self) -> Callable[..., tuple[int, ...]]:
        """Write what happened and who hears of it: `engine.ports.Store.tell`."""
        return self._work.tell

    @cached_property
    def act(self) -> Callable[..., Acted]:
        """Do what a person wants of an item: `engine.ports.Store.act`."""
        return self._work.act

    @property
    def still(self) -> ports.Scene:
        """Who would hear as things are now, for whoever only looks."""
        return self._work.still

    @cached_property
    def acted(self) -> Callable[[str], Acted | None]:
        """Give what came of an act with a key: `engine.ports.Store.acted`."""
        return self._work.acted

    @cached_property
    def items(self) -> ports.Items:
        """What was made of mail; put together when first asked for."""
        from engine.store.blobs import Blobs
        from engine.store.item_views import ItemViews
        from engine.store.load_items import Loading

        work = self._work
        views = ItemViews(self.database, self._memory, work.lookups, work.workspaces)
        loading = Loading(self.database, self._memory, work.directory, work.workspaces)
        return Items(work.lookups, views, Blobs(self.database), work.workspaces, loading)

    @property
    def markers(self) -> ports.Markers:
        """What mail of another system says of items."""
        return self._work.markers

    @cached_property
    def history(self) -> ports.History:
        """What happened; put together when first asked for."""
        from engine.store.history import History

        return History(self.database)

    @cached_property
    def senders(self) -> ports.Senders:
        """Who writes; put together when first asked for."""
        from engine.store.senders import Senders

        return Senders(self.database)

    @cached_property
    def topic_views(self) -> ports.TopicViews:
        """Topics as people see them; put together when first asked for."""
        from engine.store.topic_views import TopicViews

        return TopicViews(self.database)

    @cached_property
    def outbox_views(self) -> ports.OutboxViews:
        """The outbox as people see and repair it; put together when first asked for."""
        from engine.store.outbox_views import OutboxViews

        return OutboxViews(self.database, self._memory)

    @cached_property
    def troubles(self) -> ports.Troubles:
        """What does not work; put together when first asked for."""
        from engine.store.troubles import Troubles

        return Troubles(self.database)

    @cached_property
    def listed(self) -> ports.ListedAddresses:
        """What directories said; put together when first asked for."""
        from engine.store.listed import ListedAddresses

        return ListedAddresses(self.database)

    @cached_property
    def setbacks(self) -> ports.Setbacks:
        """What keeps mailboxes from being read; put together when first asked for."""
        from engine.store.troubles import Setbacks

        return Setbacks(self.database, self._listing)

    @cached_property
    def visiting(self) -> ports.Visiting:
        """Which mailbox is read next; put together when first asked for."""
        from engine.store.visiting import Visiting

        return Visiting(self.database, self._listing, self._leases)

    @cached_property
    def old_mail(self) -> ports.OldMail:
        """What is left alone; put together when first asked for."""
        from engine.store.old_mail import OldMail

        return OldMail(self.database)

    @cached_property
    def figures(self) -> ports.Figures:
        """How the installation stands; put together when first asked for."""
        from engine.store.figures import Standing

        return Standing(self.database)

    @cached_property
    def counting(self) -> ports.Counting:
        """What happened in a time; put together when first asked for."""
        from engine.store.counting import Counting

        return Counting(self.database)

    @cached_property
    def series(self) -> ports.Series:
        """What pictures are drawn of; put together when first asked for."""
        from engine.store.series import Series

        return Series(self.database)

    @cached_property
    def archive(self) -> ports.Archive:
        """What is kept of mails; put together when first asked for."""
        from engine.store.blobs import Blobs
        from engine.store.facets import Facets
        from engine.store.forgetting import Forgetting
        from engine.store.retention import Retention

        mails, blobs = self._work.mails, Blobs(self.database)
        retention = Retention(self.database, mails, blobs)
        forgetting = Forgetting(self.database, self._memory, self._work.directory, blobs, retention.erase)
        return Archive(mails, Facets(self.database, mails), retention, forgetting)

    @classmethod
    def open(
        cls,
        where: Where | Literal[":memory:"],
        *,
        create: bool = True,
        migrate: bool = True,
        clock: Callable[[], datetime] | None = None,
        busy_s: float = BUSY_S,
        upgrade_wait_s: float = UPGRADE_WAIT_S,
    ) -> Self:
        """Open the database, making it (`create`) or upgrading its schema (`migrate`) where needed.

        Raises StoreError if that cannot be, with a sentence that says why; Busy if an upgrade has to wait for a
        running pass longer than `upgrade_wait_s`. `busy_s` is how long a statement waits for another's transaction,
        `clock` tells the time of what is written.
        """
        database = connection(None if where == ":memory:" else where, busy_s, clock)
        database.connect(create)
        try:
            bring_up_to_date(database, migrate, upgrade_wait_s)
        except BaseException:
            database.close()
            raise
        return cls(database)

    @property
    def where(self) -> Where | None:
        """Where the database is; None in memory."""
        return self.database.where

    @property
    def owner(self) -> str:
        """Name whoever works through this store, as claims and leases do."""
        return self.database.owner

    @property
    def path(self) -> Path | None:
        """The file that the database is; None where it is none."""
        return self.database.path

    def note_in_hand(self, note: Callable[[int], None]) -> None:
        """Let this note which mail is in hand, by its row, where its mailbox is not leased here."""
        self._leases.note_all(note)

    def close(self) -> None:
        """Give back all leases' locks and close the connection; twice does no harm."""
        self._leases.close()
        self.database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # ── transactions ──────────────────────────────────────────────────────────────────────────────────────────

    def upgrade_wanted(self) -> bool:
        """Tell whether whoever works here should end: the schema is to be upgraded, or was."""
        return upgrade_wanted(self.database)

    def versions(self) -> Versions:
        return self._memory.versions()

    def changed_since(self, before: Versions) -> Changes:
        return self._memory.changed_since(before)

    @property
    def is_rehearsing(self) -> bool:
        """Tell whether what is written now will be taken back."""
        return self.database.is_rehearsing

    @property
    def beside_others(self) -> bool:
        """Tell whether others write while this one does."""
        return self.database.beside_others

    def hold(self, decisions: Iterable[Decided], claims: Iterable[Spooled]) -> None:
        """Inside `writing`, before anything is looked at: be the only one to write about what these hang on and give.

        Whatever others wrote about it until now is heard of by `changed_since`. The `claims` on the mails are looked at
        once for all of them. Raises Busy.
        """
        if self.database.beside_others:
            from engine.store.ahead import foresee_plans
            from engine.store.claims import claim_of
            from engine.store.keys import numbers, of_decision

            decided = [*decisions]
            self.database.lock(numbers(key for each in decided for key in of_decision(*each)))
            self.database.keep_claims([claim_of(each) for each in claims])
            foresee_plans(self.database, [plan for _, _, plan, _ in decided])

    def writing(self, noted: bool = False) -> AbstractContextManager[None]:
        return self.database.writing(noted)

    def joining(self) -> AbstractContextManager[None]:
        return self.database.joining()

    def reading(self) -> AbstractContextManager[None]:
        return self.database.reading()

    def savepoint(self) -> AbstractContextManager[None]:
        return self.database.savepoint()

    def rehearsal(self) -> AbstractContextManager[None]:
        return self.database.rehearsal()
