"""One runner for a mailbox at a time: the lease, held for the length of a `with`.

Here: taking, keeping and giving back. Not here: the row and the lock behind it (`store/lease.py`).
Invariant: a lease only saves work; what is done without one stays correct.
"""

from __future__ import annotations

import threading
import time as clock
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from engine.store.connecting import connection
from engine.store.errors import StoreError
from engine.store.lease import CRASH_WAITS_S, RETRY_S, TTL_S, beat

if TYPE_CHECKING:
    from engine.store.store import Store


class Lease:
    """The lease of a mailbox for the length of a `with`; `held` tells whether we got it, `holder` else who has it.

    Waits up to `wait_s` seconds for another runner. With a file a thread with a connection of its own keeps the lease
    alive where the work takes longer than a third of its time to live; on a server the session keeps it.
    """

    def __init__(
        self, store: Store, mailbox: str, now: Callable[[], datetime], wait_s: float = 0.0,
        stop: threading.Event | None = None, ttl_s: float = TTL_S, waits_s: Sequence[float] = CRASH_WAITS_S,
    ) -> None:  # fmt: skip
        self.store, self.mailbox, self.owner, self.ttl_s = store, mailbox, store.owner, ttl_s
        self.held, self.holder = False, ""
        self._waits_s = waits_s
        self._now, self._wait_s, self._stop = now, wait_s, stop or threading.Event()
        self._over = threading.Event()
        self._beaten = 0.0
        self._thread: threading.Thread | None = None

    def __enter__(self) -> Self:
        until = clock.monotonic() + self._wait_s
        while not (held := self.store.mailboxes.lease(self.mailbox, self.owner, self._now(), self.ttl_s)):
            left = until - clock.monotonic()
            if left <= 0 or self._stop.wait(min(RETRY_S, left)):
                break
        self.held, self._beaten = held, clock.monotonic()
        if not held:
            self.holder = self.store.mailboxes.holder(self.mailbox) or "the schema is being upgraded"
            return self
        try:
            self.store.mailboxes.take_over(self.mailbox, self.owner, self._now(), self._waits_s)
        except BaseException:
            self.__exit__(None, None, None)
            raise
        if isinstance(where := self.store.where, Path):
            self._thread = threading.Thread(
                target=self._keep, args=(where, self.store.mailboxes.number(self.mailbox)), daemon=True
            )
            self._thread.start()
        return self

    def heartbeat(self) -> bool:
        """Make the lease last longer if it is time to; False if it was lost."""
        if not self.held or clock.monotonic() - self._beaten < self.ttl_s / 3:
            return self.held
        self._beaten = clock.monotonic()
        self.held = self.store.mailboxes.heartbeat(self.mailbox, self.owner, self._now(), self.ttl_s)
        return self.held

    def _keep(self, where: Path, mailbox: int) -> None:
        """Beat from a thread whenever the work itself did not for a third of the time to live."""
        while not self._over.wait(self.ttl_s / 3):
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
        self._over.set()
        if self._thread is not None:
            self._thread.join()
        if self.held:
            self.held = False
            with suppress(StoreError):
                self.store.mailboxes.release(self.mailbox, self.owner)
