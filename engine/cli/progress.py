"""How far a piece of work has come, for who waits: a line on a terminal when it takes long, or JSON for programs.

Here: the line, of a pass and of other long work. Not here: the pass (`engine/run/passing.py`), what is told at its end
(`run.py`).
Invariant: nothing is drawn where standard error is no terminal, nor in the first two seconds; the line is gone before
anything else is printed. A program that asks for it (`ALLEGRA_PROGRESS=json`) reads a line of JSON on standard error,
from the beginning and four times a second at most.
"""

from __future__ import annotations

import os
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Self, TextIO

from engine.run.passing import Listener

if TYPE_CHECKING:
    from engine.run.line import Line
    from engine.run.passing import MailboxReport

PATIENCE_S = 2.0
BAR = 20
STEP_S = 0.25
"""How often a program is told at most."""

CLEAR = "\r\x1b[K"


class Drawn:
    """One line that is written over and over."""

    def __init__(self, stream: TextIO | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        self._stream, self._clock = stream or sys.stderr, clock
        self._began, self._drawn = clock(), False
        self._told_at = self._began - STEP_S
        self._for_a_program = os.environ.get("ALLEGRA_PROGRESS") == "json"

    def draw(self, what: str, done: int, total: int) -> None:
        """Draw how much of what is done, unless nobody looks or nobody has waited yet."""
        if self._for_a_program:
            self._tell(done, total)
            return
        if not self._stream.isatty() or self._clock() - self._began < PATIENCE_S:
            return
        filled = BAR * min(done, total) // total if total else 0
        bar = f"{'█' * filled}{'░' * (BAR - filled)} {done}/{total}" if total else f"{done}"
        self._write(f"{CLEAR}{what[:20]:<10} {bar}")
        self._drawn = True

    def clear(self) -> None:
        """Take the line away."""
        if self._drawn:
            self._write(CLEAR)
            self._drawn = False

    def _tell(self, done: int, total: int) -> None:
        """Tell a program, at the end in any case."""
        now = self._clock()
        if now - self._told_at >= STEP_S or done == total:
            self._told_at = now
            self._write(f'{{"progress": {done}, "of": {total}}}\n')

    def _write(self, text: str) -> None:
        self._stream.write(text)
        self._stream.flush()


class Work:
    """The line of one piece of work: called with how many of how many are done, gone when it ends, well or not."""

    def __init__(self, what: str, line: Drawn | None = None) -> None:
        self._what, self._line = what, line or Drawn()

    def __enter__(self) -> Self:
        return self

    def __call__(self, done: int, total: int) -> None:
        """Say how far it has come."""
        self._line.draw(self._what, done, total)

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._line.clear()


class Progress(Listener):
    """The line of a pass, for all mailboxes in work together."""

    def __init__(self, stream: TextIO | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        self._line = Drawn(stream, clock)
        self._totals: dict[str, int] = {}
        self._done: Counter[str] = Counter()

    def mailbox_started(self, report: MailboxReport, new: int) -> None:
        """A mailbox was listed: `new` mails will be read."""
        self._totals[report.name], self._done[report.name] = new, 0
        self._draw()

    def mails_done(self, report: MailboxReport, lines: Sequence[Line]) -> None:
        """A batch was committed."""
        self._done[report.name] += len(lines)
        self._draw()

    def mailbox_done(self, report: MailboxReport) -> None:
        """A mailbox is finished, well or not."""
        self._totals.pop(report.name, None)
        del self._done[report.name]
        self.clear()

    def clear(self) -> None:
        """Take the line away."""
        self._line.clear()

    def _draw(self) -> None:
        total = sum(max(self._totals.get(name, 0), number) for name, number in self._done.items())
        self._line.draw(" + ".join(self._done), self._done.total(), total)
