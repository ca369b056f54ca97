"""One pass over the mailboxes: fetch, spool, process, settle, deliver.

Here: the order of the mailboxes, their leases, the dry run. Not here: the work on one mailbox (`visit.py`), how a
pass is stopped (`stop.py`). Invariant: one mailbox that fails never stops the others.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from engine.run.line import line_of
from engine.run.process import BATCH, Engine
from engine.run.visit import Listener as Listener
from engine.run.visit import MailboxReport as MailboxReport
from engine.run.visit import Visit
from engine.stop import Stop, Stopped

if TYPE_CHECKING:
    from engine.config import Mailbox
    from engine.model.mail import RawMail

REHEARSAL_BYTES = 200_000_000
"""The most a dry run holds in memory."""


def utc_now() -> datetime:
    """The time now, for what is not a decision."""
    return datetime.now(UTC)


@dataclass
class Pass:
    """One pass of `allegra run`: at most `limit` new mails from each mailbox, `wait_s` seconds for a lease."""

    engine: Engine
    listener: Listener = field(default_factory=Listener)
    limit: int = 0
    wait_s: float = 0.0
    settle: bool = True
    now: Callable[[], datetime] = utc_now
    stop: Stop = field(default_factory=Stop)

    def run(self, mailboxes: Iterable[Mailbox]) -> list[MailboxReport]:
        """Work through the mailboxes one after the other. Raises StoreError when the database is away.

        Mails that broke the machine before come last: should one end the process, everything else is done.
        """
        visited: list[tuple[Mailbox, MailboxReport]] = []
        self.engine.stop = self.stop
        with self.stop.signals(), _calm_collector():
            for mailbox in mailboxes:
                if self.stop.is_set():
                    break
                report = MailboxReport(mailbox.name, mailbox.place)
                visited.append((mailbox, report))
                self._visit(mailbox, report, self._usual)
                self.listener.mailbox_done(report)
            tried = self.engine.store.ledger.tried_mailboxes(self.now())
            for mailbox, report in visited:
                if mailbox.name in tried and report.state in ("ok", "failed") and not self.stop.is_set():
                    self._visit(mailbox, report, self._tried)
        return [report for _, report in visited]

    def _visit(self, mailbox: Mailbox, report: MailboxReport, work: Callable[[Visit], None]) -> None:
        """Do some work under the lease of a mailbox, unless it is paused or another run has it."""
        from engine.run.lease import Lease

        store, waits_s = self.engine.store, self.engine.config.settings("").errors.retry
        paused = store.mailboxes.paused(mailbox.name)
        if paused:
            report.state, report.code, report.sentence = "paused", "mailbox.paused", paused
            return
        with Lease(store, mailbox.name, self.now, self.wait_s, self.stop, waits_s=waits_s) as lease:
            if not lease.held:
                report.state, report.code = "busy", "mailbox.busy"
                report.sentence = f"mailbox {mailbox.name}: another run is working on it ({lease.holder})"
                return
            with suppress(Stopped):
                work(
                    Visit(
                        self.engine, mailbox, report, lease, self.listener, self.stop, self.now, self.limit, self.settle
                    )
                )

    def _usual(self, visit: Visit) -> None:
        """Decide what waits, then read what is new, and note how the mailbox fares."""
        from engine.sources.source import SourceError

        store, name, report = self.engine.store, visit.mailbox.name, visit.report
        try:
            visit.decide_waiting(tried=False)
            if visit.mailbox.protocol != "pipe":
                visit.read_new()
            store.mailboxes.worked(name, self.now())
        except SourceError as error:
            report.state, report.code, report.sentence = "failed", error.code, error.sentence
            store.mailboxes.failed(name, error.code, error.sentence, self.now())

    def _tried(self, visit: Visit) -> None:
        visit.decide_waiting(tried=True)


@contextmanager
def _calm_collector() -> Iterator[None]:
    """Let the garbage collector look more rarely: a decision makes much and leaves no cycles (100 us a mail)."""
    before = gc.get_threshold()
    gc.freeze()
    gc.set_threshold(100_000, 20, 100)
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()


def rehearse(engine: Engine, mailbox: Mailbox, limit: int, now: Callable[[], datetime]) -> MailboxReport:
    """Do all of a pass over one mailbox and take it back: the server hears nothing, the store keeps nothing.

    Raises SourceError. The same spool, decide and commit run inside a transaction that is rolled back at the end.
    """
    from engine.sources import open_source

    report = MailboxReport(mailbox.name, mailbox.place)
    limits = engine.config.settings("").limits
    store = engine.store
    raws: list[RawMail] = []
    if mailbox.protocol != "pipe":
        with open_source(mailbox, limits, now) as source:
            fresh = store.mailboxes.unknown_keys(mailbox.name, [each.key for each in source.list()])
            size = 0
            for raw in source.fetch(fresh[: limit or mailbox.max_emails], limits):
                raws.append(raw)
                size += len(raw.content)
                if size > REHEARSAL_BYTES:
                    report.sentence = (
                        f"stopped after {len(raws)} mails: a dry run reads {REHEARSAL_BYTES // 10**6} MB at most"
                    )
                    break
    with store.rehearsal():
        for start in range(0, len(raws), BATCH):
            spooled = store.ledger.spool(raws[start : start + BATCH], "rehearsal")
            report.new += len(spooled)
            unseen = [each for each in spooled if not each.seen_before]
            report.lines += [line_of(result) for result in engine.process(unseen, now())]
    return report
