"""One pass over the mailboxes: fetch, spool, process, settle, deliver.

Here: the order of the mailboxes, their leases, whether one is tried at all, that the outbox is sent at the end. Not
here: the work on one mailbox (`visit.py`), a pass that is taken back (`rehearsal.py`), how mail is sent (`outbox/`),
how a pass is stopped (`stop.py`), what makes passes as mail comes (`watch.py`).
Invariant: one mailbox that fails never stops the others.
Over 300 lines: the turns of a pass share what it was asked for.
"""

from __future__ import annotations

import gc
import os
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from msgspec import Struct, field

from engine.model.extra import Extra
from engine.model.stored import BROKEN, PAUSED, REFUSED, Visited
from engine.run.crew import Crew
from engine.run.report import Listener as Listener
from engine.run.report import MailboxReport as MailboxReport
from engine.run.report import Sent
from engine.run.visit import Visit
from engine.sources import HERE
from engine.stop import Stopped
from engine.store.clock import now as utc_now
from engine.store.errors import StoreError

if TYPE_CHECKING:
    from engine.config import Mailbox
    from engine.model.stored import Standing, Taken
    from engine.run.engine import Engine
    from engine.run.jobs import Orders
    from engine.run.unchanged import Unchanged
    from engine.sources.source import Source

AT_ONCE, SOON = 20, timedelta(seconds=1)
"""So many visits that found nothing are noted together, and how long that may wait."""


class Pass(Struct, eq=False):
    """One pass of `allegra run`: at most `limit` new mails from each mailbox, `wait_s` seconds for a lease.

    The engine's `stop` stops it. `sources` are those a host hands in, by the name of their mailbox. In a `hosted` pass
    the process is somebody else's: its signals and its garbage collector are left alone. With `jobs` more processes
    may visit mailboxes, which open the same configuration and database by themselves. `since` says from when mail is
    read, in place of what the file says: a date, now or all. Mailboxes that somebody `named` are tried although they
    wait. `opened` are sources whose sessions stand already, by mailbox. `outbox` tells what was sent. A pass that does
    not `decide` leaves what it reads to whoever does.
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
    named: bool = False
    opened: Mapping[str, AbstractContextManager[Source]] = {}
    outbox: Sent = Sent()
    shared: bool = False
    decide: bool = True
    ended: list[Visited] = []

    def __post_init__(self) -> None:
        """Look once whether mailboxes share an account: then its refused logins count for all of them."""
        accounts = [(box.host, box.username) for box in self.engine.config.mailboxes if box.username]
        self.shared = len({*accounts}) < len(accounts)

    def run(self, mailboxes: Iterable[Mailbox]) -> list[MailboxReport]:
        """Work through the mailboxes, each begun in its turn, then send. Raises StoreError when the database is away.

        Mails that broke the machine before come last: should one end the process, everything else is done.
        """
        with nullcontext() if self.hosted else self.at_home():
            boxes = list(mailboxes)
            try:
                reports = self._read(boxes)
            except BaseException:
                with suppress(StoreError):
                    self.end()
                raise
            self.end()
            self.note_troubles(boxes, reports)
            self.outbox = send(self.engine, self.now)
        return reports

    def note_troubles(self, boxes: list[Mailbox], reports: list[MailboxReport]) -> None:
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
                if turn.mailbox.protocol not in HERE:
                    self.end()  # a server may keep us waiting
                self.visit(turn.mailbox, turn.report, crew)
        due = self.engine.store.queue.due_mailboxes(self.now())
        begun = [*crew.begun, *self._gone(due)]
        tried = self.engine.store.queue.tried_mailboxes(self.now()) if due else ()
        for mailbox, report in begun:
            if mailbox.name in tried and report.state in ("ok", "failed") and not stop.is_set():
                self.end()
                self.visit(mailbox, report, self.listener, tried=True)
                self.listener.mailbox_done(report)
            if report.state in ("ok", "failed") and report.may_wait:
                report.waiting = self.engine.store.queue.waiting(mailbox.name)
        return [report for _, report in begun]

    def _gone(self, due: Collection[str]) -> Iterator[tuple[Mailbox, MailboxReport]]:
        """Decide what waits of mailboxes that the configuration does not name any more: nothing is read there."""
        there = {mailbox.name for mailbox in self.engine.config.mailboxes}
        for name in sorted({*due} - there):
            mailbox, report = stand_in(name), MailboxReport(name, "not configured")
            if not self.engine.stop.is_set():
                self.visit(mailbox, report, self.listener)
                self.listener.mailbox_done(report)
                yield mailbox, report

    def _orders(self) -> Orders:
        from engine.run.jobs import Orders

        config = self.engine.config
        return Orders(
            os.fsencode(config.path), config.digest, self.limit, self.wait_s, self.settle, self.since, config.verbose,
            self.named,
        )  # fmt: skip

    def _most_jobs(self) -> int:
        """One process, where what was handed in here cannot go to another one."""
        ours = (
            self.sources
            or self.opened
            or self.engine.config.extra != Extra()
            or self.engine.rules_directory is not None
        )
        return 1 if ours or self.engine.store.where is None else self.jobs

    @contextmanager
    def at_home(self) -> Iterator[None]:
        """Let signals ask to stop, and the garbage collector look more rarely: in a process that does only this."""
        with self.engine.stop.signals(), _calm_collector():
            yield

    def visit(
        self, mailbox: Mailbox, report: MailboxReport, listener: Listener, tried: bool = False,
        taken: Taken | None = None, unchanged: Unchanged | None = None,
    ) -> datetime | None:  # fmt: skip
        """Do the work on a mailbox under its lease, unless it is paused or another run has it; tells when it was read.

        With `tried` that is deciding what broke the machine before, else everything but that. The lease of one that was
        `taken` up before is given back by whoever took it, that of others by `end`, which is called now and then. Who
        visits again and again remembers which listings are `unchanged`.
        """
        from engine.run.lease import Lease

        store, waits_s = self.engine.store, self.engine.config.settings("").errors.retry
        lease = Lease(
            store, mailbox.name, self.now, self.wait_s, self.engine.stop, waits_s=waits_s, paused=False, taken=taken,
            ended=self._ended,
        )  # fmt: skip
        with lease:
            if lease.paused:
                report.state, report.code, report.sentence = "paused", PAUSED, lease.paused
            elif not lease.held or lease.taken is None:
                report.state, report.code = "busy", "mailbox.busy"
                report.sentence = f"mailbox {mailbox.name}: another run is working on it ({lease.holder})"
            else:
                own = self.sources.get(mailbox.name)
                with suppress(Stopped):
                    how = self.limit, self.settle, own, self._since(mailbox), self.opened.get(mailbox.name)
                    visit = Visit(
                        self.engine, mailbox, report, lease, listener, self.now, *how, decide=self.decide,
                        unchanged=unchanged,
                    )  # fmt: skip
                    self._tried(visit) if tried else self._usual(visit, lease.taken.standing)
                    report.may_wait = visit.may_wait
        return lease.worked_at

    def _ended(self, visited: Visited) -> None:
        self.ended.append(visited)
        began = self.ended[0].worked_at
        if visited.worked_at is None or began is None or len(self.ended) >= AT_ONCE or self.now() - began >= SOON:
            self.end()

    def end(self) -> None:
        """Note how the visits of late ended, and give their leases back. Raises StoreError."""
        ended, self.ended = self.ended, []
        if ended:
            self.engine.store.mailboxes.end(ended)

    def _since(self, mailbox: Mailbox) -> datetime | None:
        if not self.since and mailbox.since is None:
            return None
        from engine.run.since import since_of

        return since_of(self.engine.config, self.engine.store, mailbox, self.since, self.now())

    def _usual(self, visit: Visit, standing: Standing) -> None:
        """Decide what waits, then read what is new, and note how the mailbox fares. One that waits is not asked."""
        from engine.sources.source import SourceError

        store, report = self.engine.store, visit.report
        if standing.code == BROKEN or standing.fault:
            self._look_at_machine(visit, standing)
            standing = store.setbacks.standing(visit.mailbox.name)
        try:
            if not visit.is_broken:
                visit.look_at_files_again()
                if self.decide:
                    visit.decide_waiting(tried=False)
            if not visit.is_broken:
                self._fetch(visit, standing)
            if report.state != "failed":
                visit.lease.worked_at = self.now()
        except SourceError as error:
            from engine.run.backoff import note_failure

            if not visit.is_broken:
                how = store, self.engine.config, visit.mailbox, standing, error, self.now()
                report.fail(error.code, error.sentence, note_failure(*how, got_on=report.new > 0))
        self._log(report)

    def _look_at_machine(self, visit: Visit, standing: Standing) -> None:
        """Where mail after mail broke, find out whether mail can be decided; a pause that lasts is told."""
        from engine.run.backoff import wait_of

        until = wait_of(self.engine.config, visit.mailbox, standing, self.now()) if standing.code == BROKEN else None
        if (until is not None and not self.named) or (standing.code == BROKEN and not self.decide):
            visit.report.fail(BROKEN, standing.sentence, until)
        elif self.decide:
            visit.judge()

    def _fetch(self, visit: Visit, standing: Standing) -> None:
        """Read what is new, unless nobody is to be asked there: then it is told why. Raises SourceError."""
        from engine.sources import KINDS

        retry_at = self._waits(visit, standing)
        if retry_at is not None and retry_at == standing.retry_at:
            visit.report.fail(standing.code, standing.sentence, retry_at)
        elif retry_at is not None:
            from engine.run.backoff import note_refused

            sentence = note_refused(
                self.engine.store, self.engine.config, visit.mailbox, standing, retry_at, self.now()
            )
            visit.report.fail(REFUSED, sentence, retry_at)
        elif visit.has_room() and (visit.own is not None or visit.mailbox.protocol in KINDS):
            visit.read_new()

    def _tried(self, visit: Visit) -> None:
        if not visit.is_broken:
            visit.decide_waiting(tried=True)
            visit.look_at_replies_again()

    def _waits(self, visit: Visit, standing: Standing) -> datetime | None:
        """Until when a mailbox is left alone because it could not be read before; in most passes nobody asks."""
        asked = self.named or visit.own is not None or visit.opened is not None
        if asked or (standing.retry_at is None and not standing.refused and not self.shared):
            return None
        from engine.run.backoff import still_waits

        return still_waits(self.engine.store, self.engine.config, visit.mailbox, standing, self.now())

    def _log(self, report: MailboxReport) -> None:
        if self.engine.config.logs:
            from engine.run.logged import mailbox

            mailbox(self.engine.config, report)


def stand_in(name: str) -> Mailbox:
    """Give what stands for a mailbox that the configuration does not name any more."""
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
