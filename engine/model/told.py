"""How far long work has come, told to whoever waits for it.

Here: the shape of that. Not here: the line that is drawn (`cli/progress.py`).
"""

from __future__ import annotations

from collections.abc import Callable

Told = Callable[[int, int], object]
"""Hears how much is done, and of how much; 0 where nobody knows of how much."""


def nobody(_done: int, _total: int) -> None:
    """Tell nobody."""
