"""The store: one object for everything the engine remembers.

Here: `Store`, made of the parts in this folder, opened and closed; its transactions. Not here: what the parts do.
Invariant: one Store is one connection for one thread; a Store that opened has the schema of this release.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

from engine.store.database import BUSY_S, Database
from engine.store.items import AttachmentView as AttachmentView
from engine.store.items import CommentView as CommentView
from engine.store.items import ItemRow as ItemRow
from engine.store.items import ItemView as ItemView
from engine.store.lease import Leases
from engine.store.lease import MailboxState as MailboxState
from engine.store.locks import FileLock
from engine.store.mails import MailRow as MailRow
from engine.store.mails import StoredMail as StoredMail
from engine.store.migrations import UPGRADE_WAIT_S, bring_up_to_date
from engine.store.outbox import Outbox
from engine.store.outbox import OutboxContext as OutboxContext
from engine.store.outbox import OutboxRow as OutboxRow
from engine.store.part import Versions as Versions
from engine.store.retention import Pruned as Pruned
from engine.store.retention import Retention
from engine.store.spool import Spooled as Spooled


class Store(Retention, Leases, Outbox):
    """Accounts, items, ledger, receipts and outbox in one database. Use it in a `with`."""

    def __init__(self, database: Database, clock: Callable[[], datetime] | None = None) -> None:
        super().__init__(database, clock)
        self._locks: dict[str, FileLock] = {}
        self._notes: dict[str, bytes] = {}

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
        database = Database(None if path == ":memory:" else Path(path), busy_s)
        database.connect(create)
        try:
            bring_up_to_date(database, migrate, upgrade_wait_s)
        except BaseException:
            database.close()
            raise
        return cls(database, clock)

    @property
    def path(self) -> Path | None:
        """Where the database is; None in memory."""
        return self.database.path

    def close(self) -> None:
        """Give back all leases' locks and close the connection; twice does no harm."""
        for mailbox in list(self._locks):
            self._unlock(mailbox)
        self.database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # ── transactions ──────────────────────────────────────────────────────────────────────────────────────────

    def writing(self) -> AbstractContextManager[None]:
        """Hold one write transaction; see `Database.writing`. What was remembered of others' rows is refreshed."""
        return self.database.writing()

    def reading(self) -> AbstractContextManager[None]:
        """Ask many questions of one state of the database; see `Database.reading`."""
        return self.database.reading()

    def savepoint(self) -> AbstractContextManager[None]:
        """Inside `writing`: take back what an exception leaves behind here, keep the rest."""
        return self.database.savepoint()

    def rehearsal(self) -> AbstractContextManager[None]:
        """Do anything and keep nothing: how a dry run works."""
        return self.database.rehearsal()
