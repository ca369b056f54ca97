"""How far a pass has come, for a person who waits: one line on a terminal, and only when it takes long.

Here: the line. Not here: the pass (`engine/run/passing.py`), what is told at its end (`run.py`).
Invariant: nothing is drawn where standard error is no terminal, nor in the first two seconds; the line is gone before
anything else is printed.
"""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TextIO

from engine.run.passing import Listener

if TYPE_CHECKING:
    from engine.run.line import Line
    from engine.run.passing import MailboxReport

PATIENCE_S = 2.0
BAR = 20
CLEAR = "\r\x1b[K"


class Progress(Listener):
    """Draws one line that is written over and over, for all mailboxes in work together."""

    def __init__(self, stream: TextIO | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        self._stream, self._clock = stream or sys.stderr, clock
        self._began = clock()
        self._totals: dict[str, int] = {}
        self._done: Counter[str] = Counter()
        self._drawn = False

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
        if self._drawn:
            self._write(CLEAR)
            self._drawn = False

    def _draw(self) -> None:
        if not self._stream.isatty() or self._clock() - self._began < PATIENCE_S:
            return
        done = self._done.total()
        total = sum(max(self._totals.get(name, 0), number) for name, number in self._done.items())
        filled = BAR * done // total if total else 0
        names = " + ".join(self._done)
        self._write(f"{CLEAR}{names[:20]:<10} {'█' * filled}{'░' * (BAR - filled)} {done}/{total}")
        self._drawn = True

    def _write(self, text: str) -> None:
        self._stream.write(text)
        self._stream.flush()
