"""Mail that is taken up again by hand: decided anew, its waiting ended, its mailbox action done once more.

Here: one function an act, each with its event. Not here: held mail (`held.py`), replaying (`acting.py`), the rows
(`store/`).
Invariant: what was made of a mail stays; whoever did it stands in the events and in the log.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from engine.desk import logged

if TYPE_CHECKING:
    from engine.config import Config
    from engine.model.stored import MailRow
    from engine.store.store import Store


def retry(config: Config, store: Store, ref: str, by: str, *, via: str = "command") -> MailRow:
    """Let the next run decide a mail again, as if it came now. Raises NotFound, Refused."""
    return _done(config, store, ref, by, via, "mail.retry", lambda mail: store.ledger.reopen(mail, None, retry=True))


def reset_status(config: Config, store: Store, ref: str, by: str, *, via: str = "command") -> MailRow:
    """Clear claims and waiting times of a mail, so that the next run takes it up. Raises NotFound, Refused."""
    return _done(config, store, ref, by, via, "mail.reset", store.ledger.reset_status)


def settle(config: Config, store: Store, ref: str, by: str, *, via: str = "command") -> MailRow:
    """Plan the mailbox action of a mail again, for the next run. Raises NotFound."""
    return _done(config, store, ref, by, via, "mail.settle", store.mailboxes.settle_again)


def _done(
    config: Config, store: Store, ref: str, by: str, via: str, name: str, do: Callable[[str], object]
) -> MailRow:  # fmt: skip
    row = store.archive.mail(ref)
    with store.joining():
        do(row.mail)
        store.history.note(name, by, via, mail=row.mail, workspace=row.home)
    logged.act(config, name, by, mail=row.mail)
    return row
