"""When a mailbox that could not be read is tried again, so that no account is locked and no server is hammered.

Here: the waits, whether one still stands, the refusals of an account, the digest of what it was tried with. Not here:
where that is kept (`store/troubles.py`), the visit (`passing.py`), who hears of it (`alarms.py`).
Invariant: an account has at most three refused logins in an hour by passes that nobody asked for by name, however many
mailboxes share it, with whatever passwords, and whatever worked meanwhile; no other wait is longer than a quarter of an
hour.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from engine.model.refusals import SPAN, full_until, recent, same_again
from engine.model.stored import REFUSED
from engine.sources import HERE

if TYPE_CHECKING:
    from engine.config import Config, Mailbox
    from engine.model.stored import Standing
    from engine.sources.source import SourceError
    from engine.store.store import Store

MOST_JITTER = timedelta(seconds=30)

FIRST_S, LONGEST_S = 60.0, 900.0
"""The second failure in a row waits so long, each one after it twice as long; the first is the network."""

NO_SECRET = "source.secret"
"""The password of a mailbox cannot be had."""


def still_waits(store: Store, config: Config, mailbox: Mailbox, standing: Standing, now: datetime) -> datetime | None:
    """Give the time before which a mailbox is not to be tried; None where it may be.

    Other settings, a new password among them, end a wait, but never that of an hour that has had its refusals. A login
    that was refused for one mailbox of an account keeps the others from trying it, too.
    """
    waits = [full_until(_refusals(store, config, mailbox, now)), wait_of(config, mailbox, standing, now)]
    for each in _sharing(config, mailbox):
        other = store.setbacks.standing(each.name)
        waits.append(wait_of(config, each, other, now) if other.code == REFUSED else None)
    return max(filter(None, waits), default=None)


def wait_of(config: Config, mailbox: Mailbox, standing: Standing, now: datetime) -> datetime | None:
    """The wait that a mailbox was given; a clock that ran ahead makes nobody wait longer.

    Settings that cannot be read are not known to be others.
    """
    until = standing.retry_at
    if until is None or not now < until <= now + SPAN + MOST_JITTER:
        return None
    settings = settings_of(config, mailbox) if standing.settings else ""
    return until if settings in ("", standing.settings) else None


def note_failure(
    store: Store, config: Config, mailbox: Mailbox, standing: Standing, error: SourceError, now: datetime,
    *, got_on: bool = False,
) -> datetime | None:  # fmt: skip
    """Note that a mailbox could not be read; gives when it is tried again, None for the next pass.

    A visit that `got_on` read mail before it broke: a bad line, or one bad message, and the others must not wait. Where
    the password cannot be had no server was asked.
    """
    refused = recent(standing.refused, now)
    retry_at = None
    if mailbox.protocol not in HERE and not got_on and not error.key and error.code != NO_SECRET:
        if error.code == REFUSED:
            refused = (*refused, now)
            retry_at = _after_refusal((*_refusals(store, config, mailbox, now), now))
        elif standing.failures:
            retry_at = now + wait(standing.failures)
    digest = settings_of(config, mailbox) if retry_at is not None else ""
    store.mailboxes.failed(mailbox.name, error.code, error.sentence, now, retry_at, refused, digest)
    return retry_at


def note_refused(
    store: Store, config: Config, mailbox: Mailbox, standing: Standing, retry_at: datetime, now: datetime
) -> str:
    """Note that a mailbox is not tried because its account was refused often enough; gives the sentence."""
    sentence = (
        f"mailbox {mailbox.name}: the login of {mailbox.username} was refused before, and no account is to be locked"
    )
    settings = settings_of(config, mailbox)
    store.mailboxes.failed(mailbox.name, REFUSED, sentence, now, retry_at, recent(standing.refused, now), settings)
    return sentence


def wait(failures: int) -> timedelta:
    """How long to wait after so many failures before this one; not all mailboxes of a server at the same second."""
    most = min(LONGEST_S, FIRST_S * 2.0 ** min(failures - 1, 10))
    return timedelta(seconds=most * random.uniform(0.8, 1.0))  # noqa: S311 - nobody gains by guessing it


def _after_refusal(refused: Sequence[datetime]) -> datetime:
    """When a mailbox is tried again; after more than one refusal not all of an account in the same second."""
    jitter_s = random.uniform(1.0, MOST_JITTER.seconds) if len(refused) > 1 else 0.0  # noqa: S311 - nobody gains by guessing it
    return same_again(refused) + timedelta(seconds=jitter_s)


def _refusals(store: Store, config: Config, mailbox: Mailbox, now: datetime) -> tuple[datetime, ...]:
    """The times of late at which the account of a mailbox was refused, by whichever mailbox, in order."""
    names = [each.name for each in (mailbox, *_sharing(config, mailbox))]
    return tuple(sorted([at for name in names for at in recent(store.setbacks.standing(name).refused, now)]))


def _sharing(config: Config, mailbox: Mailbox) -> list[Mailbox]:
    """The other mailboxes that log in as the same user: they differ by their folder."""
    if not mailbox.username:
        return []
    account = mailbox.host.casefold(), mailbox.username
    return [
        each for each in config.mailboxes
        if each.name != mailbox.name and (each.host.casefold(), each.username) == account
    ]  # fmt: skip


def settings_of(config: Config, mailbox: Mailbox) -> str:
    """Digest what a mailbox is tried with, its password too; keyed, so that nobody can guess it from the digest.

    A token is left out, for it changes by itself; "" where a secret cannot be read.
    """
    from engine.config import SecretError
    from engine.config.tried import digest

    try:
        return digest(config.instance.secret(), mailbox, mailbox.secret() if "oauth" not in mailbox.auth else "")
    except SecretError:
        return ""
