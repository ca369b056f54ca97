"""What stands behind the doors that stay open: the configuration in force, the way into the spool, deciding afterwards.

Here: `Reception`. Not here: sockets (`listening.py`), protocols (`lmtp.py`, `http.py`), how bytes become ours
(`taking.py`).
Invariant: one thread writes into the spool, one mail after the other, so that memory holds one mail at a time; when
`take` returns the mail is stored durably for all its mailboxes. Deciding waits for nobody and nobody waits for it.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, suppress
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, TypeVar

from msgspec import Struct

from engine.config import ConfigError, SecretError
from engine.doors.taking import astray, handed_over, lay_down
from engine.log import Entry, write
from engine.run.at_once import decide_fresh
from engine.run.engine import Engine
from engine.run.room import lack
from engine.store.clock import now as utc_now
from engine.store.errors import Busy, NoRoom, StoreError
from engine.store.migrations import check_version
from engine.store.place import inode
from engine.store.store import Store
from engine.wording.units import sized

if TYPE_CHECKING:
    from engine.config import Config
    from engine.doors.body import Body
    from engine.model.stored import Spooled
    from engine.stop import Stop
    from engine.store.place import Where

T = TypeVar("T")

PATIENCE_S, BUSY_S = 60.0, 20.0
"""How long a client waits for the spool, and of that how long for another process that writes."""

AGAIN_S = 2.0
"""After so long a mailbox that another run works on, or a database that is away, is looked at again."""

TICK_S = 1.0
"""The longest wait in one piece: a signal that comes just before a wait is heard after it."""

KEEP_S, WARM_S = 30.0, 1.0
"""How long rules and scripts that were loaded serve, and how long they are kept when nothing comes."""

LOOK_S = 2.0
"""How long somebody waits who asks whether we are up."""


class Handed(Struct, frozen=True):
    """A mail as a door has it: `found` is the mailboxes with the recipients of each, `door` how it came, in words.

    `sender` is None where the transport told none; `queue_id` is the name it has there, or "";
    `unknown` are recipients of none of our mailboxes, of which it was not refused.
    """

    body: Body
    found: Mapping[str, tuple[str, ...]]
    door: str
    sender: str | None = None
    queue_id: str = ""
    unknown: tuple[str, ...] = ()


class Stored(Struct, frozen=True):
    """A mail that is ours, in one mailbox; `seen_before` where the mailbox had these bytes already."""

    mailbox: str
    mail: str
    seen_before: bool


class Reception:
    """Takes mail for a door. `load` reads the configuration; it is asked again when the file changes."""

    def __init__(self, config: Config, load: Callable[[], Config]) -> None:
        self._load, self._first = load, _ready(config)
        self._stamp: tuple[int, ...] | None = None  # it may have changed since it was read
        self._config: Config | ConfigError = config
        self._reading = threading.Lock()
        self._writer = ThreadPoolExecutor(1, "spool")
        self._store: Store | None = None
        self._inode = 0
        self._place: tuple[Config, Where] | None = None
        self._bell: SimpleQueue[str] = SimpleQueue()

    @property
    def config(self) -> Config:
        """The configuration in force now. Raises ConfigError while its file does not load."""
        with self._reading:
            if (stamp := _stamp(self._first)) != self._stamp:
                self._stamp = stamp
                try:
                    self._config = _ready(self._load())
                except ConfigError as error:
                    self._config = error
                    first = error.problems[0]
                    self.log(Entry("error", "door.config", f"{first.file} does not load: {first.message}"))
            if isinstance(self._config, ConfigError):
                raise self._config
            return self._config

    def log(self, *entries: Entry) -> None:
        """Log what happened at a door."""
        config = self._first if isinstance(self._config, ConfigError) else self._config
        if config.logs:
            write(config, entries)

    # ── taking ────────────────────────────────────────────────────────────────────────────────────────────────────

    def take(self, mail: Handed) -> list[Stored]:
        """Make a mail ours in all mailboxes it is for. Raises StoreError, ConfigError, OSError: nothing is ours."""
        if said := lack(self.config):
            raise NoRoom(said)
        return self._asked(lambda: self._taken(mail), PATIENCE_S).result()

    def is_up(self) -> bool:
        """Tell whether mail could be taken now."""
        try:
            if lack(self.config):
                return False
            self._asked(lambda: check_version(self._opened().database), LOOK_S).result(LOOK_S)
        except (StoreError, ConfigError, TimeoutError):
            return False
        return True

    def ask_store(self, ask: Callable[[Store], T]) -> Future[T]:
        """Let the thread that holds the database do something with it, when its turn comes."""
        return self._asked(lambda: ask(self._opened()), PATIENCE_S)

    def _asked(self, ask: Callable[[], T], patience_s: float) -> Future[T]:
        """Let the thread that holds the database do something; Busy where its turn does not come in time."""
        until = time.monotonic() + patience_s

        def in_time() -> T:
            if time.monotonic() > until:
                raise Busy("the database was busy for too long")
            return ask()

        return self._writer.submit(in_time)

    def _taken(self, mail: Handed) -> list[Stored]:
        content = mail.body.content()
        raws = [handed_over(content, name, its, mail.sender, mail.queue_id) for name, its in mail.found.items()]
        try:
            spooled = lay_down(self._opened(), raws)
        except BaseException:
            self._shut()
            raise
        for each in spooled:
            if not each.seen_before:
                self._bell.put(each.raw.origin.mailbox)
        self.log(*(_entry(each, mail) for each in spooled))
        if mail.unknown:
            self.log(astray(mail.unknown, mail.door, spooled[0].mail))
        return [Stored(each.raw.origin.mailbox, each.mail, each.seen_before) for each in spooled]

    def _opened(self) -> Store:
        """Give the database as it lies there now: one that was put in its place is opened anew."""
        config = self.config
        where, busy_s = self._where(config), min(config.store.busy_timeout, BUSY_S)
        there = inode(where)
        if self._store is not None and (there != self._inode or self._store.where != where):
            self._shut()
        if self._store is None:
            self._store = Store.open(where, busy_s=busy_s, upgrade_wait_s=busy_s)
            self._inode = there or inode(where)  # that of before: it may be replaced this moment
        return self._store

    def _where(self, config: Config) -> Where:
        """Where the database is; a program that tells it is asked once for each reading of the file."""
        if self._place is None or self._place[0] is not config:
            try:
                self._place = config, config.store.where
            except SecretError as error:
                raise StoreError(str(error)) from None
        return self._place[1]

    def _shut(self) -> None:
        if self._store is not None:
            self._store.close()
        self._store, self._place = None, None

    def close(self) -> None:
        """Let the thread end and close the database; nobody may take after this."""
        self._writer.submit(self._shut)
        self._writer.shutdown()

    # ── deciding ──────────────────────────────────────────────────────────────────────────────────────────────────

    def decide(self, stop: Stop) -> None:
        """Decide what was taken, and what an earlier process left, until somebody asks to stop: then raises Stopped.

        In the main thread, which alone hears signals.
        """
        waiting = self._left_over()
        while True:
            waiting = self._decided(waiting, stop)
            with stop.interruptible():
                waiting |= self._rung(AGAIN_S if waiting else TICK_S)

    def _left_over(self) -> set[str]:
        """Find the mailboxes where mail waits that was taken and not decided."""
        try:
            with Store.open(self.config.store.where, busy_s=BUSY_S) as store:
                return set(store.queue.due_mailboxes(utc_now()))
        except (StoreError, ConfigError, SecretError):
            return set()

    def _rung(self, wait_s: float) -> set[str]:
        """Give the mailboxes that got mail, once some did or `wait_s` is over."""
        found: set[str] = set()
        try:
            found.add(self._bell.get(timeout=wait_s))
            while True:
                found.add(self._bell.get_nowait())
        except Empty:
            return found

    def _decided(self, names: set[str], stop: Stop) -> set[str]:
        """Decide what waits in mailboxes, with the rules as they stand; gives those whose turn has not come."""
        if not names:
            return names
        until = time.monotonic() + KEEP_S
        try:
            config = self.config
            with (
                Store.open(config.store.where, busy_s=config.store.busy_timeout) as store,
                closing(Engine(config, store, stop=stop)) as engine,
            ):
                boxes = {box.name: box for box in config.mailboxes}
                while names and not stop.is_set():
                    names = {name for name in names if name in boxes and not decide_fresh(engine, boxes[name])}
                    if names or time.monotonic() > until:
                        return names
                    names = self._rung(WARM_S)
        except (StoreError, ConfigError, SecretError, OSError) as error:
            self.log(Entry("warning", "door.waits", f"what came is decided later: {error}"))
        return names


def _ready(config: Config) -> Config:
    """Make the folder where big mails lie while they come in: nobody else does where a server has the database."""
    with suppress(OSError):  # a mail that needs it will say so
        config.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    return config


def _stamp(config: Config) -> tuple[int, ...]:
    """What tells that the file of a configuration was changed."""
    try:
        told = os.stat(config.path)  # noqa: PTH116
    except OSError:
        return ()
    return told.st_mtime_ns, told.st_size, told.st_ino


def _entry(spooled: Spooled, mail: Handed) -> Entry:
    raw = spooled.raw
    sender = f"from {mail.sender or '<>'} " if mail.sender is not None else ""
    for_whom = f"for {', '.join(raw.envelope.forward_paths)} " if raw.envelope.forward_paths else ""
    said = f"{sender}{for_whom}by {mail.door}, {sized(len(raw.content))}"
    event = "mail.seen" if spooled.seen_before else "mail.taken"
    return Entry("info", event, said, mail=spooled.mail, mailbox=raw.origin.mailbox)
