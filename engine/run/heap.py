"""How the memory of a process that decides is cared for: the garbage collector, and the heap of the C library.

Here: both settings, and for how long. Not here: what fills the memory.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache

KEPT, SINGLE = 8 * 1024 * 1024, 4 * 1024 * 1024
"""Bytes: free memory at the end of the heap that is kept, and from which size on a block is a mapping of its own."""

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3
"""Parameters of mallopt(3), from glibc's <malloc.h>."""


@contextmanager
def calm_collector() -> Iterator[None]:
    """Let the garbage collector look more rarely: a decision makes much and leaves no cycles (100 us a mail)."""
    before = gc.get_threshold()
    gc.freeze()
    gc.set_threshold(100_000, 20, 100)
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()


@cache
def keep_heap() -> None:
    """Keep what a batch gave back for the next one: else glibc returns it, and every page comes back as a fault.

    Two of five page faults of a run, 20 to 50 us a mail. It holds for the life of the process; without glibc nothing
    happens.
    """
    import ctypes

    with suppress(OSError, AttributeError):
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(_TRIM_THRESHOLD, KEPT)
        mallopt(_MMAP_THRESHOLD, SINGLE)
