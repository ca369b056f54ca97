"""From when a mailbox is read, and what lies there from before: that is left alone, every time anew.

Here: the moment that holds, parting new mail from old, what is remembered of it. Not here: when a message came
(`sources/`), why old mail that is read tells nobody (`decision/not_told.py`).
Invariant: what is left alone is neither read nor in the ledger; what shows no date is new; a message whose date cost a
question is asked once.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from engine.config import Config, Mailbox
    from engine.model.stored import LeftAlone
    from engine.ports import Store
    from engine.sources.source import Listed, Source

MARGIN = timedelta(minutes=10)
"""Mail of the last minutes before `now` counts as new: clocks differ, and whoever begins sends a mail to try it."""

NOW, ALL = "now", "all"
"""What `--since` may say beside a date."""


class Parted(Struct, frozen=True):
    """What may be read, in order, and what is left alone: to be remembered, None where all mail is read."""

    fresh: list[str]
    left: LeftAlone | None = None


def since_of(
    config: Config, store: Store, mailbox: Mailbox, said: str = "", now: datetime | None = None
) -> datetime | None:
    """Give the moment from which a mailbox is read: what was `said` for this run, else what the file says.

    `now` is the moment of the first pass ever: what a run by cron says every few minutes loses no mail.
    """
    if said == NOW:
        return (store.old_mail.first_read(mailbox.name) or now or datetime.now(UTC)) - MARGIN
    if said == ALL:
        return None
    if said:
        from engine.config.kinds import read_moment

        mailbox = mailbox.filled(since=read_moment(said))
    return of_file(config, mailbox)


def of_file(config: Config, mailbox: Mailbox) -> datetime | None:
    """Give the moment from which the file says that a mailbox is read; None for all mail."""
    from engine.config.kinds import in_zone

    moment = mailbox.since
    return None if moment is None else in_zone(moment, config.root.instance.timezone).astimezone(UTC)


def part(
    store: Store, source: Source, mailbox: Mailbox, listed: Sequence[Listed], unknown: Sequence[str],
    since: datetime | None,
) -> Parted:  # fmt: skip
    """Part what the ledger does not know. Raises SourceError.

    What the last pass asked about is not asked again, unless the mailbox is read from an earlier time now. What broke
    sessions where it was asked about counts as new: it is fetched last.
    """
    from engine.model.stored import LeftAlone

    if since is None or not unknown:
        return Parted([*unknown])
    before = store.old_mail.left_alone(mailbox.name)
    remembered = before.keys if before is not None and before.since <= since else frozenset()
    asks = mailbox.protocol == "pop3"
    known = remembered | ({*store.mailboxes.aside(mailbox.name)} if asks else set())
    there = {*unknown}
    judged = source.judge([each for each in listed if each.key in there and each.key not in known], since)
    older = (remembered & there) | judged.older
    keys = older if asks else frozenset()
    fresh = [key for key in unknown if key not in older and key not in judged.unasked]
    return Parted(fresh, LeftAlone(since, len(older), keys) if older else None)


def lying_there(config: Config, source: Source, mailbox: Mailbox, listed: Sequence[Listed]) -> str:
    """Say how many of all that lies there is older than the file says; "" where it says nothing. Raises SourceError.

    Not of POP3: that would cost a question for each.
    """
    since = of_file(config, mailbox)
    if since is None or mailbox.protocol == "pop3":
        return ""
    return f"{len(source.judge(listed, since).older)} older than since"
