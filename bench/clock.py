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
    return sum(_used(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))


def children_cpu_s() -> float:
    """CPU seconds of the ended children alone."""
    return _used(resource.RUSAGE_CHILDREN)


def children_peak_mb() -> float:
    """The most memory that an ended child had."""
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1000


def _used(who: int) -> float:
    usage = resource.getrusage(who)
    return usage.ru_utime + usage.ru_stime


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
