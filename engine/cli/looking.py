"""Finding the mail that a person means, and what is said when there is none.

Here: sentences. Not here: the finding (`desk/looking.py`).
Invariant: where nothing is found, what was looked for and where mail may still be is told.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from engine.cli.common import FINDINGS, complain
from engine.cli.shown import ago, when
from engine.desk import looking
from engine.desk.mailboxes import Fare, fares
from engine.plain_text import printable

if TYPE_CHECKING:
    from engine.config import Config
    from engine.model.stored import MailRow
    from engine.store.store import Store


def found(store: Store, config: Config, ref: str) -> MailRow:
    """Find a mail by id, Message-ID, `last`, `last-held`, or the newest from an address; else say so and exit 1."""
    try:
        meant = looking.mail(store, ref)
    except looking.NoMail as none:
        _nothing(none, fares(config, store))
        raise SystemExit(FINDINGS) from None
    if meant.of > 1:
        many = str(meant.of) if meant.of <= looking.MOST_COUNTED else f"more than {looking.MOST_COUNTED}"
        complain(f"{many} mails from {ref}; this is the newest (allegra mail list from:{ref} lists them)")
    return meant.row


def _nothing(none: looking.NoMail, mailboxes: list[Fare]) -> None:
    """Say that there is no such mail, since when we have mail at all, and when each mailbox was last read."""
    ref = none.ref
    since = f" since {when(none.first)}, when the first mail came in" if none.first else "; none was ever read in"
    if none.meant == "address":
        complain(f"no mail from {ref}{since} (and none with this Message-ID)")
    elif none.meant == "id":
        complain(f"there is no mail {ref}{since}; allegra mail list shows the newest")
    elif none.meant == "message-id":
        complain(f"there is no mail with the Message-ID {ref}{since}")
    else:
        complain(
            f"there is no mail {ref!r} and no file of that name: "
            "give an id (m-…), a Message-ID, the address of a sender, a file, last or last-held"
        )
        return
    now = datetime.now(UTC)
    for each in mailboxes:
        click.echo(printable(f"mailbox {each.mailbox.name}: {_last_read(each, now)}"), err=True)
    click.echo("mail that lies on the server still: allegra mailbox peek NAME", err=True)


def _last_read(fare: Fare, now: datetime) -> str:
    if fare.state == "off":
        return "is not read (active = false)"
    read_at = fare.read_at
    said = f"last read {when(read_at)}, {ago(now - read_at)}" if read_at is not None else "was never read"
    if fare.state == "paused":
        return f"{said}; paused: {fare.sentence}"
    if fare.state == "failing":
        return f"{said}; failing since {when(fare.since)}: {fare.sentence}"
    return said
