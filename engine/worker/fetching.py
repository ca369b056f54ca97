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
from typing import TYPE_CHECKING, Any

from engine.run.lookout import next_look_s
from engine.run.report import Listener, MailboxReport
from engine.store.database import time
from engine.store.errors import StoreError
from engine.worker.desk import Desk, Desks

if TYPE_CHECKING:
    from engine.config import Config, Mailbox

AT_ONCE = 20
"""Mailboxes that are handed out together."""

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
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="fetch")
        self._bell, self._is_over = asyncio.Event(), False
        self._visits: set[asyncio.Future[None]] = set()
        self._met: dict[str, tuple[Mailbox, MailboxReport]] = {}
        self._notes: asyncio.Future[None] | None = None
        self.take_up(config)

    def take_up(self, config: Config) -> None:
        """Go on with this configuration."""
        self._mailboxes = {box.name: box for box in config.mailboxes if box.active}
        accounts = Counter(_account(box) for box in self._mailboxes.values() if box.username)
        self._shared = {account for account, number in accounts.items() if number > 1}
        self._desks.renew(config)

    def ring(self) -> None:
        self._bell.set()

    def tidy(self) -> None:
        """Give up what nobody needed for a while."""
        self._desks.tidy()

    async def run(self) -> None:
        """Visit what is due, until the end. A database that is away is asked again when a bell rings."""
        while not self._is_over:
            await self._bell.wait()
            self._bell.clear()
            try:
                await self._all_due()
            except StoreError as error:
                self._away(str(error))
            except Exception as error:
                self._said(f"looking for mailboxes broke ({type(error).__name__}: {error}); it is tried again")

    async def _all_due(self) -> None:
        while not self._is_over:
            self._visits = {each for each in self._visits if not each.done()}
            free = self._threads - len(self._visits)
            if not free:
                await asyncio.wait(self._visits, return_when=asyncio.FIRST_COMPLETED)
                continue
            names = await self._in_thread(self._take, min(free, AT_ONCE))
            self._visits |= {asyncio.ensure_future(self._visit(name)) for name in names}
            if len(names) < min(free, AT_ONCE):
                return

    async def _visit(self, name: str) -> None:
        try:
            again = await self._in_thread(self._read, name)
        except StoreError as error:
            self._away(str(error))
        except Exception as error:
            self._said(f"mailbox {name}: the visit broke ({type(error).__name__}: {error})")
        else:
            if again:
                self.ring()
        if self._met and (self._notes is None or self._notes.done()):
            self._notes = asyncio.ensure_future(self._note_soon())

    async def _note_soon(self) -> None:
        """Note what visits met, for all of the last seconds at once."""
        await asyncio.sleep(0.0 if self._is_over else NOTED_S)
        try:
            await self._in_thread(self._note)
        except StoreError as error:
            self._away(str(error))

    async def _in_thread(self, work: Callable[..., Any], *params: object) -> Any:
        return await asyncio.get_running_loop().run_in_executor(self._pool, work, *params)

    async def stop(self, seconds: float) -> bool:
        """Let every visit finish the message in hand; tells whether all did in time."""
        self._is_over = True
        self._bell.set()
        self._desks.end()
        late = (await asyncio.wait(self._visits, timeout=seconds))[1] if self._visits else set()
        if self._met and not late:
            await self._note_soon()
        self._pool.shutdown(wait=not late, cancel_futures=True)
        return not late

    # ── in a thread ───────────────────────────────────────────────────────────────────────────────────────────

    def _take(self, limit: int) -> list[str]:
        with self._desks.desk() as desk:
            return desk.store.visiting.take_due(limit, _now(desk), self._names)

    def _read(self, name: str) -> bool:
        """Visit a mailbox; tells whether it is due again at once. Raises StoreError."""
        with self._desks.desk() as desk:
            mailbox = self._mailboxes.get(name)
            wait_s = UNKNOWN_S if mailbox is None else self._visited(desk, mailbox)
            if desk.stop.is_set():
                wait_s = 0.0  # it may not be read to its end: another worker goes on
            desk.store.visiting.read_next([(name, _now(desk) + timedelta(seconds=wait_s))])
            return wait_s <= 0

    def _visited(self, desk: Desk, mailbox: Mailbox) -> float:
        report = MailboxReport(mailbox.name, mailbox.place)
        lock = desk.store.database.account_lock(_number(mailbox)) if _account(mailbox) in self._shared else None
        if lock is not None and not lock.acquire():
            report.state = "busy"
        else:
            try:
                desk.one.visit(mailbox, report, Listener())
            finally:
                if lock is not None:
                    with suppress(StoreError):
                        lock.release()
        if report.state in ("ok", "failed"):
            report.waiting = desk.store.queue.waiting(mailbox.name)
        self._met[mailbox.name] = mailbox, report
        return next_look_s(mailbox, report, desk.one.now())

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
