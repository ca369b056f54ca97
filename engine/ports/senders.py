"""What a store must offer of those who write.

Here: `Senders`. Not here: their mails (`archive.py`), accounts (`desk.py`). Invariant: nothing is changed by looking.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from datetime import datetime

    from engine.model.senders import NewDomain, SenderRow


class Senders(Protocol):
    """Who writes, by what is counted of all mail."""

    def find(self, text: str, limit: int, separators: str = "") -> list[SenderRow]:
        """List who has this domain, else whose address or name holds the text; who wrote most first."""

    def after(self, address: str, text: str, limit: int, separators: str = "") -> list[SenderRow]:
        """List whom `find` finds, everybody for "", by address, from behind an address on."""

    def new_domains(self, since: datetime, limit: int) -> list[NewDomain]:
        """List the domains whose first mail came since then, those first that most came from."""

    def named(self, addresses: Collection[str], separators: str = "") -> list[SenderRow]:
        """Give these addresses, written as they are compared, in their order; nothing but that of who never wrote."""
