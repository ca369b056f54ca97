"""Listings in which nothing was new, remembered for a while by a process that visits a mailbox again and again.

Here: `Unchanged`. Not here: comparing a listing with the ledger (`store/listing.py`).
Invariant: only the same messages of the same epoch are the same listing, and none is remembered for longer than
`KEPT_S`: what another process changed in the ledger meanwhile, an erased mail, a message that came back, is seen then.
"""

from __future__ import annotations

from collections.abc import Sequence
from time import monotonic

KEPT_S = 600.0
"""How long a listing is remembered after it was compared."""


class Unchanged:
    """Use it from any thread: a mailbox is visited by one at a time."""

    def __init__(self) -> None:
        self._seen: dict[str, tuple[int, float]] = {}

    def is_known(self, mailbox: str, epoch: object, keys: Sequence[str]) -> bool:
        """Tell whether this listing was compared a while ago, and all in it was known."""
        seen, until = self._seen.get(mailbox, (0, 0.0))
        return monotonic() < until and seen == _of(epoch, keys)

    def note(self, mailbox: str, epoch: object, keys: Sequence[str]) -> None:
        """Remember that all in this listing is known; what is remembered already is not kept longer for that."""
        self._seen[mailbox] = _of(epoch, keys), monotonic() + KEPT_S


def _of(epoch: object, keys: Sequence[str]) -> int:
    """What tells a listing from others: 64 bits, keyed anew in each process."""
    return hash((epoch, *keys))
