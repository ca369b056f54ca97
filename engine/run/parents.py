"""A reply is decided after the mail it answers.

Here: which mails of a batch have to wait: those whose parent another process has in hand, and those whose parent is in
the same batch: it becomes an item before they are decided. Not here: waiting (`visit.py`).
Invariant: only a mail with a lower number of the ledger is waited for, so no two processes wait for each other.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from engine.mail.conversation import named

if TYPE_CHECKING:
    from engine.model.stored import Spooled
    from engine.store.store import Store

WAIT_S = 10.0
"""How long a batch waits in all: whoever has a mail in hand for longer than that is stuck with it."""

LOOK_S = 0.02


class Parents:
    """Looks for the mails that replies answer among those that other processes than `owner` have in hand."""

    def __init__(self, store: Store, owner: str, now: Callable[[], datetime]) -> None:
        self._store, self._owner, self._now = store, owner, now
        self._ids: dict[int, bytes] = {}
        self._seen = -1

    def parted(self, batch: Sequence[Spooled]) -> tuple[list[Spooled], list[Spooled]]:
        """Part a batch into mails that can be decided and mails that have to wait."""
        rows = self._in_hand_elsewhere()
        if not rows and len(batch) == 1:
            return list(batch), []
        row_of = {self._ids[row]: row for row in reversed(rows)}
        ready: list[Spooled] = []
        late: list[Spooled] = []
        before: set[bytes] = set()
        for spooled in batch:
            own, answers = named(spooled.raw.content)
            is_late = any(each in before or row_of.get(each, spooled.row) < spooled.row for each in answers)
            (late if is_late else ready).append(spooled)
            before.add(own)
        return ready, late

    def _in_hand_elsewhere(self) -> list[int]:
        """Number the mails that others work on, lowest first; asked only where another connection has committed."""
        others = self._store.versions().others
        if others == self._seen:
            return []
        ledger = self._store.ledger
        rows = ledger.in_hand(self._owner, self._now())
        self._seen = -1 if rows else others
        self._ids = {row: self._ids.get(row) or named(ledger.head(raw))[0] for row, raw in rows.items()}
        return list(rows)
