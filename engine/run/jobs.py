"""Several processes at one pass: who visits which mailbox, what the others tell, what becomes of one that dies.

Here: `Crew`, the turns of a pass and the helpers that take some of them; the messages between the processes. Not here:
what a helper does (`helper.py`), the work on a mailbox (`visit.py`), leases, which keep any two runs apart anyway.
Invariant: a mailbox is begun once; what a helper did not finish the first process does itself, after everything else.
"""

from __future__ import annotations

import sys
import threading
import time
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, SimpleQueue
from types import TracebackType
from typing import TYPE_CHECKING, Literal, Self

import msgspec

from engine.model.whole import as_json
from engine.run.report import Listener, MailboxReport
from engine.stop import Stopped

if TYPE_CHECKING:
    import subprocess

    from engine.config import Mailbox
    from engine.run.line import Line
    from engine.stop import Stop

MUCH = 200
"""Mails of a pass for each process: a second one costs 0.3 s of a processor before its first mail, as much as 100."""

STOPPED = 75
"""The exit code of a helper that was asked to stop."""

STOP_S = 20.0
"""How long a helper that was asked to stop may take, before it is killed: its transactions roll back then."""

_ROOT = str(Path(__file__).resolve().parents[2])
_PROGRAM = "import sys; sys.path.insert(0, sys.argv[1]); from engine.run.helper import main; main()"


class Orders(msgspec.Struct, frozen=True):
    """What a helper is told first: the configuration, with its sha256, and how to visit. Names of mailboxes follow."""

    config: bytes
    digest: str
    limit: int
    wait_s: float
    settle: bool


class News(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a helper tells, a line each: that it is ready, how a mailbox goes on, why it cannot work.

    `new` mails will be read where one is `begun`; `report` holds the lines that were not told before. A mailbox that is
    `left` was not finished, because somebody asked to stop.
    """

    what: Literal["ready", "begun", "mails", "done", "left", "broken"]
    report: MailboxReport | None = None
    new: int = 0
    why: str = ""


@dataclass(eq=False, slots=True)
class Turn:
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
        self, mailboxes: Iterable[Mailbox], stop: Stop, listener: Listener, orders: Orders, jobs: int = 1
    ) -> None:
        self.turns = [Turn(mailbox, MailboxReport(mailbox.name, mailbox.place)) for mailbox in mailboxes]
        self._left, self._back = deque(self.turns), deque[Turn]()
        self._stop, self._listener, self._orders, self._jobs = stop, listener, orders, jobs
        self._listed = self._told = 0
        self._helpers: list[_Helper] = []
        self._notes: list[tuple[MailboxReport, str]] = []
        self._news: _Queue = SimpleQueue()

    @property
    def in_company(self) -> bool:  # type: ignore[override]
        """Tell whether other processes work at the same pass."""
        return bool(self._helpers)

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
                    self._hear(*self._news.get())

    def _mine(self) -> Turn | None:
        """What nobody has begun; then, when the helpers have done theirs, what one of them could not."""
        if turn := _next(self._left):
            return turn
        others = [turn for turn in self.turns if not turn.over and turn not in self._back]
        return None if others else _next(self._back)

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
                self._hear(*self._news.get(timeout=max(0.0, until - time.monotonic())))
        except Empty:
            pass  # one of them does not stop
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
        with suppress(Empty):
            while True:
                self._hear(*self._news.get_nowait())

    def _hear(self, helper: _Helper, turn: Turn | None, news: News | None) -> None:
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
            self._helpers.append(_Helper(report, self._orders, self._left, self._news))


class _Helper:
    """Another process that visits mailboxes, and the thread that hands them out and passes on what it tells.

    `called_by` is the report of the mailbox that was much for one process; `why` it cannot work, as it said itself;
    `had_work` tells whether it was given a mailbox.
    """

    def __init__(self, called_by: MailboxReport, orders: Orders, left: deque[Turn], news: _Queue) -> None:
        self.called_by, self.is_there, self.had_work, self.why = called_by, True, False, ""
        self._orders, self._left, self._news = orders, left, news
        self._turn: Turn | None = None
        self._is_done = False
        self._process: subprocess.Popen[bytes] | None = None
        self._start()

    def _start(self) -> None:
        import subprocess  # only here: most passes start none

        try:
            self._process = subprocess.Popen(  # noqa: S603 - our own interpreter and our own program
                [sys.executable, "-P", "-c", _PROGRAM, _ROOT],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                start_new_session=True,  # a Ctrl-C is for the first process, which passes it on
            )
        except OSError as error:
            self.why = f"it did not start ({error.strerror or error})"
            self._news.put((self, None, None))
        else:
            self._thread = threading.Thread(target=self._talk, args=(self._process,), daemon=True)
            self._thread.start()

    def _talk(self, process: subprocess.Popen[bytes]) -> None:
        """Hand out a mailbox whenever it has none; pass on the news in their order, at last its end."""
        self._say(self._orders)
        with suppress(msgspec.DecodeError, OSError), process:  # it died in the middle of a line
            for line in process.stdout or ():
                told = msgspec.json.decode(line, type=News)
                self._news.put((self, self._turn, told))
                if told.what in ("ready", "done"):
                    self._turn = _next(self._left)
                    if self._turn is None:
                        self._is_done = True
                        break
                    self._turn.begun = self.had_work = True
                    self._say(self._turn.mailbox.name)
        self._news.put((self, self._turn, None))

    def _say(self, said: object) -> None:
        with suppress(OSError, ValueError):  # it is dead, or dismissed
            if self._process is not None and self._process.stdin is not None:
                self._process.stdin.write(as_json(said) + b"\n")
                self._process.stdin.flush()

    def dismiss(self, idle: bool = False) -> None:
        """Let it end: where it has nothing in hand, else as a signal would have it stop. One that is idle just ends."""
        if idle:
            self._is_done = True
            self.kill()
        elif self._process is not None and self._process.stdin is not None:
            with suppress(OSError):
                self._process.stdin.close()

    def ended(self) -> str:
        """Note that it is gone; say why, where it should not have ended."""
        from engine.mail.isolated import ending

        self.is_there = False
        if self.why or self._is_done or self._process is None:
            return self.why
        status = self._process.returncode
        return "it was asked to stop" if status == STOPPED else f"it {ending(status)}"

    def kill(self) -> None:
        """End it where it is, if it is there; its transactions roll back."""
        if self._process is not None:
            self._process.kill()
            self._thread.join()


_Queue = SimpleQueue[tuple[_Helper, Turn | None, News | None]]


def _next(turns: deque[Turn]) -> Turn | None:
    """Take the next one, or None; two threads never get the same."""
    try:
        return turns.popleft()
    except IndexError:
        return None
