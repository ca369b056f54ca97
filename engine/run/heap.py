"""What the C library does with memory that a batch gave back.

Here: its settings, and for how long. Not here: what fills the memory, the garbage collector (`passing.py`).
"""

from __future__ import annotations

from contextlib import suppress
from functools import cache

KEPT, SINGLE = 8 * 1024 * 1024, 4 * 1024 * 1024
"""Bytes: free memory at the end of the heap that is kept, and from which size on a block is a mapping of its own."""

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3
"""Parameters of mallopt(3), from glibc's <malloc.h>."""


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
