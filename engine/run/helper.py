"""Another process of a pass: it opens configuration and store by itself and visits the mailboxes it is told.

Here: that process, from its first line to its exit code. Not here: how it hears of a stop (`first.py`), who starts it
and what becomes of its news (`jobs.py`), the visits (`passing.py`).
Invariant: it does with a mailbox what a run by itself would, under the same lease; when nobody listens any more, it
stops as at SIGTERM.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from msgspec.structs import replace

from engine.run.first import First
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
        with Store.open(config.store.where, create=False, migrate=False, busy_s=config.store.busy_timeout) as store:
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
            try:
                passing.visit(mailbox, report, first)
            finally:
                passing.end()
            if stop.is_set():
                first.tell(News("left", Told.of(report)))
                return
            first.mailbox_done(report)


class _First(First, Listener):
    """The process that started this one, which is told how the visits go."""

    def mailbox_started(self, report: MailboxReport, new: int) -> None:
        """A mailbox was listed: `new` mails will be read."""
        self.tell(News("begun", Told.of(report), new))

    def mails_done(self, report: MailboxReport, lines: Sequence[Line]) -> None:
        """A batch was committed."""
        self.tell(News("mails", Told.of(report, lines)))

    def mailbox_done(self, report: MailboxReport) -> None:
        """A mailbox is finished, well or not."""
        self.rest()
        self.tell(News("done", Told.of(report)))
