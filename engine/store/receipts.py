"""What became of earlier mails: the questions that decisions ask about receipts.

Here: item_by_message_ids, duplicate, sender_rate, total_rate as in `Lookups`, and the keys they search by.
Not here: reading receipts for people (`mails.py`), writing them (`commit.py`). Invariant: a Message-ID leads to a
conversation and never makes a mail a duplicate.
"""

from __future__ import annotations

from datetime import datetime
from hashlib import blake2b

from engine.model.questions import MessageMatch
from engine.store import hot
from engine.store.database import us
from engine.store.items import Items
from engine.store.part import Window

MOST_MESSAGE_IDS = 100
"""A mail may name this many earlier ones; the rest of an endless References is not looked for."""

DUPLICATE_DAYS = 30

_BY_MESSAGE = """
SELECT receipt.item, receipt.topic, receipt.outcome = 'note'
  AND coalesce((SELECT internal FROM comment WHERE id = receipt.comment), 1)
FROM inbound JOIN receipt ON receipt.inbound_id = inbound.id
WHERE inbound.message_key = ? AND inbound.message_key IS NOT NULL
  AND (receipt.item IS NOT NULL OR receipt.topic IS NOT NULL) ORDER BY inbound.id, receipt.generation LIMIT 1"""

_DUPLICATE = """
SELECT inbound.ref FROM inbound JOIN receipt ON receipt.inbound_id = inbound.id AND receipt.workspace = ?
WHERE inbound.content_key = ? AND inbound.content_key IS NOT NULL AND inbound.received_at > ? AND inbound.ref <> ?
  AND receipt.outcome IN ('created', 'comment', 'note', 'held') ORDER BY inbound.id LIMIT 1"""


def search_key(text: str) -> bytes | None:
    """Give the form in which Message-IDs and digests are searched: 16 bytes of BLAKE2b, None for nothing."""
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest() if text else None


def message_key(message_id: str) -> bytes | None:
    """Give the search key of a Message-ID, with or without its angle brackets."""
    return search_key(message_id.strip().strip("<>"))


class Receipts(Items):
    """Answers questions about what became of earlier mails."""

    def item_by_message_ids(self, message_ids: tuple[str, ...]) -> MessageMatch | None:
        """Find the conversation of the first of these Message-IDs that is stored: of a mail that came, or of ours."""
        for message_id in message_ids[:MOST_MESSAGE_IDS]:
            key = message_key(message_id)
            if key is None:
                continue
            row = self.database.one(_BY_MESSAGE, key) or self.database.one(
                "SELECT item, topic, 0 FROM outbox WHERE message_id = ? AND (item IS NOT NULL OR topic IS NOT NULL)",
                f"<{message_id.strip().strip('<>')}>",
            )
            if row is None:
                continue
            item, topic, private = row
            found = self.topic(topic) if item is None else self.item(item)
            if found is not None:
                return MessageMatch(message_id, found, bool(private))
        return None

    def duplicate(
        self, workspace: str, core_digest: str, fingerprint: str, *, other_than: str = "", now: datetime | None = None
    ) -> str:
        """Give the id of an earlier mail with this content that reached the workspace within 30 days, or "".

        The fingerprint stands for the content where there is one: equal core digests have equal fingerprints.
        `other_than` is the id of the mail that asks, when it is decided once more.
        """
        key = search_key(fingerprint or core_digest)
        if key is None:
            return ""
        since = us(now or self.clock()) - DUPLICATE_DAYS * 86_400_000_000
        row = self.database.one(_DUPLICATE, workspace, key, since, other_than)
        return str(row[0]) if row else ""

    def sender_rate(self, address: str, seconds: int, before: datetime) -> int:
        """Count the decided mails of a sender in the `seconds` before a time."""
        end = us(before)
        return int(self.database.one(hot.SENDER_RATE, address.casefold(), end - seconds * 1_000_000, end)[0])

    def total_rate(self, seconds: int, before: datetime) -> int:
        """Count all decided mails in the `seconds` before a time.

        The window moves on from mail to mail: only what enters and leaves it is counted anew.
        """
        end = us(before)
        start = end - seconds * 1_000_000
        window = self._windows.setdefault(seconds, Window(start, start, 0))
        if not window.start <= start <= window.end <= end:
            window.start, window.end, window.count = start, start, 0
        window.count += self._count(window.end, end) - self._count(window.start, start)
        window.start, window.end = start, end
        return window.count

    def _count(self, start: int, end: int) -> int:
        return int(self.database.one(hot.TOTAL_RATE, start, end)[0]) if start < end else 0

    def _count_decided(self, received_at: int, generation: int) -> None:
        """Keep the windows right: a mail was decided for the first time (later generations count as the first did)."""
        for window in self._windows.values():
            if generation == 1 and window.start <= received_at < window.end:
                window.count += 1
