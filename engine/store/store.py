"""The store: one object for everything the engine remembers, put together from parts that hold the database.

Here: `Store`, opened and closed; which part is made of what; its transactions. Not here: what the parts promise
(`engine.ports`) and do (the other files).
Invariant: one Store is one connection for one thread; a Store that opened has the schema of this release.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

from engine import ports
from engine.model.stored import Versions
from engine.store.blobs import Blobs
from engine.store.claims import Claims
from engine.store.closing import Closing
from engine.store.commit import Commit
from engine.store.database import BUSY_S, Database
from engine.store.directory import Directory
from engine.store.effects import Shelves
from engine.store.item_facts import ItemLookups
from engine.store.item_views import ItemViews
from engine.store.lease import Leases
from engine.store.listing import Listing
from engine.store.load_items import Loading
from engine.store.mails import Mails
from engine.store.memory import Memory
from engine.store.migrations import UPGRADE_WAIT_S, bring_up_to_date
from engine.store.outbox import Outbox
from engine.store.parts import Archive, Items, Ledger, Mailboxes
from engine.store.receipts import Receipts
from engine.store.retention import Retention
from engine.store.settling import Settling
from engine.store.spool import Spool
from engine.store.workspaces import Workspaces


class Store:
    """Ledger, mailboxes, directory, items, outbox and archive in one database. Use it in a `with`."""

    ledger: ports.Ledger
    mailboxes: ports.Mailboxes
    directory: ports.Directory
    items: ports.Items
    outbox: ports.Outbox
    archive: ports.Archive

    def __init__(self, database: Database) -> None:
        self.database = database
        self._memory = memory = Memory(database)
        directory, workspaces = Directory(database, memory), Workspaces(database, memory)
        lookups, blobs, mails = ItemLookups(database, directory), Blobs(database), Mails(database)
        receipts, listing = Receipts(database, memory, lookups), Listing(database, memory)
        claims = Claims(database, listing, mails, receipts)
        shelves = Shelves(database, directory, workspaces)
        self._leases = Leases(database, listing, claims)
        self.commit = Commit(shelves, memory, receipts).commit
        self.ledger = Ledger(
            Spool(database, listing), claims, Closing(shelves, mails, claims, receipts), receipts
        )  # fmt: skip
        self.mailboxes = Mailboxes(listing, self._leases, Settling(database, listing, mails))
        self.directory = directory
        views = ItemViews(database, memory, lookups)
        self.items = Items(lookups, views, blobs, workspaces, Loading(database, memory, directory, workspaces))
        self.outbox = Outbox(database, memory)
        self.archive = Archive(mails, Retention(database, mails, blobs))

    @classmethod
    def open(
        cls,
        path: Path | Literal[":memory:"],
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
        database = Database(None if path == ":memory:" else Path(path), busy_s, clock)
        database.connect(create)
        try:
            bring_up_to_date(database, migrate, upgrade_wait_s)
        except BaseException:
            database.close()
            raise
        return cls(database)

    @property
    def path(self) -> Path | None:
        """Where the database is; None in memory."""
        return self.database.path

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

    def versions(self) -> Versions:
        return self._memory.versions()

    def changed_since(self, before: Versions) -> frozenset[str]:
        return self._memory.changed_since(before)

    @property
    def is_rehearsing(self) -> bool:
        """Tell whether what is written now will be taken back."""
        return self.database.is_rehearsing

    def writing(self) -> AbstractContextManager[None]:
        return self.database.writing()

    def joining(self) -> AbstractContextManager[None]:
        return self.database.joining()

    def reading(self) -> AbstractContextManager[None]:
        return self.database.reading()

    def savepoint(self) -> AbstractContextManager[None]:
        return self.database.savepoint()

    def rehearsal(self) -> AbstractContextManager[None]:
        return self.database.rehearsal()
