"""Everything the engine remembers: ledger, accounts, items, receipts, outbox, in one database.

Here: `Store` (in `store.py`) and what it is made of. Not here: any decision, any talk to a mail server.
Invariant: what has to happen together is one transaction; every step may run twice (docs/store.md).
"""

from engine.store.errors import Busy as Busy
from engine.store.errors import ClaimLost as ClaimLost
from engine.store.errors import NotFound as NotFound
from engine.store.errors import Refused as Refused
from engine.store.errors import StoreError as StoreError
