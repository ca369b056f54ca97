"""How far a pass has come, for a person who waits: one line on a terminal, and only when it takes long.

Here: the line. Not here: the pass (`engine/run/passing.py`), what is told at its end (`run.py`).
Invariant: nothing is drawn where standard error is no terminal, nor in the first two seconds; the line is gone before
anything else is printed.
"""

from __future__ import annotations

import sys
import time
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
    """Draws one line that is written over and over."""

    def __init__(self, stream: TextIO | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        self._stream, self._clock = stream or sys.stderr, clock
        self._began = clock()
        self._total = self._done = 0
        self._drawn = False

    def mailbox_started(self, report: MailboxReport, new: int) -> None:
        """A mailbox was listed: `new` mails will be read."""
        self._total, self._done = new, 0
        self._draw(report)

    def mails_done(self, report: MailboxReport, lines: Sequence[Line]) -> None:
        """A batch was committed."""
        self._done += len(lines)
        self._draw(report)

    def mailbox_done(self, report: MailboxReport) -> None:
        """A mailbox is finished, well or not."""
        self.clear()

    def clear(self) -> None:
        """Take the line away."""
        if self._drawn:
            self._write(CLEAR)
            self._drawn = False

    def _draw(self, report: MailboxReport) -> None:
        if not self._stream.isatty() or self._clock() - self._began < PATIENCE_S:
            return
        total = max(self._total, self._done)
        filled = BAR * self._done // total if total else 0
        self._write(f"{CLEAR}{report.name[:20]:<10} {'█' * filled}{'░' * (BAR - filled)} {self._done}/{total}")
        self._drawn = True

    def _write(self, text: str) -> None:
        self._stream.write(text)
        self._stream.flush()
