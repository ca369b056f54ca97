"""Mails of ours that will not arrive: what is remembered of their address, and what happened by it.

Here: `NotArrived`, for a report that came back and for a server that refused, or that was away too long. Not here: the
row itself, who hears (`dispatches.py`). Invariant: people hear once of an address, an item and a day, and once of all
notices to people inside that one outage lost; of what a machine says by itself nobody hears, or a notice that cannot
arrive would make the next one.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import msgspec

from engine.model.events import Kind
from engine.model.hearing import Change, Happened, Outgoing
from engine.store import hot
from engine.store.database import us

if TYPE_CHECKING:
    from datetime import datetime

    from engine.store.database import Database
    from engine.store.memory import Memory

EVENT = "mail.undeliverable"

DAY_US = 86_400_000_000

_STATUS = re.compile(r"[45]\d\d (\d\.\d{1,3}\.\d{1,3})\b")
"""The status in a reply of a server (RFC 3463)."""

_NO_MAILBOX = re.compile(r"5\.1\.(?![789]\b)\d|5\.2\.1\b")
"""There is no such address, or it is closed; 5.1.7 to 5.1.9 are about the sender's, 5.7 is about us."""


class NotArrived:
    """Writes down what came of rows."""

    def __init__(self, database: Database, memory: Memory) -> None:
        self._database, self._memory = database, memory

    def note(
        self, number: int, said: str, status: str = "", away_since: datetime | None = None
    ) -> tuple[Happened | None, str]:
        """Note it of the address; gives what people are to hear, None where that is nothing, and in which workspace.

        `said` is the reply of the server, `status` that of a report, `away_since` is since when there is no server.
        """
        kind, event, key, item, topic, payload = self._database.one(hot.NOT_ARRIVED, number)
        match = _STATUS.match(said)
        status = status or (match[1] if match else "")
        if _NO_MAILBOX.match(status):
            self._database.run(hot.NOT_TAKEN, key, status, self._database.now())
            self._memory.touch("accounts")  # whose addresses take mail is remembered
        told = _decode(payload)
        once = f"{EVENT}:{key}:{item or f't{topic}'}:{self._database.now() // DAY_US}"
        if away_since is not None and kind == Kind.NOTICE and told.inside:
            once = f"{EVENT}:away:{us(away_since)}"
        if not _is_told(Kind(kind), event) or self._database.one(hot.TOLD_OF, f"{once}:", f"{once};"):
            return None, ""
        writer = told.actor_address if told.actor_inside else ""
        return Happened(EVENT, item, topic, changes=(Change(key, "", said),), writer=writer, once=once), told.workspace


def _is_told(kind: Kind, event: str) -> bool:
    """Tell whether somebody waits for a mail to arrive: for words and news of items, not for what a machine reports."""
    return kind in (Kind.ANSWER, Kind.NOTICE) and event.startswith(("item.", "topic.", "mail.forwarded"))


_decode = msgspec.json.Decoder(Outgoing).decode
