"""What a piece of work takes: CPU seconds, wall seconds, and how they are said."""

from __future__ import annotations

import resource
import statistics
import time
from collections.abc import Callable

Line = tuple[str, str, str]
"""What was measured, the figure, its goal."""


def cpu_s() -> float:
    """CPU seconds of this process and of all its ended children."""
    own, children = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    return own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime


def cpu_of(work: Callable[[], object], times: int = 5) -> float:
    """CPU seconds of this process for one piece of work, median of several."""
    return _median(time.process_time, work, times)


def wall_of(work: Callable[[], object], times: int = 5) -> float:
    """Wall seconds for one piece of work, median of several."""
    return _median(time.perf_counter, work, times)


def _median(clock: Callable[[], float], work: Callable[[], object], times: int) -> float:
    figures = []
    for _ in range(times):
        began = clock()
        work()
        figures.append(clock() - began)
    return statistics.median(figures)


def ms(seconds: float) -> str:
    """Say milliseconds."""
    return f"{seconds * 1000:.3f} ms" if seconds < 0.001 else f"{seconds * 1000:.1f} ms"


def us(seconds: float) -> str:
    """Say microseconds."""
    return f"{seconds * 1e6:.0f} us"
