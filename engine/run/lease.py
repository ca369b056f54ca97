"""One runner for a mailbox at a time: the lease, held for the length of a `with`.

Here: taking, keeping and giving back; one that was taken with others. Not here: the row and the lock behind it
(`store/lease.py`).
Invariant: a lease only saves work; what is done without one stays correct.
"""

from __future__ import annotations

import threading
import time as clock
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self, cast

from engine.model.stored import Visited
from engine.store.connecting import connection
from engine.store.errors import StoreError
from engine.store.lease import CRASH_WAITS_S, RETRY_S, TTL_S, beat

if TYPE_CHECKING:
    from engine.model.stored import Taken
    from engine.store.store import Store


class Lease:
    """The lease of a mailbox for the length of a `with`; `held` tells whether we got it, `holder` else who has it.

    Waits up to `wait_s` seconds for another runner. With a file a thread with a connection of its own keeps the lease
    alive where the work takes longer than a third of its time to live; on a server the session keeps it. `taken` tells
    how the mailbox was found, `worked_at` what is to be noted of the visit at its end. A mailbox that pauses is left
    alone unless it is to be had `paused`. One that was `taken` up before is given back by whoever took it.
    """

    def __init__(
        self, store: Store, mailbox: str, now: Callable[[], datetime], wait_s: float = 0.0,
        stop: threading.Event | None = None, ttl_s: float = TTL_S, waits_s: Sequence[float] = CRASH_WAITS_S,
        *, paused: bool = True, taken: Taken | None = None, ended: Callable[[Visited], None] | None = None,
    ) -> None:  # fmt: skip
        self.store, self.mailbox, self.ttl_s = store, mailbox, ttl_s
        self.held, self.holder, self.paused = False, "", ""
        self.taken, self.worked_at = taken, cast("datetime | None", None)
        self._is_lent, self._may_be_paused = taken is not None, paused
        self._ended = ended or (lambda visited: store.mailboxes.end([visited]))
        self._waits_s = waits_s
        self._now, self._wait_s, self._stop = now, wait_s, stop
        self._over: threading.Event | None = None
        self._beaten = 0.0
        self._thread: threading.Thread | None = None

    @cached_property
    def owner(self) -> str:
        """Whoever claims mails here."""
        return self.store.owner

    def __enter__(self) -> Self:
        if self.taken is None:
            self._take()
        else:
            self.store.mailboxes.know(self.taken)
        self.held, self._beaten = bool(self.taken and self.taken.owner), clock.monotonic()
        if not self.held or self.taken is None:
            self.paused = self.taken.standing.paused if self.taken else self.store.mailboxes.paused(self.mailbox)
            self.holder = self.store.mailboxes.holder(self.mailbox) or "the schema is being upgraded"
            return self
        try:
            if self.taken.wait or not self._is_lent:
                how = self.mailbox, self.owner, self._now(), self._waits_s
                self.store.mailboxes.take_over(*how, wait=self.taken.wait, free=not self._is_lent)
        except BaseException:
            self.__exit__(None, None, None)
            raise
        if isinstance(where := self.store.where, Path) and not self._is_lent:
            self._over = threading.Event()
            how_long = where, self.store.mailboxes.number(self.mailbox), self._over
            self._thread = threading.Thread(target=self._keep, args=how_long, daemon=True)
            self._thread.start()
        return self

    def _take(self) -> None:
        """Take the lease, waiting for whoever has it."""
        until, lease = clock.monotonic() + self._wait_s, self.store.mailboxes.lease
        while True:
            self.taken = lease(self.mailbox, self.owner, self._now(), self.ttl_s, paused=self._may_be_paused)
            left = until - clock.monotonic()
            if self.taken is not None or left <= 0 or (self._stop or threading.Event()).wait(min(RETRY_S, left)):
                return

    def heartbeat(self) -> bool:
        """Make the lease last longer if it is time to; False if it was lost."""
        if not self.held or self.taken is None or clock.monotonic() - self._beaten < self.ttl_s / 3:
            return self.held
        self._beaten = clock.monotonic()
        self.held = self.store.mailboxes.heartbeat(self.mailbox, self.taken.owner, self._now(), self.ttl_s)
        return self.held

    def _keep(self, where: Path, mailbox: int, over: threading.Event) -> None:
        """Beat from a thread whenever the work itself did not for a third of the time to live."""
        while not over.wait(self.ttl_s / 3):
            if clock.monotonic() - self._beaten < self.ttl_s / 3:
                continue
            database = connection(where, busy_s=self.ttl_s / 3)
            with suppress(StoreError):
                database.connect(create=False)
                beat(database, mailbox, self.owner, self._now(), self.ttl_s)
                self._beaten = clock.monotonic()
            database.close()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._thread is not None and self._over is not None:
            self._over.set()
            self._thread.join()
        self.held = False
        if self.taken is None or not self.taken.owner or self._is_lent:
            return
        try:
            self._ended(Visited(self.taken, self.worked_at))
        except StoreError:
            if kind is None and self.worked_at is not None:
                raise
