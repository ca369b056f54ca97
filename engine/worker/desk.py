"""A store, and an engine on it, for one thread at a time; opened when it is needed, given up when the database goes.

Here: `Desk` and `Desks`. Not here: what is done with them. Invariant: a store that raised is never used again: its
connection, its locks and its owner are gone.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from time import monotonic
from typing import TYPE_CHECKING

from engine.config import SecretError
from engine.run.engine import Engine
from engine.run.passing import Pass
from engine.stop import Stop
from engine.store.errors import StoreError
from engine.store.migrations import check_version
from engine.store.store import Store

if TYPE_CHECKING:
    from engine.config import Config

IDLE_S = 60.0
"""How long a connection is kept that nobody needs."""


def opened(config: Config) -> Store:
    """Open the store of a configuration. Raises StoreError."""
    try:
        where, busy_s = config.store.where, config.store.busy_timeout
    except SecretError as error:
        raise StoreError(str(error)) from None
    return Store.open(where, create=False, migrate=False, busy_s=busy_s)


@contextmanager
def beside_upgrades(store: Store) -> Iterator[bool]:
    """Keep an upgrade of the schema waiting as long as this works, unless there is one that is wanted.

    Raises StoreError for another schema.
    """
    lock = store.database.pass_lock(shared=True)
    if lock is not None and not lock.acquire():
        yield False
        return
    try:
        check_version(store.database)
        yield not store.upgrade_wanted()
    finally:
        if lock is not None:
            with suppress(StoreError):
                lock.release()


class Desk:
    """A store with what works on it. `one` is a pass that reads and does not decide."""

    def __init__(self, config: Config, stopped: bool) -> None:
        self.config, self.stop, self.used_at = config, Stop(), monotonic()
        if stopped:
            self.stop.set()
        self.store = opened(config)
        self.engine = Engine(config, self.store, stop=self.stop)
        self.one = Pass(self.engine, hosted=True, decide=False)

    def close(self) -> None:
        with suppress(StoreError):
            self.engine.close()
            self.store.close()


class Desks:
    """Hands out desks, as many as are asked for at once; `opened` sees each new one. Use it from any thread."""

    def __init__(self, config: Config, opened: Callable[[Store], None] = lambda store: None) -> None:
        self._config, self._opened = config, opened
        self._free: list[Desk] = []
        self._taken: set[Desk] = set()
        self._lock = threading.Lock()
        self._is_over = False

    @contextmanager
    def desk(self) -> Iterator[Desk]:
        """Give one for the length of a `with`; after an error of the database it is closed. Raises StoreError."""
        desk = self._take()
        try:
            yield desk
        except BaseException:
            with self._lock:
                self._taken.discard(desk)
            desk.close()
            raise
        desk.used_at = monotonic()
        with self._lock:
            self._taken.discard(desk)
            fits = self.fits(desk)
            if fits:
                self._free.append(desk)
        if not fits:
            desk.close()

    def fits(self, desk: Desk) -> bool:
        """Tell whether a desk is one of this configuration, and may go on."""
        return desk.config is self._config and not self._is_over

    def _take(self) -> Desk:
        with self._lock:
            while self._free:
                desk = self._free.pop()
                self._taken.add(desk)
                return desk
        desk = Desk(self._config, self._is_over)
        try:
            self._opened(desk.store)
        except BaseException:
            desk.close()
            raise
        with self._lock:
            self._taken.add(desk)
            if self._is_over:
                desk.stop.set()
        return desk

    def renew(self, config: Config) -> None:
        """Open the next ones with this configuration."""
        with self._lock:
            self._config = config
            old, self._free = self._free, []
        for desk in old:
            desk.close()

    def tidy(self) -> None:
        """Close those that nobody needed for a while."""
        before = monotonic() - IDLE_S
        with self._lock:
            old = [desk for desk in self._free if desk.used_at < before]
            self._free = [desk for desk in self._free if desk.used_at >= before]
        for desk in old:
            desk.close()

    def end(self) -> None:
        """Ask everybody who has one to stop, and close the others."""
        with self._lock:
            self._is_over = True
            old, self._free = self._free, []
            for desk in self._taken:
                desk.stop.set()
        for desk in old:
            desk.close()
