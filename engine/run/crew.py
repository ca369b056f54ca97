"""The turns of a pass: who visits which mailbox, and what becomes of the turn of a process that dies.

Here: `Crew`: the turns of this process, those that helpers take meanwhile, when one is called, what is heard of them.
Not here: a helper and the messages (`jobs.py`), what it does (`helper.py`), the work on a mailbox (`visit.py`), leases,
which keep any two runs apart anyway.
Invariant: a mailbox is begun once; what a helper did not finish the first process does itself, after everything else.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from types import TracebackType
from typing import TYPE_CHECKING, Self

from msgspec import Struct

from engine.run.report import Listener, MailboxReport
from engine.stop import Stopped

if TYPE_CHECKING:
    from engine.config import Mailbox
    from engine.run.jobs import Helper, News, Orders, Queue
    from engine.run.line import Line
    from engine.stop import Stop

MUCH = 200
"""Mails of a pass for each process: a second one costs 0.3 s of a processor before its first mail, as much as 100."""

STOP_S = 20.0
"""How long a helper that was asked to stop may take, before it is killed: its transactions roll back then."""


class Turn(Struct, eq=False):
    """A mailbox and what is told of it. `begun` by this process or a helper; `over` when nothing is left to do."""

    mailbox: Mailbox
    report: MailboxReport
    begun: bool = False
    over: bool = False


class Crew(Listener):
    """The turns of a pass: iterating gives those of this process, others are taken by helpers meanwhile.

    It hears how the pass goes on and tells `listener`; where many mails are to be read or decided and a mailbox is left
    that nobody has begun, it starts helpers, at most `jobs - 1` in all.
    """

    def __init__(
        self, mailboxes: Iterable[Mailbox], stop: Stop, listener: Listener, orders: Callable[[], Orders], jobs: int = 1
    ) -> None:
        self.turns = [Turn(mailbox, MailboxReport(mailbox.name, mailbox.place)) for mailbox in mailboxes]
        self._left, self._back = deque(self.turns), deque[Turn]()
        self._stop, self._listener, self._orders, self._jobs = stop, listener, orders, jobs
        self._listed = self._told = 0
        self._helpers: list[Helper] = []
        self._notes: list[tuple[MailboxReport, str]] = []
        self._news: Queue | None = None

    @property
    def begun(self) -> list[tuple[Mailbox, MailboxReport]]:
        """What was begun, in the order of the mailboxes."""
        return [(turn.mailbox, turn.report) for turn in self.turns if turn.begun]

    def __iter__(self) -> Iterator[Turn]:
        while not self._stop.is_set():
            if (turn := self._mine()) is not None:
                turn.begun = True
                yield turn
                turn.over = True
                self.mailbox_done(turn.report)
                self._hear_all()
            elif all(turn.over for turn in self.turns):
                return
            else:
                with suppress(Stopped), self._stop.interruptible():
                    self._hear_one()

    def _mine(self) -> Turn | None:
        """What nobody has begun; then, when the helpers have done theirs, what one of them could not."""
        if turn := next_turn(self._left):
            return turn
        others = [turn for turn in self.turns if not turn.over and turn not in self._back]
        return None if others else next_turn(self._back)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Let the helpers end; those that work on something are asked to stop, and waited for: not when asked twice."""
        self._left.clear()
        until = time.monotonic() + (0.0 if isinstance(error, KeyboardInterrupt) else STOP_S)
        try:
            for helper in self._helpers:
                helper.dismiss(idle=not helper.had_work)
            while any(helper.is_there for helper in self._helpers):
                if not self._hear_one(max(0.0, until - time.monotonic())):
                    break  # one of them does not stop
        finally:
            for helper in self._helpers:
                helper.kill()
        for report, sentence in self._notes:
            report.notes.append(sentence)

    # ── what is heard ─────────────────────────────────────────────────────────────────────────────────────────

    def mailbox_started(self, report: MailboxReport, new: int) -> None:
        """A mailbox was listed: `new` mails will be read."""
        self._listed += new
        self._listener.mailbox_started(report, new)
        self._call_for_help(report)

    def mails_done(self, report: MailboxReport, lines: Sequence[Line]) -> None:
        """A batch was committed."""
        self._told += len(lines)
        self._listener.mails_done(report, lines)
        self._hear_all()
        self._call_for_help(report)

    def mailbox_done(self, report: MailboxReport) -> None:
        """A mailbox is finished, well or not."""
        self._listener.mailbox_done(report)

    def _hear_all(self) -> None:
        while self._helpers and self._hear_one(0.0):
            pass

    def _hear_one(self, wait_s: float | None = None) -> bool:
        """Hear what a helper tells next, waiting for it; False where nothing came in time."""
        from queue import Empty

        assert self._news is not None  # noqa: S101 - it is made with the first helper
        try:
            self._hear(*(self._news.get(timeout=wait_s) if wait_s is None or wait_s > 0 else self._news.get_nowait()))
        except Empty:
            return False
        return True

    def _hear(self, helper: Helper, turn: Turn | None, news: News | None) -> None:
        """Take in what a helper told; None is its end, after which what it had begun comes back."""
        if news is None:
            why = helper.ended()
            if turn is None and why:
                self._note(helper.called_by, f"a second process could not help ({why}); the first did it all")
            elif turn is not None and not turn.over:
                name = turn.mailbox.name
                self._note(turn.report, f"mailbox {name}: a second process gave it up ({why}); the first went on")
                self._back.append(turn)
        elif news.what == "broken":
            helper.why = news.why
        elif turn is not None and news.report is not None:
            turn.report.take(news.report)
            turn.over = news.what == "done"
            if news.what == "begun":
                self.mailbox_started(turn.report, news.new)
            elif news.what == "mails":
                self._told += len(news.report.lines)
                self._listener.mails_done(turn.report, news.report.lines)
            elif turn.over:
                self.mailbox_done(turn.report)

    def _note(self, report: MailboxReport, sentence: str) -> None:
        """Say something in a report at the end: until then a helper may tell all of it anew."""
        if not self._stop.is_set():
            self._notes.append((report, sentence))

    def _call_for_help(self, report: MailboxReport) -> None:
        """Start helpers where there is much to do and something left to begin."""
        enough = min(self._jobs, max(self._listed, self._told) // MUCH + 1)
        while self._left and len(self._helpers) + 1 < enough and not self._stop.is_set():
            from engine.run.jobs import Helper, Queue

            self._news = self._news or Queue()
            self._helpers.append(Helper(report, self._orders(), self._left, self._news))


def next_turn(turns: deque[Turn]) -> Turn | None:
    """Take the next one, or None; two threads never get the same."""
    try:
        return turns.popleft()
    except IndexError:
        return None
