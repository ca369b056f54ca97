"""How often one person may hear from a machine.

Here: the caps on automatic mail, as counts of rows that were sent. Not here: whether an answer is allowed at all.
Invariant: they do not depend on anything the other side writes, so they end every loop (docs/reliability.md).
"""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

from engine.model.addresses import key_of
from engine.model.plan import Letter

if TYPE_CHECKING:
    from engine.config import Settings
    from engine.model.plan import SendMail
    from engine.store.store import Store

HOUR = timedelta(hours=1)
ANSWERS = frozenset({Letter.ACK, Letter.COMMENT_ACK, Letter.REJECTED, Letter.HELD})
"""Kinds that `replies.once_per_sender` counts."""

REPORTS = (Letter.REJECTED, Letter.HELD)
"""Kinds that `errors.one_report_per_sender` counts."""


def over(store: Store, settings: Settings, mail: SendMail, now: datetime) -> str:
    """Say which cap an automatic mail is over, "" if none."""
    if not mail.automatic:
        return ""
    replies, reports = settings.replies, settings.errors.one_report_per_sender
    count = partial(store.outbox.count, separators=settings.people.mail_suffix_separators)
    for recipient in mail.to:
        address = key_of(recipient)
        if mail.kind in ANSWERS and replies.once_per_sender:
            since = now - timedelta(seconds=replies.once_per_sender)
            if count(address, since, automatic=True):
                return "answered already within replies.once_per_sender"
        since = now - timedelta(seconds=reports)
        if mail.kind in REPORTS and reports and count(address, since, automatic=True, kinds=REPORTS):
            return "told already within errors.one_report_per_sender"
        item = mail.item
        if item and count(address, now - HOUR, automatic=True, item=item) >= replies.automatic_per_item:
            return f"over replies.automatic_per_item = {replies.automatic_per_item} an hour"
        if count(address, now - HOUR, automatic=True) >= replies.automatic_per_recipient:
            return f"over replies.automatic_per_recipient = {replies.automatic_per_recipient} an hour"
    return ""
