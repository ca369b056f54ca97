"""What people are writing on items and have not sent.

Here: `BegunWords`. Not here: drafts that others see and send, which are comments (`Items.drafts`).
Invariant: it is told to nobody but who writes it; it sends nothing and is no event.
"""

from __future__ import annotations

from typing import Protocol

from engine.model.stored import Begun


class BegunWords(Protocol):
    """What each account is writing on each item. It goes with the account and with the item."""

    def put(self, account: int, item: int, mode: str, words: str, key: str = "") -> bool:
        """Keep what somebody is writing on an item, in place of what they wrote before.

        Where an act with this `key` was done, these words are sent already: nothing is kept, and it tells so.
        """

    def begun(self, account: int, item: int) -> Begun | None:
        """Give what somebody is writing on an item."""

    def drop(self, account: int, item: int) -> bool:
        """Forget what somebody is writing on an item; tells whether there was anything."""
