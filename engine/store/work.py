"""The parts of a store that take in, decide and close mails, put together when there is one.

Here: which of them is made of what. Not here: what they do, and the parts that a pass without mail needs (`store.py`).
Invariant: all of them share one memory and one directory.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.store.acts import Acts
from engine.store.ahead import Ahead
from engine.store.claims import Claims
from engine.store.closing import Closing
from engine.store.commit import Commit
from engine.store.database import Database
from engine.store.directory import Directory
from engine.store.effects import Shelves
from engine.store.item_facts import ItemLookups
from engine.store.listing import Listing
from engine.store.mails import Mails
from engine.store.markers import Markers
from engine.store.memory import Memory
from engine.store.parts import Ledger
from engine.store.receipts import Receipts
from engine.store.scene import Scene, Still
from engine.store.spool import Spool
from engine.store.telling import Telling
from engine.store.workspaces import Workspaces

if TYPE_CHECKING:
    from engine.ports import Outbox


class Work:
    """The hands that work on mails, and what is made of them."""

    def __init__(self, database: Database, memory: Memory, listing: Listing, outbox: Outbox) -> None:
        self.directory = Directory(database, memory)
        self.workspaces, self.mails = Workspaces(database, memory), Mails(database)
        self.lookups = ItemLookups(database, self.directory)
        self.markers = Markers(database, memory, self.lookups)
        self.ahead = Ahead(database, memory, self.lookups)
        receipts = Receipts(database, memory, self.lookups, self.markers)
        claims = Claims(database, listing, self.mails, receipts)
        shelves = Shelves(database, self.directory, self.workspaces, memory)
        scene = Scene(database, self.directory, memory)
        telling = Telling(database, scene, memory)
        closing = Closing(shelves, self.mails, claims, receipts, telling)
        commit = Commit(shelves, receipts, scene)
        self.commit, self.tell = commit.commit, commit.tell
        acts = Acts(shelves, scene, outbox)
        self.act, self.acted = acts.act, acts.acted
        self.still = Still(database, self.directory, memory)
        self.ledger = Ledger(Spool(database, listing, memory), claims, closing, receipts, telling)
