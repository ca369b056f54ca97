"""Sizes and times as people write them.

Here: `4.2 kB`, `2 hours`. Not here: the words around them (`english.py`).
"""

from __future__ import annotations


def sized(size_bytes: float) -> str:
    """Write a size for people: `812 B`, `4.2 kB`, `10 MB`; as in the configuration, 1 kB is 1024 bytes."""
    amount = float(size_bytes)
    for unit in ("B", "kB", "MB", "GB"):
        if amount < 1024 or unit == "GB":
            break
        amount /= 1024
    return f"{amount:.0f} {unit}" if amount >= 10 or unit == "B" else f"{amount:.1f} {unit}"


def spanned(seconds: float) -> str:
    """Write a time for people: `1 hour`, `2 days`, `90 seconds`; the biggest unit that leaves no rest."""
    for unit, length in (("day", 86400), ("hour", 3600), ("minute", 60)):
        if seconds >= length and seconds % length == 0:
            count = int(seconds // length)
            return f"{count} {unit}{'s' if count > 1 else ''}"
    return f"{seconds:g} seconds"
