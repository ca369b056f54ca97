"""One pass over the mailboxes: fetch, spool, process, settle, deliver.

Here: the order of the mailboxes, their leases, the dry run, that the outbox is sent at the end. Not here: the work on
one mailbox (`visit.py`), how mail is sent (`outbox/`), how a pass is stopped (`stop.py`).
Invariant: one mailbox that fails never stops the others.
"""

from __future__ import annotations

import gc
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext, suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from msgspec import Struct, field

from engine.model.extra import Extra
from engine.run.crew import Crew
from engine.run.report import Listener as Listener
from engine.run.report import MailboxReport as MailboxReport
from engine.run.report import Sent
from engine.run.visit import Visit
from engine.stop import Stopped

if TYPE_CHECKING:
    from engine.config import Mailbox
    from engine.model.mail import RawMail
    from engine.run.engine import Engine
    from engine.run.jobs import Orders
    from engine.sources.source import Source
    from engine.store.store import Store

REHEARSAL_BYTES = 200_000_000
"""The most a dry run holds in memory."""


def utc_now() -> datetime:
    """The time now, for what is not a decision."""
    return datetime.now(UTC)


class Pass(Struct, eq=False):
    """One pass of `allegra run`: at most `limit` new mails from each mailbox, `wait_s` seconds for a lease.

    The engine's `stop` stops it. `sources` are those a host hands in, by the name of their mailbox. In a `hosted` pass
    the process is somebody else's: its signals and its garbage collector are left alone. With `jobs` more processes
    may visit mailboxes, which open the same configuration and database by themselves. `since` says from when mail is
    read, in place of what the file says: a date, now or all. `outbox` tells what was sent.
    """

    engine: Engine
    listener: Listener = field(default_factory=Listener)
    limit: int = 0
    wait_s: float = 0.0
    settle: bool = True
    now: Callable[[], datetime] = utc_now
    sources: Mapping[str, Source] = {}
    hosted: bool = False
    jobs: int = 1
    since: str = ""
    outbox: Sent = Sent()

    def run(self, mailboxes: Iterable[Mailbox]) -> list[MailboxReport]:
        """Work through the mailboxes, each begun in its turn, then send. Raises StoreError when the database is away.

        Mails that broke the machine before come last: should one end the process, everything else is done.
        """
        with nullcontext() if self.hosted else self.at_home():
            boxes = list(mailboxes)
            reports = self._read(boxes)
            self._note_troubles(boxes, reports)
            self.outbox = send(self.engine, self.now)
        return reports

    def _note_troubles(self, boxes: list[Mailbox], reports: list[MailboxReport]) -> None:
        """Note what does not work or does again; in most passes there is nothing to note."""
        store, now = self.engine.store, self.now()
        wrong = any(report.state == "failed" or report.waiting for report in reports)
        if wrong or store.troubles.may_be(now, [box.silence for box in boxes if isinstance(box.silence, float)]):
            from engine.run.alarms import after_pass

            after_pass(store, self.engine.config, boxes, reports, now)

    def _read(self, mailboxes: Iterable[Mailbox]) -> list[MailboxReport]:
        stop = self.engine.stop
        with Crew(mailboxes, stop, self.listener, self._orders, self._most_jobs()) as crew:
            for turn in crew:
                self.visit(turn.mailbox, turn.report, crew)
        begun = [*crew.begun, *self._gone()]
        tried = self.engine.store.queue.tried_mailboxes(self.now())
        for mailbox, report in begun:
            if mailbox.name in tried and report.state in ("ok", "failed") and not stop.is_set():
                self.visit(mailbox, report, self.listener, tried=True)
                self.listener.mailbox_done(report)
            if report.state in ("ok", "failed"):
                report.waiting = self.engine.store.queue.waiting(mailbox.name)
        return [report for _, report in begun]

    def _gone(self) -> Iterator[tuple[Mailbox, MailboxReport]]:
        """Decide what waits of mailboxes that the configuration does not name any more: nothing is read there."""
        there = {mailbox.name for mailbox in self.engine.config.mailboxes}
        for name in sorted(self.engine.store.queue.due_mailboxes(self.now()) - there):
            mailbox, report = _stand_in(name), MailboxReport(name, "not configured")
            if not self.engine.stop.is_set():
                self.visit(mailbox, report, self.listener)
                self.listener.mailbox_done(report)
                yield mailbox, report

    def _orders(self) -> Orders:
        from engine.run.jobs import Orders

        config = self.engine.config
        return Orders(
            os.fsencode(config.path), config.digest, self.limit, self.wait_s, self.settle, self.since, config.verbose
        )  # fmt: skip

    def _most_jobs(self) -> int:
        """One process, where what was handed in here cannot go to another one."""
        ours = self.sources or self.engine.config.extra != Extra() or self.engine.rules_directory is not None
        return 1 if ours or self.engine.store.path is None else self.jobs

    @contextmanager
    def at_home(self) -> Iterator[None]:
        """Let signals ask to stop, and the garbage collector look more rarely: in a process that does only this."""
        with self.engine.stop.signals(), _calm_collector():
            yield

    def visit(self, mailbox: Mailbox, report: MailboxReport, listener: Listener, tried: bool = False) -> None:
        """Do the work on a mailbox under its lease, unless it is paused or another run has it.

        With `tried` that is deciding what broke the machine before, else everything but that.
        """
        from engine.run.lease import Lease

        store, waits_s = self.engine.store, self.engine.config.settings("").errors.retry
        paused = store.mailboxes.paused(mailbox.name)
        if paused:
            report.state, report.code, report.sentence = "paused", "mailbox.paused", paused
            return
        with Lease(store, mailbox.name, self.now, self.wait_s, self.engine.stop, waits_s=waits_s) as lease:
            if not lease.held:
                report.state, report.code = "busy", "mailbox.busy"
                report.sentence = f"mailbox {mailbox.name}: another run is working on it ({lease.holder})"
                return
            with suppress(Stopped):
                own = self.sources.get(mailbox.name)
                how = self.limit, self.settle, own, self._since(mailbox)
                visit = Visit(self.engine, mailbox, report, lease, listener, self.now, *how)
                visit.decide_waiting(tried=True) if tried else self._usual(visit)

    def _since(self, mailbox: Mailbox) -> datetime | None:
        if not self.since and mailbox.since is None:
            return None
        from engine.run.since import since_of

        return since_of(self.engine.config, self.engine.store, mailbox, self.since, self.now())

    def _usual(self, visit: Visit) -> None:
        """Decide what waits, then read what is new, and note how the mailbox fares."""
        from engine.sources import KINDS
        from engine.sources.source import SourceError

        store, name, report = self.engine.store, visit.mailbox.name, visit.report
        try:
            visit.look_at_files_again()
            visit.decide_waiting(tried=False)
            if visit.own is not None or visit.mailbox.protocol in KINDS:
                visit.read_new()
            store.mailboxes.worked(name, self.now())
        except SourceError as error:
            report.state, report.code, report.sentence = "failed", error.code, error.sentence
            store.mailboxes.failed(name, error.code, error.sentence, self.now())
        if self.engine.config.logs:
            from engine.run.logged import mailbox

            mailbox(self.engine.config, report)


def _stand_in(name: str) -> Mailbox:
    from engine.config.mailbox import Mailbox

    return Mailbox(name=name, protocol="pipe")


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


def send(engine: Engine, now: Callable[[], datetime] = utc_now) -> Sent:
    """Tell what is told by the clock, and send what waits in the outbox. Raises StoreError."""
    store = engine.store
    if not store.queue.is_anything_to_tell(now()) and not store.outbox.queued().rows:
        return Sent()
    from engine.run.sending import send as send_out

    return send_out(store, engine.config, stop=engine.stop, now=now)


def rehearse(
    engine: Engine, mailboxes: Iterable[Mailbox], limit: int = 0, now: Callable[[], datetime] = utc_now, since: str = ""
) -> list[MailboxReport]:
    """Do all of a pass and take it back: the servers hear nothing, the store keeps nothing, nothing is sent.

    The same spool, decide and commit run inside one transaction that is rolled back at the end, so that what comes of
    a mail counts for those behind it, whatever mailbox they are in. Nothing is remembered of scripts.
    """
    from engine.sources.source import SourceError

    fetched: list[tuple[Mailbox, MailboxReport, list[RawMail]]] = []
    left = REHEARSAL_BYTES
    for mailbox in mailboxes:
        report = MailboxReport(mailbox.name, mailbox.place)
        raws: list[RawMail] = []
        try:
            raws = _fetched(engine, mailbox, report, limit, now, left, since)
        except SourceError as error:
            report.state, report.code, report.sentence = "failed", error.code, error.sentence
        left -= sum(len(raw.content) for raw in raws)
        fetched.append((mailbox, report, raws))
    with engine.store.rehearsal():
        for mailbox, report, raws in fetched:
            _rehearse(engine, mailbox, report, raws, now())
    return [report for _, report, _ in fetched]


def _rehearse(engine: Engine, mailbox: Mailbox, report: MailboxReport, raws: list[RawMail], now: datetime) -> None:
    from engine.run.line import line_of
    from engine.run.process import BATCH, process

    ledger = engine.store.ledger
    for start in range(0, len(raws), BATCH):
        spooled = ledger.spool(raws[start : start + BATCH], "rehearsal")
        report.new += len(spooled)
        unseen = [each for each in spooled if not each.seen_before]
        report.lines += [line_of(result) for result in process(engine, unseen, now)]
    report.waiting = engine.store.queue.waiting(mailbox.name)


def unknown(store: Store, mailbox: Mailbox, source: Source, keys: Sequence[str]) -> Sequence[str]:
    """Give the keys that a pass would read: all of them where it would find that the numbers began anew."""
    from engine.sources.source import account_of

    epoch = source.epoch(), source.uidnext, account_of(mailbox)
    with store.rehearsal():
        store.mailboxes.begin_epoch(mailbox.name, *epoch)
        return store.mailboxes.unknown_keys(mailbox.name, keys)


def _fetched(
    engine: Engine, mailbox: Mailbox, report: MailboxReport, limit: int, now: Callable[[], datetime], most_bytes: int,
    since: str,
) -> list[RawMail]:  # fmt: skip
    """Read what is new, as far as memory should hold it; nothing where nothing is read from. Raises SourceError."""
    from engine.run.since import part, since_of
    from engine.sources import KINDS, open_source
    from engine.sources.handed import Handed

    if mailbox.protocol not in KINDS:
        return []
    raws: list[RawMail] = []
    limits, size = engine.config.settings("").limits, 0
    with open_source(mailbox, limits, now) as source:
        listed, start = source.list(), since_of(engine.config, engine.store, mailbox, since, now())
        new = unknown(engine.store, mailbox, source, [each.key for each in listed])
        parted = part(engine.store, source, mailbox, listed, new, start)
        report.left(parted.left)
        asked, handed = parted.fresh[: limit or mailbox.max_emails], Handed(source, mailbox)
        for raw in handed.fetch(asked, limits):
            raws.append(raw)
            size += len(raw.content)
            if size > most_bytes:
                most = REHEARSAL_BYTES // 10**6
                report.sentence = f"stopped after {len(raws)} mails: a dry run reads {most} MB at most"
                return raws
        report.missed(handed.withheld(asked))
    return raws
