"""Names that look like another: the "did you mean" of all messages.

Here: one call into difflib, which is imported when something is wrong and not before.
"""

from __future__ import annotations

from collections.abc import Iterable


def near_names(word: str, possibilities: Iterable[str], n: int = 1, cutoff: float = 0.6) -> list[str]:
    """Give at most `n` names that look like `word`, the best first."""
    import difflib

    return difflib.get_close_matches(word, list(possibilities), n, cutoff)
