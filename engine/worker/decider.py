"""A decider: a process of a worker that claims mails, decides them and commits.

Here: that process, from its first line to its exit code. Not here: who starts it and what becomes of the mail that it
dies on (`deciders.py`), the decision of a batch (`run/process.py`).
Invariant: which mail is in hand stands in memory that its parent sees; a mail that kills this process is charged, and
no other. When its parent is gone it stops as at SIGTERM; when the database goes away it ends.
"""

from __future__ import annotations

import mmap
import os
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING

import msgspec
from msgspec.structs import replace

from engine.config import ConfigError, SecretError, load
from engine.run.breaker import judge
from engine.run.engine import Engine
from engine.run.first import First
from engine.run.parents import parted
from engine.run.passing import Pass, stand_in
from engine.run.process import process
from engine.run.taking_up import BATCH, MAX_ATTEMPTS, claim
from engine.stop import Stop, Stopped
from engine.store.database import time
from engine.store.errors import StoreError
from engine.store.store import Store
from engine.worker.desk import beside_upgrades
from engine.worker.orders import AWAY, BROKEN, NOTE_BYTES, STOPPED, Drain, News, Orders

if TYPE_CHECKING:
    from datetime import datetime

    from engine.config import Config, Mailbox
    from engine.model.stored import Spooled
    from engine.run.taking_up import Result

TRIED_EVERY = 8
"""A mail that was tried before comes when there is no fresh one, and then and again although there are."""

SETTLE_S = 15.0
"""So soon after a decision a mailbox is visited again, for what was planned there: moving, marking, deleting."""


def main() -> None:
    """Decide when standard input says so; ends with 75 where it was asked to stop, with 69 without a database."""
    stop = Stop()
    first = First(stop)
    status = 0
    with suppress(Stopped, KeyboardInterrupt), stop.signals(), first.listening():
        status = _work(first, stop)
    sys.exit(STOPPED if stop.is_set() else status)


def _work(first: First, stop: Stop) -> int:
    said = next(first.words(), None)
    if said is None:
        return 0
    orders = msgspec.json.decode(said, type=Orders)
    path = Path(os.fsdecode(orders.config))
    try:
        config = replace(load(path), verbose=orders.verbose)
        where, busy_s = config.store.where, config.store.busy_timeout
        with Store.open(where, create=False, migrate=False, busy_s=busy_s) as store:
            engine = Engine(config, store, stop=stop)
            try:
                store.note_in_hand(_note(orders.note))
                with Pass(engine).at_home():
                    _hear(first, Decider(engine, orders.names))
            finally:
                engine.close()
    except ConfigError:
        first.tell(News("broken", why=f"{path.name} does not load"))
        return BROKEN
    except (SecretError, StoreError) as error:
        first.tell(News("broken", why=str(error)))
        return AWAY
    return 0


def _note(number: int) -> Callable[[int], None]:
    """Give what writes a row into the memory that is shared with the parent, in one go."""
    page = memoryview(mmap.mmap(number, NOTE_BYTES)).cast("q")

    def note(row: int) -> None:
        page[0] = row

    return note


def _hear(first: First, decider: Decider) -> None:
    first.tell(News("ready", owner=decider.owner))
    for said in first.words():
        order = msgspec.json.decode(said, type=Drain)
        decided, left = decider.drain(order.seconds)
        first.rest()
        first.tell(News("idle", owner=decider.owner, decided=decided, left=left))


class Decider:
    """Decides what is due, of all mailboxes or of some."""

    def __init__(self, engine: Engine, names: Sequence[str]) -> None:
        self._engine, self._store, self._names = engine, engine.store, names
        self.owner = self._store.owner

    @property
    def _now(self) -> datetime:
        return time(self._store.database.now())

    def drain(self, seconds: float) -> tuple[int, bool]:
        """Decide until nothing is due or the time is over; gives how many mails, and whether more may be there.

        Raises StoreError, Stopped.
        """
        until, decided, turn = monotonic() + seconds, 0, 0
        with beside_upgrades(self._store) as may:
            if not may:
                return 0, True
            self._judge(self._store.setbacks.doubtful(self._now))
            while not self._engine.stop.is_set():
                if monotonic() >= until or self._store.upgrade_wanted():
                    return decided, True
                turn += 1
                mails = self._claim(turn)
                if not mails:
                    return decided, False
                decided += len(self._decide(mails))
        return decided, True

    def _claim(self, turn: int) -> list[Spooled]:
        """Take fresh mails, or one that was tried before: alone, for it may break what it comes with."""
        ledger, owner, names = self._store.ledger, self.owner, self._names
        fresh = bool(turn % TRIED_EVERY)
        for tried in (not fresh, fresh):
            limit = 1 if tried else BATCH
            if mails := ledger.claim_any(limit, self._now, owner, MAX_ATTEMPTS, tried=tried, names=names):
                return mails
        for name in ledger.spent(self._now, MAX_ATTEMPTS):
            if not names or name in names:
                mails, _ = claim(self._engine, name, self._now, owner, tried=True)
                if mails:
                    return mails
        return []

    def _decide(self, mails: Sequence[Spooled]) -> list[Result]:
        """Decide a batch, replies after the mails that they answer; what waits for one elsewhere is put off."""
        results: list[Result] = []
        left = mails
        while left:
            ready, late = parted(self._store, left, self.owner, self._now)
            results += process(self._engine, ready or late, self._now)
            left = late if ready else []
        self._judge({each.spooled.raw.origin.mailbox for each in results if each.fault})
        read = {each.spooled.raw.origin.mailbox for each in results if each.receipt is not None}
        if read:
            self._store.visiting.read_soon(read, self._now + timedelta(seconds=SETTLE_S))
        return results

    def _judge(self, names: Sequence[str] | set[str]) -> None:
        """Where mail after mail broke, find out whether the machine is to blame: then the mailbox pauses."""
        for name in sorted(names):
            judge(self._engine, _mailbox(self._engine.config, name), self.owner, self._now)


def _mailbox(config: Config, name: str) -> Mailbox:
    try:
        return config.mailbox(name)
    except KeyError:
        return stand_in(name)
