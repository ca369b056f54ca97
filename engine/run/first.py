"""The process that started this one, from the side of the one that was started.

Here: what it says on standard input, what it is told on standard output, and that its end is a request to stop. Not
here: what is said (`jobs.py`, `engine/worker`). Invariant: when nobody listens any more, this process stops as at
SIGTERM; while it has nothing in hand, it just ends.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from queue import SimpleQueue
from typing import TYPE_CHECKING

from engine.model.whole import as_json

if TYPE_CHECKING:
    from engine.stop import Stop


class First:
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

    def rest(self) -> None:
        """Have nothing in hand: that it says no more is a reason to end then, and no request to stop."""
        self._waits = True

    def tell(self, news: object) -> None:
        """Tell it something; where it is gone, nobody hears, and `words` end soon."""
        left = memoryview(as_json(news) + b"\n")
        with self._stop.protected(), suppress(BrokenPipeError):
            while left:
                left = left[os.write(self._out, left) :]
