"""Who writes to us, as it is counted.

Here: frozen data and nothing else. Not here: counting (`store/tallying.py`), finding (`store/senders.py`). Invariant:
counts are of the newest receipts of all mails that are known, wherever they came to.
"""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct


class SenderRow(Struct, frozen=True):
    """An address that mail came from: how much, what became of it, what a trusted server said of DMARC.

    `made` are items, comments and notes, `refused` rejected and discarded mails. `login` is the account that has the
    address, "" for none. `failures` count what came back from there; since `suspended_at` nothing is sent there.
    """

    address: str
    name: str = ""
    first_at: datetime | None = None
    last_at: datetime | None = None
    mails: int = 0
    made: int = 0
    held: int = 0
    refused: int = 0
    passed: int = 0
    failed: int = 0
    login: str = ""
    failures: int = 0
    suspended_at: datetime | None = None

    @property
    def domain(self) -> str:
        """What stands behind the @."""
        return self.address.rpartition("@")[2]


class NewDomain(Struct, frozen=True):
    """A domain from which no mail came before a time: when the first one did, from how many addresses, what became."""

    domain: str
    first_at: datetime
    senders: int
    mails: int
    made: int
    held: int
    refused: int
