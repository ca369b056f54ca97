"""Another process of a pass: it opens configuration and store by itself and visits the mailboxes it is told.

Here: that process, from its first line to its exit code, and how it hears of a stop. Not here: who starts it and what
becomes of its news (`jobs.py`), the visits (`passing.py`).
Invariant: it does with a mailbox what a run by itself would, under the same lease; when nobody listens any more, it
stops as at SIGTERM.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from queue import SimpleQueue
from typing import TYPE_CHECKING

import msgspec
from msgspec.structs import replace

from engine.model.whole import as_json
from engine.run.jobs import STOPPED, News, Orders, Told
from engine.run.passing import Pass
from engine.run.report import Listener, MailboxReport
from engine.stop import Stop, Stopped

if TYPE_CHECKING:
    from engine.config import Config
    from engine.run.line import Line


def main() -> None:
    """Visit what standard input names, tell on standard output; ends with 75 where it was asked to stop."""
    stop = Stop()
    first = _First(stop)
    with suppress(Stopped, KeyboardInterrupt), stop.signals(), first.listening():
        _work(first, stop)
    sys.exit(STOPPED if stop.is_set() else 0)


def _work(first: _First, stop: Stop) -> None:
    from engine.config import ConfigError, SecretError, load
    from engine.run.engine import Engine
    from engine.store.errors import StoreError
    from engine.store.store import Store

    said = next(first.words(), None)
    if said is None:
        return
    orders = msgspec.json.decode(said, type=Orders)
    path = Path(os.fsdecode(orders.config))
    try:
        config = load(path)
        if config.digest != orders.digest:
            first.tell(News("broken", why=f"{path.name} was changed meanwhile"))
            return
        with Store.open(config.store.path, create=False, migrate=False, busy_s=config.store.busy_timeout) as store:
            engine = Engine(replace(config, verbose=orders.verbose), store, stop=stop)
            try:
                how = orders.limit, orders.wait_s, orders.settle
                _visit(first, config, Pass(engine, first, *how, since=orders.since, named=orders.named))
            finally:
                engine.close()
    except ConfigError:
        first.tell(News("broken", why=f"{path.name} does not load any more"))
    except (SecretError, StoreError, OSError) as error:
        first.tell(News("broken", why=str(error)))


def _visit(first: _First, config: Config, passing: Pass) -> None:
    stop = passing.engine.stop
    with passing.at_home():
        first.tell(News("ready"))
        for name in first.words():
            mailbox = config.mailbox(msgspec.json.decode(name, type=str))
            report = MailboxReport(mailbox.name, mailbox.place)
            passing.visit(mailbox, report, first)
            if stop.is_set():
                first.tell(News("left", Told.of(report)))
                return
            first.mailbox_done(report)


class _First(Listener):
    """The process that started this one: what it says, and what it is told."""

    def __init__(self, stop: Stop) -> None:
        self._stop = stop
        self._said: SimpleQueue[bytes] = SimpleQueue()
        self._waits = True
        self._out = os.dup(1)
        os.dup2(2, 1)  # what a library prints is no news

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Hear what it says; that it says no more, while there is work in hand, is a request to stop."""
        before = signal.signal(signal.SIGUSR1, lambda *_: self._stop.ask())
        threading.Thread(target=self._listen, daemon=True).start()
        try:
            yield
        finally:
            signal.signal(signal.SIGUSR1, before)

    def _listen(self) -> None:
        rest = b""
        while said := os.read(0, 65536):
            *lines, rest = (rest + said).split(b"\n")
            for line in lines:
                self._said.put(line)
        self._said.put(b"")
        if not self._waits:
            signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGUSR1)

    def words(self) -> Iterator[bytes]:
        """What it says, a line each, until it says no more. Raises Stopped while nothing comes."""
        while True:
            self._waits = True
            with self._stop.interruptible():
                said = self._said.get()
            if not said:
                return
            self._waits = False
            yield said

    def tell(self, news: News) -> None:
        """Tell it something; where it is gone, nobody hears, and `words` end soon."""
        left = memoryview(as_json(news) + b"\n")
        with self._stop.protected(), suppress(BrokenPipeError):
            while left:
                left = left[os.write(self._out, left) :]

    def mailbox_started(self, report: MailboxReport, new: int) -> None:
        """A mailbox was listed: `new` mails will be read."""
        self.tell(News("begun", Told.of(report), new))

    def mails_done(self, report: MailboxReport, lines: Sequence[Line]) -> None:
        """A batch was committed."""
        self.tell(News("mails", Told.of(report, lines)))

    def mailbox_done(self, report: MailboxReport) -> None:
        """A mailbox is finished, well or not."""
        self._waits = True
        self.tell(News("done", Told.of(report)))
