"""What decisions will ask most likely, told before the first of a batch is decided.

Here: `Ahead`, as `engine.ports.Ahead` tells it: for each question the statement that it begins with, and what follows
when that is answered. Not here: the answers (`directory.py`, `receipts.py`, `item_facts.py`), asking together
(`foreseeing.py`). Invariant: each names the statements that the question itself runs, made by the same functions; what
is told in vain costs a row, and no answer is another one for it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from engine.model.addresses import base_key, key_of
from engine.model.plan import AddComment, CreateItem, SetCopies
from engine.store import hot
from engine.store.database import us
from engine.store.rates import read_from, times_of
from engine.store.receipts import message_key, our_message, seen_already

if TYPE_CHECKING:
    from engine.model.plan import Plan
    from engine.store.database import Database
    from engine.store.item_facts import ItemLookups
    from engine.store.memory import Memory

MOST_NAMED = 2
"""Message-IDs of a mail that are asked for ahead; the first of them leads somewhere nearly always."""


class Ahead:
    """Hears of questions of the mails of a batch."""

    def __init__(self, database: Database, memory: Memory, items: ItemLookups) -> None:
        self._database, self._memory, self._items = database, memory, items

    def account(self, address: str, separators: str) -> None:
        key = key_of(address)
        if self._memory.remembered(("address", key)) is self._memory.remembered(("account", key, separators)) is None:
            self._database.foresee(hot.ACCOUNT_BY["email"], key, key, key)

    def item(self, number: int) -> None:
        if 0 < number < 2**63:
            self._items.foresee(number)

    def duplicate(self, fingerprint: str, other_than: str, now: datetime) -> None:
        if asked := seen_already(fingerprint, other_than, us(now)):
            self._database.foresee(hot.SEEN_ALREADY, *asked)

    def sender_rate(self, address: str, seconds: int, before: datetime, separators: str) -> None:
        base, start = base_key(key_of(address), separators), us(before) - seconds * 1_000_000
        known = self._memory.senders.get(separators, {}).get(base)
        if known is None or start < known.start:
            sql, values = times_of(base, separators, read_from(start))
            self._database.foresee(sql, *values)

    def item_by_message_ids(self, message_ids: tuple[str, ...]) -> None:
        for message_id in message_ids[:MOST_NAMED]:
            key = message_key(message_id)
            if key is not None:
                self._database.foresee(hot.BY_MESSAGE, key, then=self._led_to)
                self._database.foresee(hot.BY_OUR_MESSAGE, our_message(message_id), then=self._led_to)

    def _led_to(self, rows: list[tuple[Any, ...]]) -> None:
        """Foresee the item that a Message-ID leads to."""
        if rows and rows[0][0] is not None and rows[0][1] is None:
            self._items.foresee(rows[0][0])


def foresee_plans(database: Database, plans: Sequence[Plan]) -> None:
    """Hear what is about to be carried out: how many rows it makes, and what is asked of it."""
    kinds = Counter([type(effect) for plan in plans for effect in plan.effects])
    database.reserve("item", kinds[CreateItem])
    database.reserve("comment", kinds[AddComment])
    for plan in plans:
        if plan.item and any(type(effect) is SetCopies for effect in plan.effects):
            database.foresee(hot.REQUESTER, plan.item)
