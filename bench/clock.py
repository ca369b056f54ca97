"""What a piece of work takes: CPU seconds, wall seconds, and how they are said."""

from __future__ import annotations

import os
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


def side_by_side() -> float:
    """How much longer a loop takes while another one runs on the other core, median of several: 1.0 on two free cores.

    The loops share nothing; what they cost each other is the machine's: a core that is two halves of one, a neighbour.
    """
    ratios = []
    for _ in range(3):
        alone = _looped()
        receiver, sender = os.pipe()
        for _ in range(2):
            if os.fork() == 0:
                os.write(sender, b"%.6f\n" % _looped())
                os._exit(0)
        for _ in range(2):
            os.wait()
        both = [float(each) for each in os.read(receiver, 100).split()]
        os.close(receiver)
        os.close(sender)
        ratios.append(statistics.mean(both) / alone)
    return statistics.median(ratios)


def _looped() -> float:
    began, made = time.perf_counter(), dict[int, str]()
    for number in range(1_000_000):
        made[number & 0xFFFF] = str(number)
    return time.perf_counter() - began


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
