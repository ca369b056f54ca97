"""What the world must offer to the engine, told as protocols: the parts of a store, and the store that holds them.

Here: their names. Not here: how it is done (`store/`), where mail is read from (`sources/source.py`).
Invariant: every promise is in a docstring and held by `tests/store/contracts/`, which knows nothing but these
protocols: a store that passes there can take the place of another.
"""

from engine.ports.access import Access
from engine.ports.archive import Archive, Counting, Figures, Series
from engine.ports.begun_words import BegunWords
from engine.ports.desk import Ahead, Directory, Items, ListedAddresses, Markers, TopicViews
from engine.ports.hearing import Scene, Teller
from engine.ports.history import History
from engine.ports.ledger import Ledger, Queue
from engine.ports.mailboxes import Mailboxes, OldMail, Setbacks, Troubles, Visiting
from engine.ports.outbox import Outbox, OutboxViews
from engine.ports.rule_files import RuleFiles
from engine.ports.senders import Senders
from engine.ports.store import Store

__all__ = [
    "Access",
    "Ahead",
    "Archive",
    "BegunWords",
    "Counting",
    "Directory",
    "Figures",
    "History",
    "Items",
    "Ledger",
    "ListedAddresses",
    "Mailboxes",
    "Markers",
    "OldMail",
    "Outbox",
    "OutboxViews",
    "Queue",
    "RuleFiles",
    "Scene",
    "Senders",
    "Series",
    "Setbacks",
    "Store",
    "Teller",
    "TopicViews",
    "Troubles",
    "Visiting",
]
