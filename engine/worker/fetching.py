"""Mailboxes that are due, read on threads: what is new is spooled and left to the deciders.

Here: `Fetching`: who is visited now, on how many threads, when next. Not here: the visit itself (`run/passing.py`).
Invariant: a visit is one of a pass, under its lease, but that nothing is decided; one that breaks costs that visit; an
account that several mailboxes share is asked by one at a time, on whatever host.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import datetime, timedelta
from time import monotonic
from typing import TYPE_CHECKING

from engine.model.stored import Visited
from engine.run.lookout import next_look_s
from engine.run.report import Listener, MailboxReport
from engine.run.unchanged import Unchanged
from engine.store.database import time
from engine.store.errors import StoreError
from engine.worker.desk import Desk, Desks, beside_upgrades, opened
from engine.worker.rounds import Rounds

if TYPE_CHECKING:
    from engine.config import Config, Mailbox
    from engine.model.stored import Taken

LOOK_S = 0.05
"""How often it is looked whether mailboxes wait for a thread. Where each thread began less than one, all wait for their
servers, and there are twice as many."""

TEND_S = 0.25
"""How often it is looked whether visits that ended are to be noted."""

BROKE_S = 1.0
"""No thread is begun again by itself for so long after one broke."""

NOTED_S = 2.0
"""So long what visits met is gathered before it is noted: all mailboxes are looked at for that."""

UNKNOWN_S = 60.0
"""A mailbox that this configuration does not read is looked at again after so long: another one may."""


class Fetching:
    """Visits what is due whenever it is rung, on at most so many threads."""

    def __init__(
        self, config: Config, threads: int, names: Sequence[str], said: Callable[[str], None],
        away: Callable[[str], None],
    ) -> None:  # fmt: skip
        self._threads, self._names, self._said, self._away = threads, names, said, away
        self._desks = Desks(config)
        self._pool = ThreadPoolExecutor(threads + 1, thread_name_prefix="fetch")
        self._rounds = Rounds(lambda: opened(self._config), names)
        self._wake, self._is_rung, self._is_over, self._broke_at = asyncio.Event(), False, False, -BROKE_S
        self._drains: set[asyncio.Future[None]] = set()
        self._begun, self._looked_at = 0, 0.0
        self._met: dict[str, tuple[Mailbox, MailboxReport]] = {}
        self._unchanged = Unchanged()
        self._notes: asyncio.Future[None] | None = None
        self.take_up(config)

    def take_up(self, config: Config) -> None:
        """Go on with this configuration."""
        self._config = config
        self._mailboxes = {box.name: box for box in config.mailboxes if box.active}
        accounts = Counter(_account(box) for box in self._mailboxes.values() if box.username)
        self._shared = {account for account, number in accounts.items() if number > 1}
        self._desks.renew(config)

    def ring(self) -> None:
        """Hear that something may be due."""
        self._rounds.ring()
        self._is_rung = True
        self._wake.set()

    def tidy(self) -> None:
        """Give up what nobody needed for a while."""
        self._desks.tidy()
        self._rounds.tidy()

    async def run(self) -> None:
        """Visit what is due, until the end. A database that is away is asked again when a bell rings."""
        while not self._is_over:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), self._patience_s())
            self._wake.clear()
            self._hear_ends()
            for _ in range(self._more()):
                drain = self._in_thread(self._drain)
                drain.add_done_callback(lambda _: self._wake.set())
                self._drains.add(drain)
            if self._rounds.is_anything_to_tend:
                await self._tend()
            if self._met and (self._notes is None or self._notes.done()):
                self._notes = asyncio.ensure_future(self._note_soon())

    def _patience_s(self) -> float | None:
        if self._rounds.waiting:
            return LOOK_S
        return None if not self._drains and self._rounds.rests else TEND_S

    def _more(self) -> int:
        """Give how many threads are to begin: one for a bell; as long as mailboxes wait, as many as there are."""
        free, waiting = self._threads - len(self._drains), self._rounds.waiting
        if not free or self._is_over:
            return 0
        rung, self._is_rung = self._is_rung, False
        if waiting and monotonic() - self._broke_at >= BROKE_S:
            before, self._begun, looked_at, self._looked_at = (
                self._begun,
                self._rounds.begun,
                self._looked_at,
                monotonic(),
            )
            waits = self._begun - before < len(self._drains) * (self._looked_at - looked_at) / LOOK_S
            return min(free, waiting, max(1, len(self._drains))) if waits or not self._drains else 0
        return 1 if rung else 0

    def _hear_ends(self) -> None:
        """Hear of threads that found nothing more, or broke."""
        over = {each for each in self._drains if each.done()}
        self._drains -= over
        for each in over:
            if each.cancelled() or (error := each.exception()) is None:
                continue
            self._broke_at = monotonic()
            if isinstance(error, StoreError):
                self._away(str(error))
            else:
                self._said(f"looking for mailboxes broke ({type(error).__name__}: {error}); it is tried again")

    async def _tend(self) -> None:
        try:
            await self._in_thread(self._rounds.tend)
        except StoreError as error:
            self._away(str(error))

    async def _note_soon(self) -> None:
        """Note what visits met, for all of the last seconds at once."""
        await asyncio.sleep(0.0 if self._is_over else NOTED_S)
        try:
            await self._in_thread(self._note)
        except StoreError as error:
            self._away(str(error))

    def _in_thread(self, work: Callable[[], None]) -> asyncio.Future[None]:
        return asyncio.get_running_loop().run_in_executor(self._pool, work)

    async def stop(self, seconds: float) -> bool:
        """Let every visit finish the message in hand; tells whether all did in time."""
        self._is_over = True
        self._wake.set()
        self._desks.end()
        late = (await asyncio.wait(self._drains, timeout=seconds))[1] if self._drains else set()
        if self._met and not late:
            await self._note_soon()
        with suppress(StoreError):
            await asyncio.to_thread(self._rounds.close)
        self._pool.shutdown(wait=not late, cancel_futures=True)
        return not late

    # ── in a thread ───────────────────────────────────────────────────────────────────────────────────────────

    def _drain(self) -> None:
        """Visit one mailbox after the other until none is due. Raises StoreError."""
        with self._desks.desk() as desk, beside_upgrades(desk.store) as may:
            if not may:
                self._rounds.give_up()
            while may and self._desks.fits(desk) and (taken := self._rounds.next()) is not None:
                self._read(desk, taken)

    def _read(self, desk: Desk, taken: Taken) -> None:
        """Visit a mailbox, and tell when it is due next. Raises StoreError."""
        visited, wait_s = Visited(taken), UNKNOWN_S
        try:
            mailbox = self._mailboxes.get(taken.name)
            worked_at, wait_s = (None, UNKNOWN_S) if mailbox is None else self._visited(desk, mailbox, taken)
            if desk.stop.is_set():
                wait_s = 0.0  # it may not be read to its end: another worker goes on
            visited = Visited(taken, worked_at, _now(desk) + timedelta(seconds=wait_s))
        except StoreError:
            raise
        except Exception as error:
            self._said(f"mailbox {taken.name}: the visit broke ({type(error).__name__}: {error})")
        finally:
            self._rounds.end(visited, again=wait_s <= 0)

    def _visited(self, desk: Desk, mailbox: Mailbox, taken: Taken) -> tuple[datetime | None, float]:
        """Visit a mailbox; tells when it was read, and after how many seconds it is due next."""
        worked_at = None
        report = MailboxReport(mailbox.name, mailbox.place)
        lock = desk.store.database.account_lock(_number(mailbox)) if _account(mailbox) in self._shared else None
        if lock is not None and not lock.acquire():
            report.state = "busy"
        else:
            try:
                worked_at = desk.one.visit(mailbox, report, Listener(), taken=taken, unchanged=self._unchanged)
            finally:
                if lock is not None:
                    with suppress(StoreError):
                        lock.release()
        if report.state in ("ok", "failed") and report.may_wait:
            report.waiting = desk.store.queue.waiting(mailbox.name)
        self._met[mailbox.name] = mailbox, report
        return worked_at, next_look_s(mailbox, report, desk.one.now())

    def _note(self) -> None:
        """Note what does not work or does again."""
        met = [self._met.pop(name) for name in [*self._met]]
        with self._desks.desk() as desk:
            desk.one.note_troubles([mailbox for mailbox, _ in met], [report for _, report in met])


def _now(desk: Desk) -> datetime:
    return time(desk.store.database.now())


def _account(mailbox: Mailbox) -> tuple[str, str]:
    return mailbox.host.casefold(), mailbox.username


def _number(mailbox: Mailbox) -> int:
    """The number of an account among locks."""
    return int.from_bytes(hashlib.blake2b(repr(_account(mailbox)).encode(), digest_size=4).digest(), "big", signed=True)
