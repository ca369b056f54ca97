"""A reply is decided after the mail it answers.

Here: which mails of a batch have to wait: those whose parent another process has in hand, those whose parent is in the
same batch, where it becomes an item before they are decided, and those whose parent waits itself, for its next attempt
most often. Not here: waiting (`visit.py`, `process.py`).
Invariant: only a mail with a lower number of the ledger is waited for, so no two mails wait for each other.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from engine.model.reasons import PARENT_WAITS

if TYPE_CHECKING:
    from engine.model.stored import Spooled, Undecided
    from engine.store.store import Store

WAIT_S = 10.0
"""How long a batch waits in all: whoever has a mail in hand for longer than that is stuck with it."""

LOOK_S = 0.02

SOON, LOOK_AGAIN = timedelta(seconds=1), timedelta(minutes=1)
"""How long a reply waits at least, and at most, before it is looked again whether its parent is decided."""


def parted(
    store: Store, batch: Sequence[Spooled], owner: str, now: datetime
) -> tuple[list[Spooled], list[Spooled]]:  # fmt: skip
    """Part a batch of `owner` into mails that can be decided and mails that wait for others which are in hand."""
    undecided = _undecided(store, batch, owner, now)
    elsewhere = {each: parent.row for each, parent in undecided.items() if parent.elsewhere}
    ready: list[Spooled] = []
    late: list[Spooled] = []
    before: set[bytes] = set()
    for spooled in batch:
        own, answers = spooled.named
        is_late = any(each in before or elsewhere.get(each, spooled.row) < spooled.row for each in answers)
        (late if is_late else ready).append(spooled)
        before.add(own)
    return ready, late


def put_off(store: Store, batch: Sequence[Spooled], now: datetime, longest_s: float) -> dict[int, str]:
    """Let the mails of a batch wait that answer one which waits itself; gives their rows, and why.

    None waits for longer than `longest_s` after it came. Raises StoreError.
    """
    longest = timedelta(seconds=longest_s)
    waits = waited_for(store, batch, now, longest)
    late = {row: f"it answers {parent.mail}, which is not decided yet" for row, parent in waits.items()}
    if late:
        with store.writing():
            for each in batch:
                if each.row in late:
                    until = _look_at(waits[each.row], each, now)
                    until = min(until, now + LOOK_AGAIN, each.raw.received_at + longest)
                    store.ledger.defer(each, PARENT_WAITS, late[each.row], until)
    return late


def _look_at(parent: Undecided, reply: Spooled, now: datetime) -> datetime:
    """When to look again: soon after the parent is due, more rarely the longer the reply has waited."""
    return max(now, parent.next_at) + max(SOON, (now - reply.raw.received_at) / 4)


def waited_for(store: Store, batch: Sequence[Spooled], now: datetime, longest: timedelta) -> dict[int, Undecided]:
    """Tell which mails of a batch answer a mail that came before them, waits, and is not in the batch; by their rows.

    What answers one of these waits too.
    """
    waits: dict[int, Undecided] = {}
    if found := _undecided(store, batch, "", now):
        here = {spooled.row for spooled in batch}
        for spooled in batch:
            for parent in filter(None, map(found.get, spooled.named.answers)):
                is_first = parent.row < spooled.row and (parent.row not in here or parent.row in waits)
                if is_first and now < spooled.raw.received_at + longest:
                    waits.setdefault(spooled.row, parent)
    return waits


def _undecided(store: Store, batch: Sequence[Spooled], owner: str, now: datetime) -> dict[bytes, Undecided]:
    named = {each for spooled in batch for each in spooled.named.answers}
    return store.ledger.undecided(named, owner, now) if named else {}
