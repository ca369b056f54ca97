"""How often anybody may hear from us by itself.

Here: the caps on what is sent, as counts of rows that went out in the last hour. Not here: whether an answer is allowed
at all. Invariant: they do not depend on anything the other side writes, its address included, so they end every loop
(docs/reliability.md).
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

from msgspec import Struct

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


class Over(Struct, frozen=True):
    """A cap that a mail is over. One that `waits` goes out when there is room; another never does."""

    reason: str
    waits: bool = False


def over(store: Store, settings: Settings, mail: SendMail, now: datetime) -> Over | None:
    """Say which cap a mail is over. An automatic answer to one person is dropped: what waits could begin a loop anew.

    Notices wait, for they are for people who work here; so does what is over the cap on all automatic mail together.
    """
    count = partial(store.outbox.count, separators=settings.people.mail_suffix_separators)
    for recipient in mail.to:
        address = key_of(recipient)
        if found := (_automatic if mail.automatic else _notice)(count, settings, mail, address, now):
            return found
    return None


def _notice(count: Callable[..., int], settings: Settings, mail: SendMail, address: str, now: datetime) -> Over | None:
    most = settings.replies.notices_per_recipient
    if count(address, now - HOUR, automatic=False) < most:
        return None
    return Over(f"over replies.notices_per_recipient = {most} an hour", waits=True)


def _automatic(
    count: Callable[..., int], settings: Settings, mail: SendMail, address: str, now: datetime
) -> Over | None:
    replies, reports = settings.replies, settings.errors.one_report_per_sender
    if mail.kind in ANSWERS and replies.once_per_sender:
        since = now - timedelta(seconds=replies.once_per_sender)
        if count(address, since, automatic=True):
            return Over("answered already within replies.once_per_sender")
    since = now - timedelta(seconds=reports)
    if mail.kind in REPORTS and reports and count(address, since, automatic=True, kinds=REPORTS):
        return Over("told already within errors.one_report_per_sender")
    if mail.item and count(address, now - HOUR, automatic=True, item=mail.item) >= replies.automatic_per_item:
        return Over(f"over replies.automatic_per_item = {replies.automatic_per_item} an hour")
    if count(address, now - HOUR, automatic=True) >= replies.automatic_per_recipient:
        return Over(f"over replies.automatic_per_recipient = {replies.automatic_per_recipient} an hour")
    if count("", now - HOUR, automatic=True, domain=address.rpartition("@")[2]) >= replies.automatic_per_domain:
        return Over(f"over replies.automatic_per_domain = {replies.automatic_per_domain} an hour")
    if count("", now - HOUR, automatic=True) >= replies.automatic_total:
        return Over(f"over replies.automatic_total = {replies.automatic_total} an hour", waits=True)
    return None
