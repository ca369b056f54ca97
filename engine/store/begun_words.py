"""What people are writing on items and have not sent: `engine.ports.BegunWords` tells what each method does.

Here: keeping it, and moving it with an item that is merged. Not here: drafts that others see, which are comments
(`item_views.py`).
Invariant: nothing that decides reads this table, so its transactions are noted and nobody forgets anything for them.
"""

from __future__ import annotations

from engine.model.stored import Begun
from engine.store import tables
from engine.store.database import Database, time
from engine.store.keys import numbers


class BegunWords:
    """Keeps what is being written."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def put(self, account: int, item: int, mode: str, words: str, key: str = "") -> bool:
        row, act = tables.BegunWords, tables.Act
        with self._database.joining(noted=True):
            self._alone(account, item)
            if key and self._database.first(act.select(act.id).where(act.key == key)):
                return False
            self._drop(account, item)
            now = self._database.now()
            self._database.do(row.insert(item=item, account=account, mode=mode, words=words, at=now))
        return True

    def begun(self, account: int, item: int) -> Begun | None:
        row = tables.BegunWords
        here = row.item == item, row.account == account
        found = self._database.first(row.select(row.mode, row.words, row.at).where(*here))
        return Begun(found[0], found[1], time(found[2])) if found else None

    def drop(self, account: int, item: int) -> bool:
        with self._database.joining(noted=True):
            self._alone(account, item)
            return self._drop(account, item)

    def _drop(self, account: int, item: int) -> bool:
        row = tables.BegunWords
        return bool(self._database.do(row.delete().where(row.item == item, row.account == account)))

    def _alone(self, account: int, item: int) -> None:
        """Until the transaction ends nobody else keeps or drops theirs: what is sent does not come back."""
        if self._database.beside_others:
            self._database.lock(numbers((("begun", f"{account} {item}"),)))


def move(database: Database, item: int, into: int) -> None:
    """Let what people are writing on one item stand on another, behind what they write there already."""
    row = tables.BegunWords
    for account, words in database.all(row.select(row.account, row.words).where(row.item == item)):
        there = database.first(row.select(row.words).where(row.item == into, row.account == account))
        old = row.item == item, row.account == account
        if there is None:
            database.do(row.update(item=into).where(*old))
        else:
            both = row.update(words=f"{there[0]}\n\n{words}")
            database.do(both.where(row.item == into, row.account == account))
            database.do(row.delete().where(*old))
