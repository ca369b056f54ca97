"""One runner for a mailbox at a time, and how its mailbox fares.

Here: `Leases`, a part of `engine.ports.Mailboxes`: leases (a row with a heartbeat and, on one host, a flock beside the
database), the note of the mail in hand, the states that `allegra mailbox list` shows. Not here: the length of a `with`
(`run/lease.py`), claims of mails (`claims.py`), which stay correct without any lease. Invariant: a lease only saves
work; a process that dies gives everything back at once.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from engine.model.stored import MailboxState, Taken, Visited
from engine.store import hot, tables
from engine.store.bells import Bell
from engine.store.database import Database, moment, us
from engine.store.listing import Listing, times_of
from engine.store.locks import MADE, Lock, noted_nowhere
from engine.store.migrations import STEPS, check_version, upgrade_wanted
from engine.store.queue import Queue, is_free
from engine.store.troubles import standing_of

if TYPE_CHECKING:
    from engine.store.memory import Memory

NAME, HOLDER, UNTIL, FIRST_READ, SCHEMA, PAUSED = 1, 2, 3, 4, 5, 13
"""Where these stand in a row of `hot.FOUND`."""

NEVER = -1
"""No mailbox is due then."""

TTL_S = 60.0
RETRY_S = 0.25

BY_HAND = "paused by hand"
"""Why a mailbox is paused where nobody gave a reason."""

CRASH_WAITS_S = (60.0, 300.0, 1800.0, 7200.0)
"""How long a mail waits that was in hand when a process died, where nobody says `errors.retry`."""


class Leases:
    """Leases of mailboxes, and their states."""

    def __init__(self, database: Database, listing: Listing, queue: Queue, memory: Memory) -> None:
        self._database, self._listing, self._queue, self._memory = database, listing, queue, memory
        self._locks: dict[str, Lock | None] = {}
        self._pass: Lock | None = None
        self._notes: dict[str, Callable[[int], None]] = {}
        self._otherwise: Callable[[int], None] = noted_nowhere

    def lease(
        self, mailbox: str, owner: str, now: datetime, ttl_s: float = TTL_S, *, paused: bool = True
    ) -> Taken | None:
        number = self._listing.number(mailbox)
        if not self._lock(mailbox, number):
            return None
        taken: Taken | None = None
        try:
            with self._database.joining(noted=True):
                row = self._database.one(f"{hot.FOUND}{self._database.locked('mailbox')}{hot.FOUND_THERE}", number)
                if row[SCHEMA] != len(STEPS):
                    check_version(self._database)
                if row[HOLDER] == owner or self._is_nobodys(row[HOLDER], row[UNTIL], owner, now):
                    taken = _taken(row, owner if paused or not row[PAUSED] else "")
                    if taken.owner:
                        self._write(hot.LEASE, [row], owner, now, ttl_s, number)
        finally:
            if taken is None or not taken.owner:
                self._unlock(mailbox)
        return taken

    def take_due(
        self, owner: str, limit: int, now: datetime, hold_s: float, names: Collection[str] = ()
    ) -> list[Taken]:  # fmt: skip
        """Take the leases of mailboxes that are due and nobody's; each is due again after `hold_s` by itself.

        None while an upgrade of the schema is wanted.
        """
        if not self._begin():
            return []
        try:
            with self._database.joining(noted=True):
                taken = self._due(owner, limit, now, hold_s, names)
            self._locks |= {each.name: None for each in taken}
        finally:
            self._may_end()
        return taken

    def _due(self, owner: str, limit: int, now: datetime, hold_s: float, names: Collection[str]) -> list[Taken]:
        database, until = self._database, us(now) + int(hold_s * 1_000_000)
        here = f" AND name IN ({','.join('?' * len(names))})" if names else ""
        sql = f"{hot.FOUND_DUE}{here} ORDER BY next_at LIMIT ?{database.unlocked('mailbox')}{hot.FOUND_THERE}"
        rows = database.rows(sql, us(now), us(now), *names, limit)
        if not rows or (rows[0][SCHEMA] != len(STEPS) and upgrade_wanted(database)):
            return []
        free = [row for row in rows if self._is_nobodys(row[HOLDER], row[UNTIL], owner, now)]
        if len(free) < len(rows):  # visits that last long
            database.many(hot.PUT_OFF, [(until, row[0]) for row in rows if row not in free])
        if free:
            sql = f"{hot.LEASE_DUE}({','.join('?' * len(free))})"
            self._write(sql, free, owner, now, hold_s, until, *[row[0] for row in free])
        if len(rows) == limit:
            database.ring(Bell.FETCH)
        return [_taken(row, owner, until) for row in free]

    def _write(
        self, sql: str, rows: Sequence[tuple[Any, ...]], owner: str, now: datetime, ttl_s: float, *more: int
    ) -> None:  # fmt: skip
        self._database.run(sql, owner, us(now) + int(ttl_s * 1_000_000), us(now), *more)
        for row in rows:
            if not row[FIRST_READ]:  # it gets its day, which is remembered
                self._memory.forget(("first read", row[NAME]))

    def _is_nobodys(self, held_by: str, until: int, owner: str, now: datetime) -> bool:
        return not held_by or (held_by != owner and is_free(self._database, held_by, until, us(now)))

    def heartbeat(self, mailbox: str, owner: str, now: datetime, ttl_s: float = TTL_S) -> bool:
        return beat(self._database, self._listing.number(mailbox), owner, now, ttl_s)

    def end(self, visits: Sequence[Visited]) -> None:
        try:
            for well in (True, False):
                for owner in sorted({each.taken.owner for each in visits}):
                    some = [
                        each for each in visits if each.taken.owner == owner and (each.worked_at is not None) == well
                    ]
                    if some:
                        self._end(owner, some)
        finally:
            for each in visits:
                self._unlock(each.taken.name)

    def _end(self, owner: str, visits: Sequence[Visited]) -> None:
        """Write down how visits ended: all went well, or none."""
        numbers = [each.taken.number for each in visits]
        columns = [[each.taken.held_until or NEVER for each in visits], [_due(each) for each in visits]]
        columns += [[us(each.worked_at) for each in visits if each.worked_at is not None]]
        what, more = (hot.WORKED, ["ok_at"]) if columns[2] else (hot.LET_GO, [])
        told = [value for column in columns for pair in zip(numbers, column, strict=False) for value in pair]
        with self._database.unflushed(noted=True):
            self._database.run(f"{what}{hot.ended(len(visits), *more)}", *told, owner, *numbers)

    def close(self) -> None:
        """Give back the locks of all leases; the rows tell the next one that their owner is gone."""
        for mailbox in list(self._locks):
            self._unlock(mailbox)

    def holder(self, mailbox: str) -> str:
        box = tables.Mailbox
        row = self._database.first(box.select(box.lease_owner).where(box.name == mailbox))
        return self._named(row[0]) if row else ""

    def _lock(self, mailbox: str, number: int) -> bool:
        """Take what goes with the row of a lease: a lock where there is one, and that of all passes."""
        if mailbox in self._locks:
            return True
        lock = self._database.mailbox_lock(number)
        if lock is not None and not lock.acquire():
            return False
        if not self._begin():
            if lock is not None:
                lock.release()
            return False
        self._locks[mailbox] = lock
        return True

    def _begin(self) -> bool:
        """Keep an upgrade waiting; False while there is one."""
        if self._pass is None:
            passing = self._database.pass_lock(shared=True)
            if passing is not None:
                if not passing.acquire():
                    return False
                passing.note(MADE)
                self._pass = passing
        return True

    def _unlock(self, mailbox: str) -> None:
        self._notes.pop(mailbox, None)
        lock = self._locks.pop(mailbox, None)
        if lock is not None:
            lock.release()
        self._may_end()

    def _may_end(self) -> None:
        if not self._locks and self._pass is not None:
            self._pass.release()
            self._pass = None

    # ── the mail in hand ──────────────────────────────────────────────────────────────────────────────────────

    def take_over(
        self, mailbox: str, owner: str, now: datetime, waits_s: Sequence[float] = CRASH_WAITS_S, *, wait: bool = True,
        free: bool = True,
    ) -> None:  # fmt: skip
        lock = self._locks.get(mailbox)
        told = lock.noted(2) if lock else []
        in_hand = {told[0].decode("utf-8", "replace"): int(told[1])} if len(told) == 2 and told[1].isdigit() else {}
        if wait:
            self._queue.give_back(mailbox, now, in_hand, waits_s, free=free)
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


def _taken(row: tuple[Any, ...], owner: str, held_until: int = 0) -> Taken:
    number, name, _, _, _, _, epoch, uidnext, epochs, aside, wait, is_planned, is_old, *standing = row
    return Taken(
        name, number, owner, standing_of(standing), epoch, uidnext, epochs, aside, bool(wait), bool(is_planned),
        bool(is_old), held_until,
    )  # fmt: skip


def _due(visit: Visited) -> int:
    return us(visit.next_at) if visit.next_at is not None else visit.taken.held_until
