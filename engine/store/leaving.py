"""Who leaves an item, or is taken off it; and who wrote to the address that ends notices: what they hear no more.

Here: `Leaving`, for the effects `Unsubscribe` and `DropPerson`. Not here: the token of that address
(`decision/tokens.py`), what a preference decides (`decision/not_told.py`). Invariant: who ends notices loses no right,
and who is assigned hears of their work all the same; what is done twice changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import msgspec

from engine.model.addresses import bare, base_key, key_of
from engine.model.draft import Role
from engine.model.events import Part
from engine.model.hearing import Change, Outgoing
from engine.model.preferences import of_item, of_topic
from engine.store import hot
from engine.store.database import Database
from engine.store.item_facts import MOST_MERGED
from engine.store.memory import Memory


class Left(NamedTuple):
    """The item or topic that a row was about (0 for none), whom it went to, and what became of it."""

    item: int
    topic: int
    login: str
    changes: tuple[Change, ...]


class Leaving:
    """Takes people out of what they hear."""

    def __init__(self, database: Database, memory: Memory) -> None:
        self._database, self._memory = database, memory

    def leave(self, row: int) -> Left | None:
        """Do what the recipient of a notice asks for; None where the row, or the account, is gone."""
        found = self._database.one(hot.LEAVING, row)
        if found is None:
            return None
        account, login, roles, item, topic, event, payload = found
        parts, item = roles.split(), self._leads_to(item or 0)
        if not account:
            return self._goes(item, msgspec.json.decode(payload, type=Outgoing).to)
        changes = [*self._changes(account, parts, item, event, payload)]
        if topic:
            changes.append(self._wants(account, "", of_topic(topic), "no"))
        self._memory.touch("accounts")
        return Left(item, topic or 0, login, tuple(changes))

    def _goes(self, item: int, address: str) -> Left | None:
        """Let an address without an account go for good; it hears again of what it writes itself."""
        self.off(item, None, (address,))
        self._database.run(hot.GONE, item, base_key(key_of(address)), address)
        return Left(item, 0, address, (Change("copy", "yes", ""),))

    def off(self, item: int, account: int | None, addresses: Iterable[str]) -> bool:
        """Take somebody off an item: their role, their copies, the answers to what they wrote; tell if they were on.

        `addresses` are theirs, whether they have an account or none.
        """
        keys = {base_key(key_of(address)) for address in addresses}
        gone = [self._database.run(hot.NO_COPY, item, key).rowcount for key in sorted(keys)]
        gone.append(self._database.run(hot.NO_PERSON, item, account).rowcount if account is not None else 0)
        for number, author, sender in self._database.rows(hot.ALL_WRITERS, item):
            if author == account or base_key(key_of(bare(sender))) in keys:
                gone.append(self._database.run(hot.NO_WRITER, number).rowcount)
        return any(gone)

    def _leads_to(self, item: int) -> int:
        """The item itself, or the one it was merged into: that is what the person hears of now."""
        for _ in range(MOST_MERGED):
            row = self._database.one(hot.LEADS_TO, item)
            if row is None or not row[0]:
                break
            (item,) = row
        return item

    def _changes(self, account: int, parts: list[str], item: int, event: str, payload: str) -> Iterator[Change]:
        if event == "desk.held":
            yield self._wants(account, "", "held", "no")
        elif Part.MEMBER in parts:
            workspace = msgspec.json.decode(payload, type=Outgoing).workspace
            yield self._wants(account, workspace, "new", "none")
        if item and Part.ASSIGNEE not in parts:
            if self._database.run(hot.NO_WATCHER, item, account, Role.WATCHER).rowcount:
                yield Change("watcher", "yes", "")
            yield self._wants(account, "", of_item(item), "no")

    def _wants(self, account: int, workspace: str, key: str, value: str) -> Change:
        self._database.run(hot.WANT, account, workspace, key, value)
        return Change(key if not workspace else f"{key} in {workspace}", "", value)
