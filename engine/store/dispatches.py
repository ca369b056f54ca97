"""What a decision sends: rows of the outbox, one for each mail to each recipient and each webhook.

Here: `Dispatches`, with which `Effects` queues. Not here: sending (`engine/outbox`), rows that belong to no decision
(`Outbox.tell`). Invariant: groups are resolved and nobody is told the same twice; what is decided again quietly sends
nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import msgspec
from msgspec.structs import replace

from engine.model.addresses import key_of
from engine.model.plan import CallWebhook, Letter, SendMail
from engine.store import hot

if TYPE_CHECKING:
    from engine.model.stored import Spooled
    from engine.ports import MessageIds
    from engine.store.database import Database
    from engine.store.directory import Directory

_encode = msgspec.json.Encoder().encode


class Dispatches:
    """Queues what one plan sends; `rows` are the numbers in the outbox."""

    def __init__(
        self, database: Database, directory: Directory, spooled: Spooled, now: int, message_ids: MessageIds
    ) -> None:
        self._database, self._directory, self._spooled = database, directory, spooled
        self._now, self._message_ids, self._quiet = now, message_ids, "quiet" in spooled.mode
        self.rows: list[int] = []
        self._notified: set[str] = set()

    def mail(self, effect: SendMail, item: int, topic: int) -> None:
        """Queue a mail to each of its recipients; it is about the `item` or the `topic` of the plan, the other is 0."""
        for recipient in self._recipients(effect):
            filled = replace(effect, to=(recipient,) if recipient else (), item=0 if topic else effect.item or item)
            self._queue(str(effect.kind), key_of(recipient), effect.automatic, filled, item, topic)

    def webhook(self, effect: CallWebhook, item: int, topic: int) -> None:
        """Queue the call of a webhook."""
        self._queue("webhook", "", False, effect, item, topic)

    def _recipients(self, effect: SendMail) -> Iterator[str]:
        """Whom a mail goes to, one row each. Notices go to people: groups are resolved, nobody is told twice."""
        if effect.kind != Letter.NOTIFY:
            yield from effect.to or ("",)
            return
        for name in effect.to:
            group = "" if "@" in name or self._directory.login(name) else self._directory.group(name)
            for each in (self._directory.group_logins(group) if group else ()) or (name,):
                account = self._directory.person(each)
                key = account.login if account is not None else key_of(each)
                if key not in self._notified:
                    self._notified.add(key)
                    yield each

    def _queue(
        self, kind: str, recipient: str, automatic: bool, effect: SendMail | CallWebhook, item: int, topic: int
    ) -> None:
        if self._quiet:
            return
        row, generation, n = self._spooled.row, self._spooled.generation, len(self.rows) + 1
        message_id = self._message_ids(self._spooled.mail, generation, n, item, topic)
        self.rows.append(
            self._database.insert(
                hot.OUTBOX, f"{row}:{generation}:{n}:{recipient}", message_id, row, generation, kind, automatic,
                recipient, item or None, topic or None, _encode(effect).decode(), self._now,
            )
        )  # fmt: skip
