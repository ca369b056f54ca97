"""What became of earlier mails: the questions that decisions ask about receipts, and how one is written.

Here: `Receipts`, a part of `engine.ports.Ledger`, and the keys it searches by. Not here: reading receipts for people
(`mails.py`). Invariant: a Message-ID leads to a conversation and never makes a mail a duplicate; every receipt is
written by `write`, which tells whoever remembers something of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from hashlib import blake2b
from typing import Any

from engine.model.answers import MessageMatch
from engine.model.changes import Key
from engine.model.draft import Decider
from engine.model.figures import Measured, RuleHit
from engine.store import hot
from engine.store.database import Database, us
from engine.store.item_facts import ItemLookups
from engine.store.markers import Markers
from engine.store.memory import Memory
from engine.store.rates import Rates
from engine.store.tallying import Came, Tallies

MOST_MESSAGE_IDS = 100
"""A mail may name this many earlier ones; the rest of an endless References is not looked for."""

DUPLICATE_DAYS = 30

MOST_COMPARED = 4_000
"""Characters of a text by which equal mails are known."""

_LOWER = bytes.maketrans(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ", b"abcdefghijklmnopqrstuvwxyz")
_LEFT_OUT = b"0123456789 \t\r\n\v\f"


def search_key(text: str) -> bytes | None:
    """Give the form in which Message-IDs and digests are searched: 16 bytes of BLAKE2b, None for nothing."""
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest() if text else None


def message_key(message_id: str) -> bytes | None:
    """Give the search key of a Message-ID, with or without its angle brackets."""
    return search_key(message_id.strip().strip("<>"))


def our_message(message_id: str) -> str:
    """Give a Message-ID as it stands with what we sent: in its angle brackets."""
    return f"<{message_id.strip().strip('<>')}>"


def seen_already(fingerprint: str, mail: str, now: int) -> tuple[bytes, int, str, str] | None:
    """Give what is asked first about an earlier mail with the content of this one; None where it has none."""
    key = search_key(fingerprint)
    return (key, now - DUPLICATE_DAYS * 86_400_000_000, mail, mail) if key is not None else None


def named_key(message_id: bytes) -> bytes | None:
    """Give the search key of a Message-ID as it stands in a header, without angle brackets: that of its text."""
    return blake2b(message_id, digest_size=16).digest() if message_id else None


def body_key(text: str) -> bytes | None:
    """Give the key of what is new in a mail, 8 bytes: the same whatever its digits and blanks; None for nothing.

    A to Z are as a to z; only the beginning of a long text counts.
    """
    plain = text[:MOST_COMPARED].encode("utf-8", "surrogatepass").translate(_LOWER, _LEFT_OUT)
    return blake2b(plain, digest_size=8).digest() if plain else None


class Receipts:
    """Answers questions about what became of earlier mails."""

    def __init__(self, database: Database, memory: Memory, items: ItemLookups, markers: Markers) -> None:
        self._database, self._memory, self._items, self._markers = database, memory, items, markers
        self.rates, self._tallies = Rates(database, memory), Tallies(database)

    def item_by_message_ids(self, message_ids: tuple[str, ...]) -> MessageMatch | None:
        for message_id in message_ids[:MOST_MESSAGE_IDS]:
            key = message_key(message_id)
            if key is None:
                continue
            rows = self._database.rows(hot.BY_MESSAGE, key) or self._database.rows(
                hot.BY_OUR_MESSAGE, our_message(message_id)
            )
            if rows and (match := self._match(message_id, rows)) is not None:
                return match
        return self._markers.by_message_ids(message_ids[:MOST_MESSAGE_IDS])

    def _match(self, message_id: str, rows: list[tuple[Any, ...]]) -> MessageMatch | None:
        """The first mail with a Message-ID leads; the same mail may have made something in another workspace too.

        Another mail that claims the Message-ID has another content and leads nowhere. Of ours it is known whom it went
        to, 0 for an address without an account.
        """
        (item, topic, private, content, account), others = rows[0], rows[1:]
        found = self._items.item(item) if topic is None else self._items.topic(topic)
        if found is None:
            return None
        copies = dict.fromkeys(row[0] for row in others if row[0] not in (None, item) and row[3] == content is not None)
        also = tuple(copy for each in copies if (copy := self._items.item(each)) is not None)
        return MessageMatch(message_id, found, bool(private), also, account or 0, account is not None)

    def duplicate(self, workspace: str, fingerprint: str, *, other_than: str = "", now: datetime | None = None) -> str:
        seen = seen_already(fingerprint, other_than, us(now or self._database.clock()))
        if seen is None:
            return ""
        key, since, *_ = seen
        same_content, same_bytes = self._database.one(hot.SEEN_ALREADY, *seen)
        row = self._database.one(hot.DUPLICATE, workspace, key, since, other_than) if same_content else None
        if row is None and same_bytes:
            row = self._database.one(hot.SAME_BYTES, workspace, other_than, since)
        return str(row[0]) if row else ""

    def sender_rate(self, address: str, seconds: int, before: datetime, separators: str = "") -> int:
        end = us(before)
        return self.rates.of_sender(address, end - seconds * 1_000_000, end, separators)

    def total_rate(self, seconds: int, before: datetime) -> int:
        end = us(before)
        return self.rates.of_all(end - seconds * 1_000_000, end)

    # ── writing ───────────────────────────────────────────────────────────────────────────────────────────────

    def write(
        self, row: int, generation: int, outcome: str, code: str, because: str, by: Decider, now: int, *,
        workspace: str = "", item: int = 0, topic: int = 0, comment: int = 0, trace: bytes | None = None,
        came: Came | None = None, hits: Sequence[RuleHit] = (), keys: tuple[Key, ...] = (),
        measured: Sequence[Measured] = (),
    ) -> None:  # fmt: skip
        """Write the receipt of a generation. `came` keeps the rates right that are remembered.

        `hits` and what was `measured` are counted.

        `keys` are all that hangs on it; without them everything may.
        """
        if keys:
            self._memory.touch_only("receipts", keys)
        else:
            self._memory.touch("receipts")
        if generation == 1 or came is None:  # later generations count as the first did
            self._memory.decided(*(came[1:3] if came is not None else (None, "")))
        self._tallies.decided(row, generation, outcome, code, by, workspace, now, came, hits, measured)
        number = self._database.insert_ahead(
            hot.RECEIPT, row, generation, outcome, code, because, str(by.kind), by.name, by.file, by.line, workspace,
            item or None, topic or None, comment or None, now,
        )  # fmt: skip
        if trace is not None:
            self._database.put(hot.KEEP_TRACE, number, trace)

    def now_from(self, row: int, generation: int, sender: str) -> None:
        """Hear, before it is written, that a mail which is decided anew is from this address."""
        self._tallies.now_from(row, generation, sender)

    def reopened(self) -> None:
        """Hear that a mail is decided anew: what earlier receipts say of it may change."""
        self._memory.touch("receipts")
