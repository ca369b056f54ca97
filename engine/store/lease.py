"""One runner for a mailbox at a time, and how its mailbox fares.

Here: `Leases`, a part of `engine.ports.Mailboxes`: leases (a row with a heartbeat and, on one host, a flock beside the
database), the note of the mail in hand, the states that `allegra mailbox list` shows. Not here: the length of a `with`
(`run/lease.py`), claims of mails (`claims.py`), which stay correct without any lease. Invariant: a lease only saves
work; a process that dies gives everything back at once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from engine.model.stored import MailboxState
from engine.store import hot, tables
from engine.store.database import Database, moment, us
from engine.store.listing import Listing, times_of
from engine.store.locks import MADE, Lock, noted_nowhere
from engine.store.migrations import check_version
from engine.store.queue import Queue, is_free

TTL_S = 60.0
RETRY_S = 0.25

BY_HAND = "paused by hand"
"""Why a mailbox is paused where nobody gave a reason."""

CRASH_WAITS_S = (60.0, 300.0, 1800.0, 7200.0)
"""How long a mail waits that was in hand when a process died, where nobody says `errors.retry`."""


class Leases:
    """Leases of mailboxes, and their states."""

    def __init__(self, database: Database, listing: Listing, queue: Queue) -> None:
        self._database, self._listing, self._queue = database, listing, queue
        self._locks: dict[str, Lock] = {}
        self._pass: Lock | None = None
        self._read: set[int] = set()
        self._notes: dict[str, Callable[[int], None]] = {}
        self._otherwise: Callable[[int], None] = noted_nowhere

    def lease(self, mailbox: str, owner: str, now: datetime, ttl_s: float = TTL_S) -> bool:
        number = self._listing.number(mailbox)
        if not self._lock(mailbox, number):
            return False
        check_version(self._database)
        with self._database.joining(noted=number in self._read):  # the first time it gets its day, which is remembered
            held_by, until = self._database.one(hot.HELD_BY, number)
            free = held_by in ("", owner) or is_free(self._database, held_by, until, us(now))
            if free:
                self._database.run(hot.LEASE, owner, us(now) + int(ttl_s * 1_000_000), us(now), number)
        if not free:
            self._unlock(mailbox)
        else:
            self._read.add(number)
        return free

    def heartbeat(self, mailbox: str, owner: str, now: datetime, ttl_s: float = TTL_S) -> bool:
        return beat(self._database, self._listing.number(mailbox), owner, now, ttl_s)

    def release(self, mailbox: str, owner: str) -> None:
        try:
            with self._database.joining(noted=True):
                self._database.run(hot.RELEASE, mailbox, owner)
        finally:
            self._unlock(mailbox)

    def close(self) -> None:
        """Give back the locks of all leases; the rows tell the next one that their owner is gone."""
        for mailbox in list(self._locks):
            self._unlock(mailbox)

    def holder(self, mailbox: str) -> str:
        box = tables.Mailbox
        row = self._database.first(box.select(box.lease_owner).where(box.name == mailbox))
        return self._named(row[0]) if row else ""

    def _lock(self, mailbox: str, number: int) -> bool:
        if mailbox in self._locks:
            return True
        lock = self._database.mailbox_lock(number)
        if lock is None:
            return True
        if not lock.acquire():
            return False
        if self._pass is None:
            passing = self._database.pass_lock(shared=True)
            if passing is None or not passing.acquire():
                lock.release()
                return False
            passing.note(MADE)
            self._pass = passing
        self._locks[mailbox] = lock
        return True

    def _unlock(self, mailbox: str) -> None:
        self._notes.pop(mailbox, None)
        lock = self._locks.pop(mailbox, None)
        if lock is not None:
            lock.release()
        if not self._locks and self._pass is not None:
            self._pass.release()
            self._pass = None

    # ── the mail in hand ──────────────────────────────────────────────────────────────────────────────────────

    def take_over(self, mailbox: str, owner: str, now: datetime, waits_s: Sequence[float] = CRASH_WAITS_S) -> None:
        lock = self._locks.get(mailbox)
        told = lock.noted(2) if lock else []
        in_hand = {told[0].decode("utf-8", "replace"): int(told[1])} if len(told) == 2 and told[1].isdigit() else {}
        self._queue.give_back(mailbox, now, in_hand, waits_s)
        if lock:
            self._notes[mailbox] = lock.counter(owner.encode())

    def noting(self, mailbox: str) -> Callable[[int], None]:
        """Give what notes the mail in hand in the lock file."""
        return self._notes.get(mailbox, self._otherwise)

    def note_all(self, note: Callable[[int], None]) -> None:
        self._otherwise = note

    # ── states ────────────────────────────────────────────────────────────────────────────────────────────────

    def failed(
        self, name: str, code: str, sentence: str, now: datetime, retry_at: datetime | None = None,
        refused: Sequence[datetime] = (), settings: str = "",
    ) -> None:  # fmt: skip
        box, at = tables.Mailbox, us(now)
        self._set(
            name, failures=box.failures + 1, failed_at=at, code=code, sentence=sentence, settings=settings,
            retry_at=us(retry_at) if retry_at is not None else 0, refused=" ".join([str(us(each)) for each in refused]),
            failing_since=tables.Case(None, [(box.failures == 0, at)], box.failing_since),
        )  # fmt: skip

    def worked(self, name: str, now: datetime) -> None:
        number = self._listing.number(name)
        with self._database.joining(noted=True):
            self._database.run(hot.WORKED, us(now), number)

    def pause(self, name: str, reason: str) -> None:
        self._set(name, paused=reason or BY_HAND)

    def resume(self, name: str) -> None:
        self._set(name, paused="")

    def _named(self, owner: str) -> str:
        """Tell who that is, "" for nobody and for one who is gone."""
        host, _, rest = owner.partition("/")
        pid = rest.split("/")[1] if rest.count("/") > 1 else rest
        return f"process {pid} on {host}" if owner and self._database.is_alive(owner) is not False else ""

    def _set(self, name: str, **columns: object) -> None:
        number = self._listing.number(name)
        with self._database.joining(noted=True):
            self._database.do(tables.Mailbox.update(**columns).where(tables.Mailbox.id == number))

    def paused(self, name: str) -> str:
        row = self._database.one(hot.PAUSED, name)
        return str(row[0]) if row else ""

    def states(self) -> list[MailboxState]:
        box, left = tables.Mailbox, tables.LeftAlone
        query = box.select(
            box.name, box.ok_at, box.failures, box.failing_since, box.failed_at, box.code, box.sentence, box.paused,
            box.lease_owner, box.epoch, box.aside, tables.fn.coalesce(left.mails, 0), left.since,
            box.retry_at,
        ).join(left, tables.JOIN.LEFT_OUTER, on=left.mailbox == box.id)  # fmt: skip
        return [
            MailboxState(
                name, moment(ok_at), failures, moment(since), moment(failed_at), code, sentence, paused,
                self._named(holder), epoch, tuple(times_of(aside)), mails, moment(older_than), moment(retry_at),
            )
            for name, ok_at, failures, since, failed_at, code, sentence, paused, holder, epoch, aside, mails,
            older_than, retry_at in self._database.all(query.order_by(box.name))
        ]  # fmt: skip


def beat(database: Database, mailbox: int, owner: str, now: datetime, ttl_s: float) -> bool:
    """Write a heartbeat through any connection."""
    with database.joining(noted=True):
        return bool(database.run(hot.HEARTBEAT, us(now) + int(ttl_s * 1_000_000), mailbox, owner).rowcount)
