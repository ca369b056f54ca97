"""An installation kept open for a face that stays: configuration, a store a thread, engines on threads of their own.

Here: `Installation`. Not here: what is asked of them (the rest of `desk`), who asks.
Invariant: a store is used by the thread that opened it, and never again after it raised; a configuration that does not
load leaves the last good one in force, and `trouble` says so.
"""

from __future__ import annotations

import os
import pwd
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, TypeVar

from engine.config import ConfigError, load
from engine.desk.jobs import Jobs
from engine.run.engine import Engine
from engine.store.errors import Busy, NotFound, StoreError
from engine.store.store import Store

if TYPE_CHECKING:
    from engine.config import Config
    from engine.model.desk import Account

__all__ = ["Engine", "Installation", "Store"]

T = TypeVar("T")

LOOK_S = 1.0
"""How often it is looked whether the configuration or rules changed."""

KNOWN_S = 60.0
"""How long it is remembered who is here where nobody signs in: all accounts are gone through for that."""

ENGINES = 2
"""Engines that are kept: each has the rules in memory, and processes of its own for scripts."""

PATIENCE_S = 30.0
"""How long somebody waits for an engine."""


class Installation:
    """Use it from any thread."""

    def __init__(self, path: Path, config: Config) -> None:
        self._path, self._config, self._threads = path, config, threading.local()
        self._stamp, self._looked_at = self._stamped(config), monotonic()
        self._lock = threading.Lock()
        self._pool = ThreadPoolExecutor(ENGINES, thread_name_prefix="engine")
        self._engines: list[Engine] = []
        self._known: tuple[float, Account] | None = None
        self._jobs = Jobs(path.absolute())
        self.trouble = ""
        """Why the configuration that stands in the file is not in force; "" where it is."""

    @property
    def config(self) -> Config:
        """The configuration in force; read anew when its file has changed."""
        with self._lock:
            if monotonic() - self._looked_at >= LOOK_S:
                self._looked_at = monotonic()
                self._renew()
            return self._config

    def _renew(self) -> None:
        stamp = self._stamped(self._config)
        if stamp == self._stamp:
            return
        self._stamp = stamp
        try:
            self._config, self.trouble = load(self._path), ""
        except ConfigError as error:
            self.trouble = f"{self._path.name} does not load any more, what stood there before is in force: {error}"

    def _stamped(self, config: Config) -> tuple[tuple[str, int, int], ...]:
        """What tells that another configuration is to be read; which rule files there are is a part of it."""
        folder = config.rules.directory
        names = tuple([(path.name, 0, 0) for path in sorted(folder.glob("*.toml"))])
        return (*_stamp(self._path), *names)

    @property
    def jobs(self) -> Jobs:
        """Long work, within the limits of the configuration in force."""
        settings = self.config.console
        self._jobs.limit_s, self._jobs.at_once = settings.job_limit, settings.jobs
        return self._jobs

    @contextmanager
    def store(self) -> Iterator[Store]:
        """Give the store of this thread. Raises StoreError."""
        config = self.config
        kept: _Kept | None = getattr(self._threads, "kept", None)
        if kept is None or kept.config is not config:
            if kept is not None:
                kept.store.close()
            store = Store.open(config.store.where, create=False, migrate=False)
            kept = self._threads.kept = _Kept(config, store)
        try:
            yield kept.store
        except StoreError:
            self._threads.kept = None
            kept.close()
            raise

    def ask(self, what: Callable[[Engine], T]) -> T:
        """Let an engine do something, on a thread of its own. Raises what that raises, and Busy where none is free."""
        try:
            return self._pool.submit(self._asked, what).result(PATIENCE_S)
        except TimeoutError:
            raise Busy("the engines are busy: try again in a moment") from None

    def _asked(self, what: Callable[[Engine], T]) -> T:
        with self.store() as store:
            return what(self._engine(store))

    def _engine(self, store: Store) -> Engine:
        """The engine of this thread; made anew with another configuration, store or rules."""
        config = self.config
        stamp = _stamp(*sorted(config.rules.directory.glob("*.toml"))) if config.rules.directory else ()
        kept: tuple[Engine, object] | None = getattr(self._threads, "engine", None)
        if kept is not None and (kept[0].config is not config or kept[0].store is not store or kept[1] != stamp):
            kept[0].close()
            self._engines.remove(kept[0])
            kept = None
        if kept is None:
            kept = self._threads.engine = Engine(config, store), stamp
            self._engines.append(kept[0])
        return kept[0]

    def whoever(self) -> Account:
        """Give the account named like the user who runs this, else the first admin; looked up once a minute.

        Raises NotFound.
        """
        known = self._known
        if known is None or monotonic() - known[0] > KNOWN_S:
            known = self._known = monotonic(), self._whoever()
        return known[1]

    def _whoever(self) -> Account:
        name = pwd.getpwuid(os.getuid()).pw_name
        with self.store() as store:
            found = store.directory.login(name) or next(iter(store.directory.admins()), None)
        if found is None:
            raise NotFound(f"there is no account {name}, and no admin: allegra user add")
        return found

    def close(self) -> None:
        """Stop jobs, engines and scripts, and close the store of this thread; those of others go with them."""
        self._jobs.close()
        self._pool.shutdown(cancel_futures=True)
        for engine in self._engines:
            engine.close()
        kept: _Kept | None = getattr(self._threads, "kept", None)
        if kept is not None:
            kept.close()


class _Kept:
    """The store of a thread. Closed by that thread when it ends: a connection may be closed by no other one."""

    def __init__(self, config: Config, store: Store) -> None:
        self.config, self.store = config, store

    def close(self) -> None:
        with suppress(StoreError):
            self.store.close()

    __del__ = close


def _stamp(*paths: Path) -> tuple[tuple[str, int, int], ...]:
    """What tells that files are others than before."""
    found = []
    for path in paths:
        with suppress(OSError):
            seen = path.stat()
            found.append((path.name, seen.st_mtime_ns, seen.st_size))
    return tuple(found)
