"""A process that stays and makes a pass over a mailbox when something moves in it, or when it is time to look.

Here: the loop: who is visited when, what the clock brings about, other settings, a database that is away. Not here: the
pass (`passing.py`), one mailbox between two visits (`lookout.py`), what is printed (`cli/watching.py`).
Invariant: a visit is one of a pass, under its lease, by the same path as that of cron; nothing waits for a server but
the visit to its mailbox; a stop finishes what is being committed.
"""

from __future__ import annotations

import os
import select
import signal
import threading
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from time import monotonic
from types import FrameType
from typing import TYPE_CHECKING, Protocol

from engine.model.stored import pauses
from engine.run.backoff import still_waits
from engine.run.lookout import Lookout, Opened
from engine.run.passing import Pass
from engine.run.report import Listener
from engine.run.room import lack
from engine.stop import Stopped
from engine.store.clock import now as utc_now
from engine.store.errors import StoreError

if TYPE_CHECKING:
    from engine.config import Mailbox
    from engine.run.alive import Alive
    from engine.run.engine import Engine
    from engine.run.line import Line
    from engine.run.report import MailboxReport, Sent
    from engine.stop import Stop

TICK_S = 60.0
"""How often the clock is asked: mail that is due again, digests, alarms, what waits to go out, other files."""

OPENERS = 8
"""Sessions that are opened at the same time, each by a thread."""

AWAY_S, LONGEST_AWAY_S = 5.0, 60.0
"""How long is waited for a database that is away, at first and at last."""


class Beating(Listener):
    """Tells the watchdog that a long pass goes on."""

    def __init__(self, alive: Alive) -> None:
        self._alive = alive

    def mails_done(self, report: MailboxReport, lines: Sequence[Line]) -> None:
        """A batch was committed."""
        self._alive.beat()

    def mailbox_done(self, report: MailboxReport) -> None:
        """A mailbox is finished, well or not."""
        self._alive.beat()


class Host(Protocol):
    """What a watch asks of whoever started it."""

    def begin(self) -> Engine:
        """Open configuration and store; asked again after trouble with the store. Raises StoreError."""

    def anew(self, engine: Engine, *, asked: bool) -> Engine | None:
        """Give an engine of what the files say now, None where nothing changed or it does not load."""

    def end(self, engine: Engine) -> None:
        """Close an engine, and its store."""

    def mailboxes(self, engine: Engine) -> list[Mailbox]:
        """Give the mailboxes to watch."""

    def told(self, engine: Engine, reports: Sequence[MailboxReport], sent: Sent, took_s: float) -> None:
        """Hear of a pass."""

    def away(self, sentence: str) -> None:
        """Hear that the database is away; "" when it is back."""


class Watch:
    """Watches until it is asked to stop."""

    def __init__(self, host: Host, alive: Alive, stop: Stop, settle: bool = True) -> None:
        self._host, self._alive, self._stop, self._settle = host, alive, stop, settle
        self._engine: Engine | None = None
        self._lookouts: dict[str, Lookout] = {}
        self._opening, self._done = 0, deque[Lookout]()
        self._lock = threading.Lock()
        self._tick_at, self._asked = 0.0, False
        self._woken, self._wake = os.pipe()
        os.set_blocking(self._woken, False)
        os.set_blocking(self._wake, False)

    def run(self) -> None:
        """Watch until somebody asks to stop. Raises StoreError where the store cannot be opened at first."""
        self._engine = self._begin()
        with suppress(Stopped), self._signals():
            self._alive.say("READY=1")
            while not self._stop.is_set():
                try:
                    self._turn()
                except StoreError as error:
                    self._wait_for_store(str(error))
        self._alive.say("STOPPING=1")
        self._end()
        os.close(self._woken)
        os.close(self._wake)

    def _begin(self) -> Engine:
        engine = self._host.begin()
        engine.stop = self._stop
        self._look_after(engine)
        return engine

    def _end(self) -> None:
        for lookout in self._lookouts.values():
            lookout.close()
        if self._engine is not None:
            self._host.end(self._engine)
            self._engine = None

    @property
    def engine(self) -> Engine:
        """The engine of now."""
        assert self._engine is not None  # noqa: S101 - it is made first
        return self._engine

    # ── one turn ──────────────────────────────────────────────────────────────────────────────────────────────

    def _turn(self) -> None:
        """Wait for what comes first, then visit whoever wants it. Raises StoreError, Stopped."""
        self._alive.beat()
        for lookout in self._wait():
            lookout.heard()
        if self._asked or monotonic() >= self._tick_at:
            self._look_at_files()
        ticks = monotonic() >= self._tick_at
        if ticks:
            self._tick_at = monotonic() + TICK_S
            self._want_due()
        ready = [*self._ready()]
        if ready or ticks:
            self._visit(ready)

    def _wait(self) -> list[Lookout]:
        """Wait until something moves or is due; gives those whose server said something, or owes us an answer."""
        bells = {each.bell.fileno(): each for each in self._lookouts.values() if each.bell is not None}
        opening = self._accounts_in_doubt()
        due = min([self._tick_at, *(each.due_at for each in self._lookouts.values() if self._may_go_on(each, opening))])
        wait_s = 0.0 if self._asked else max(0.0, self._alive.patience_s(due - monotonic()))
        with self._stop.interruptible():
            poll = select.poll()
            for number in (self._woken, *bells):
                poll.register(number, select.POLLIN)
            found = poll.poll(wait_s * 1000 + 1)
        with suppress(BlockingIOError):
            while os.read(self._woken, 4096):
                pass
        now = monotonic()
        moved = [bells[number] for number, _ in found if number in bells]
        late = [each for each in bells.values() if each not in moved and each.bell and now >= each.bell.deadline]
        return [*moved, *late]

    def _ready(self) -> Iterator[tuple[Lookout, Opened | None]]:
        """Whoever wants a visit and can have it; sessions are opened for the others."""
        while self._done:
            lookout = self._done.popleft()
            if self._lookouts.get(lookout.mailbox.name) is not lookout:
                lookout.close()  # it was let go meanwhile
        now, opening = monotonic(), self._accounts_in_doubt()
        for lookout in self._lookouts.values():
            if lookout.is_opening or now < lookout.not_before or not (lookout.wants or now >= lookout.next_at):
                continue
            lookout.wants = True
            if lookout.bell is not None:
                lookout.rouse()
                if lookout.bell is not None and lookout.bell.is_awake:
                    yield lookout, Opened(lookout.bell.source)
            elif lookout.opened is not None or not lookout.asks_a_server or self._is_left_alone(lookout):
                yield lookout, lookout.opened
            elif self._may_go_on(lookout, opening):
                opening.add(lookout.account)
                with self._lock:
                    self._opening += 1
                lookout.open(self.engine.config.settings("").limits, utc_now, self._opened)

    def _accounts_in_doubt(self) -> set[object]:
        """The accounts of which a login is under way, or was not noted yet: a refused one counts for all mailboxes."""
        return {each.account for each in self._lookouts.values() if each.is_opening or each.opened is not None}

    def _may_go_on(self, lookout: Lookout, opening: set[object]) -> bool:
        """Whether a mailbox may be visited, or a session be opened for it."""
        if lookout.bell is not None or lookout.opened is not None or not lookout.asks_a_server:
            return True
        return self._opening < OPENERS and lookout.account not in opening

    def _opened(self, lookout: Lookout) -> None:
        """Hear, in a thread, what came of opening a session."""
        with self._lock:
            self._opening -= 1
        self._done.append(lookout)
        self._ring()

    def _is_left_alone(self, lookout: Lookout) -> bool:
        """Whether the next visit asks no server: the mailbox waits or is paused, or there is no room for mail."""
        store, name = self.engine.store, lookout.mailbox.name
        standing = store.setbacks.standing(name)
        if pauses(standing) or lack(self.engine.config):
            return True
        return still_waits(store, self.engine.config, lookout.mailbox, standing, utc_now()) is not None

    def _visit(self, ready: Sequence[tuple[Lookout, Opened | None]]) -> None:
        """Make a pass over those mailboxes, and plan what comes next."""
        opened = {lookout.mailbox.name: each for lookout, each in ready if each is not None}
        one = Pass(self.engine, Beating(self._alive), settle=self._settle, hosted=True, opened=opened)
        began = monotonic()
        with self._stop.protected():
            reports = one.run([lookout.mailbox for lookout, _ in ready])
        by_name = {report.name: report for report in reports}
        for lookout, each in ready:
            if (report := by_name.get(lookout.mailbox.name)) is not None:
                lookout.visited(report, utc_now(), ready=each)
        self._host.told(self.engine, reports, one.outbox, monotonic() - began)

    def _want_due(self) -> None:
        """Let mailboxes be visited whose mail is due again."""
        for name in self.engine.store.queue.due_mailboxes(utc_now()):
            if name in self._lookouts:
                self._lookouts[name].wants = True

    # ── what changes ──────────────────────────────────────────────────────────────────────────────────────────

    def _look_at_files(self) -> None:
        """Take up other settings, rules and scripts, as the next run by cron would."""
        asked, self._asked = self._asked, False
        engine = self._host.anew(self.engine, asked=asked)
        if engine is not None:
            engine.stop = self._stop
            self._engine = engine
            self._look_after(engine)
            for lookout in self._lookouts.values():
                lookout.wants = True  # what waited for a file may be decided now

    def _look_after(self, engine: Engine) -> None:
        """Have a lookout for each mailbox; one whose settings changed is begun anew."""
        from engine.config.tried import told

        before, self._lookouts = self._lookouts, {}
        for mailbox in self._host.mailboxes(engine):
            same = before.get(mailbox.name)
            if same is not None and told(same.mailbox) == told(mailbox):
                self._lookouts[mailbox.name] = before.pop(mailbox.name)
            else:
                self._lookouts[mailbox.name] = Lookout(mailbox)
        for gone in before.values():
            gone.close()

    def _wait_for_store(self, sentence: str) -> None:
        """The database is away: all of it is opened again, until it is there. Raises Stopped."""
        self._host.away(sentence)
        self._end()
        self._lookouts = {}
        wait_s = AWAY_S
        while self._engine is None:
            self._alive.beat()
            with self._stop.interruptible():
                select.select([self._woken], [], [], self._alive.patience_s(wait_s))
            wait_s = min(2 * wait_s, LONGEST_AWAY_S)
            with suppress(StoreError):
                self._engine = self._begin()
        self._host.away("")

    # ── signals ───────────────────────────────────────────────────────────────────────────────────────────────

    @contextmanager
    def _signals(self) -> Iterator[None]:
        """Let SIGHUP ask for other settings, where this is the main thread."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = signal.signal(signal.SIGHUP, self._hang_up)
        try:
            yield
        finally:
            signal.signal(signal.SIGHUP, before)

    def _hang_up(self, _signal: int, _frame: FrameType | None) -> None:
        self._asked = True
        self._ring()

    def _ring(self) -> None:
        with suppress(OSError):
            os.write(self._wake, b"!")
