"""How a pass is stopped without harm, and how a mail that never ends is.

Here: `Stop`, what Ctrl-C and SIGTERM do, the limit on the processor time of one decision.
Not here: what is finished and what is given back after a stop (`run/passing.py`, `run/process.py`).
Invariant: a signal interrupts only where nothing is half done; what is protected is finished first.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

DECISION_CPU_S = 20.0
"""Processor time that one step of a mail may take, a second less at most; after that the attempt is lost."""

DECISION_KILL_S = 30.0
"""Processor time after which the whole process is ended: the mail hangs where no exception reaches it."""


class Stopped(BaseException):
    """The pass was asked to stop. No Exception: whoever guards against broken mail must not take it for one."""


class TookTooLong(Exception):
    """A mail used up the processor time it may have."""


class Stop(threading.Event):
    """Whether somebody asked to stop.

    An Event whose `set` a signal handler may call: the real one takes a lock, which the interrupted code may hold.
    """

    def __init__(self) -> None:
        super().__init__()
        self._asked = self._may_interrupt = self._hears = False

    def is_set(self) -> bool:
        return self._asked

    def set(self) -> None:
        self._asked = True

    def wait(self, timeout: float | None = None) -> bool:
        """Wait all of `timeout` seconds, unless a signal interrupts; tell whether to stop."""
        if not self._asked:
            super().wait(timeout)
        return self._asked

    @contextmanager
    def interruptible(self) -> Iterator[None]:
        """Here a request to stop raises Stopped at once: nothing is in hand, or only what costs nothing to lose."""
        before, self._may_interrupt = self._may_interrupt, True
        try:
            if self._asked:
                raise Stopped
            yield
        finally:
            self._may_interrupt = before

    @contextmanager
    def protected(self) -> Iterator[None]:
        """What is begun here is finished before the pass stops: a request that came meanwhile is heard at its end."""
        before, self._may_interrupt = self._may_interrupt, False
        try:
            yield
        finally:
            self._may_interrupt = before
        if before and self._asked:
            raise Stopped

    @contextmanager
    def signals(self) -> Iterator[None]:
        """Let Ctrl-C and SIGTERM ask to stop; a second one ends the process where it is (transactions roll back).

        Only in the main thread, and once: inside another `signals`, or elsewhere, nothing changes.
        """
        if self._hears or threading.current_thread() is not threading.main_thread():
            yield
            return
        self._hears = True
        before = {each: signal.signal(each, self._hear) for each in (signal.SIGINT, signal.SIGTERM)}
        before[signal.SIGVTALRM] = signal.signal(signal.SIGVTALRM, _too_long)
        try:
            yield
        finally:
            for each, handler in before.items():
                signal.signal(each, handler)
            self._hears = False

    def _hear(self, _signal: int, _frame: FrameType | None) -> None:
        if self._asked:
            raise KeyboardInterrupt
        self.ask()

    def ask(self) -> None:
        """Ask as a first signal does; in the main thread only. Who asks again is not heard."""
        if self._asked:
            return
        self._asked = True
        if self._may_interrupt:
            raise Stopped

    def limit(self, on: bool) -> None:
        """Start (or end) the clock of a mail: TookTooLong after `DECISION_CPU_S`, then the end of the process.

        Processor time, so that waiting for a script or a scanner, which have limits of their own, does not count.
        """
        if self._hears:
            signal.setitimer(signal.ITIMER_VIRTUAL, DECISION_CPU_S if on else 0.0)
            signal.setitimer(signal.ITIMER_PROF, DECISION_KILL_S if on else 0.0)


def _too_long(_signal: int, _frame: FrameType | None) -> None:
    raise TookTooLong(f"deciding this mail took longer than {DECISION_CPU_S:.0f} s of processor time")
