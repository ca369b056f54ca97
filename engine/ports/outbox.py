"""What goes out: rows that are to be sent, and rows as people see and repair them.

Here: `Outbox` and `OutboxViews`. Not here: who hears (`hearing.py`), the mails themselves (`engine/outbox`).
Invariant: a row is claimed by one sender, and an automatic answer goes out at most once.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from engine.model.events import Kind
from engine.model.sight import EVERY_ITEM, ItemSight
from engine.model.stored import (
    OutboxContext,
    OutboxLine,
    OutboxRow,
    Queued,
    TroubledAddress,
)


class Outbox(Protocol):
    """What is to be sent, a row for each mail to each recipient and each webhook: at most once, or at least once."""

    def waiting(self, now: datetime | None = None) -> int:
        """Count the rows that could be sent now.

        One that waits longer than a day is among them: nobody makes it wait so long but a clock that ran ahead.
        """

    def claim(self, limit: int, now: datetime, owner: str, kinds: Sequence[Kind] = ...) -> list[OutboxRow]:
        """Take rows to send, oldest first; the attempt is counted and committed before this returns.

        `kinds` are those that may go, in their order: all, with a person's words first, unless it is said.
        What a dead process was sending is given back; of automatic mail nobody knows whether it went out.
        """

    def row(self, number: int) -> OutboxRow:
        """Give a row as `claim` does, without claiming it."""

    def sent(self, number: int, now: datetime | None = None) -> None:
        """Note that a row went out."""

    def failed(self, number: int, error: str, retry_at: datetime | None) -> None:
        """Note that a row did not go out; it waits until `retry_at`, or has failed for good without one."""

    def postponed(self, number: int, why: str) -> None:
        """Let a row wait that was claimed and not tried: the attempt is taken back, its turn stays."""

    def overdue(self, before: datetime, limit: int) -> list[int]:
        """List mail that waits since before a time, at most `limit` rows."""

    def queued(self) -> Queued:
        """Count the rows that wait or are being sent, due or not, and give since when the first of them does."""

    def dropped(self, number: int, why: str, said: str = "") -> None:
        """Note that a row is not to be sent any more: a reason why, or "", and more of it in words."""

    def unknown(self, number: int) -> None:
        """Note that nobody knows whether an automatic mail went out: it is not sent again."""

    def told(self, mail: str = "", item: int = 0, topic: int = 0) -> list[OutboxLine]:
        """Give everybody who was considered for what a mail did, or for an item or topic, in the order of the rows."""

    def context(self, row: OutboxRow) -> OutboxContext:
        """Give what a row is about: the mail it answers, the item or topic, the words and what came with them."""

    def composed(self, number: int, message_id: str, content: bytes) -> None:
        """Keep the Message-ID and the bytes of the first attempt, so that the second one sends the same."""


class OutboxViews(Protocol):
    """The outbox as people see it and repair it."""

    def lines(
        self, query: str = "", *, everything: bool = False, limit: int = 100, now: datetime | None = None,
        separators: str = "", sight: ItemSight = EVERY_ITEM, before: int = 0,
    ) -> tuple[list[OutboxLine], bool]:  # fmt: skip
        """List the rows that a query finds, newest first, and tell whether only the newest ones were looked at.

        `before` goes on below a number: then the numbers alone say what is new.

        Of who does not see all items, only rows about an item in `sight`.

        Unless `everything` or a state is asked for, what is over is left out: sent, suppressed, dropped, and what came
        back longer than 7 days ago. Raises Unclear for a query that means nothing.
        """

    def line(self, number: int) -> OutboxLine:
        """Give one row. Raises NotFound."""

    def content(self, number: int) -> bytes:
        """Give the bytes of a mail as they went out, or were about to; b"" where none are kept."""

    def change(
        self, act: str, numbers: Sequence[int], states: Sequence[str], by: str, said: str = "", via: str = "command"
    ) -> list[int]:
        """Do what a person wants (retry, hold, drop) to the rows that are in one of `states`; gives their numbers.

        `said` is kept with a row that is held or dropped.
        """

    def addresses(self, now: datetime | None = None) -> list[TroubledAddress]:
        """List the addresses that are suspended, failing or muted."""

    def clear(self, address_key: str, by: str, via: str = "command") -> bool:
        """Forget what is known against an address; False if nothing is."""
