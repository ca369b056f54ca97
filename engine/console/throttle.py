"""How many requests somebody may make: so many at once, and then as many as come back with time.

Here: `Throttle`. Not here: who somebody is (`guard.py`), how long who guesses passwords waits (`model/throttle.py`).
Invariant: it holds a bounded number of names; who is forgotten begins with all they may.
"""

from __future__ import annotations

import math
import threading
from collections import OrderedDict
from collections.abc import Callable
from time import monotonic

A_MINUTE = 300
"""Requests of one session, or of one network where nobody is signed in."""

MOST_KNOWN = 10_000


class Throttle:
    """Use it from any thread."""

    def __init__(self, a_minute: int = A_MINUTE, clock: Callable[[], float] = monotonic) -> None:
        self._most, self._clock = float(a_minute), clock
        self._lock = threading.Lock()
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()
        """How many each may make, and when that was so."""

    def wait(self, who: str) -> int:
        """Count a request; gives the seconds after which one may be made, 0 where this one may."""
        with self._lock:
            now, a_second = self._clock(), self._most / 60.0
            left, at = self._left.pop(who, (self._most, now))
            left = min(left + (now - at) * a_second, self._most)
            may = left >= 1.0
            self._left[who] = (left - 1.0 if may else left, now)
            while len(self._left) > MOST_KNOWN:
                self._left.popitem(last=False)
        return 0 if may else max(math.ceil((1.0 - left) / a_second), 1)
