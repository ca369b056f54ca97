"""Finding the mail that a person means, and what is said when there is none.

Here: a reference to a row; "no mail from x@y since …" with when each mailbox was last read. Not here: the queries
(`store/`). Invariant: where nothing is found, what was looked for and where mail may still be is told.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import click

from engine.cli.common import FINDINGS, complain, when
from engine.plain_text import printable
from engine.store.errors import NotFound

if TYPE_CHECKING:
    from engine.config import Config, Mailbox
    from engine.model.stored import MailboxState, MailRow
    from engine.store.store import Store


def found(store: Store, config: Config, ref: str) -> MailRow:
    """Find a mail by id, Message-ID, `last`, `last-held`, or the newest from an address; else say so and exit 1."""
    ref = ref.strip()
    row = store.archive.find_mail(ref)
    if row is not None:
        return row
    if ref in ("last", "last-held"):
        raise NotFound("nothing is held" if ref == "last-held" else "no mail was read in yet")
    if _is_address(ref):
        rows = store.archive.mails(f'from:"{ref}"', 101)
        if rows:
            many = "more than 100" if len(rows) > 100 else str(len(rows))
            if len(rows) > 1:
                complain(f"{many} mails from {ref}; this is the newest (allegra mail list from:{ref} lists them)")
            return rows[0]
    _nothing(store, config, ref)
    raise SystemExit(FINDINGS)


def _is_address(ref: str) -> bool:
    local, at, domain = ref.rpartition("@")
    return bool(at and local and domain) and not ref.startswith("<") and not set('" \t') & set(ref)


def _nothing(store: Store, config: Config, ref: str) -> None:
    """Say that there is no such mail, since when we have mail at all, and when each mailbox was last read."""
    first = store.archive.oldest()
    since = f" since {when(first)}, when the first mail came in" if first else "; none was ever read in"
    if _is_address(ref):
        complain(f"no mail from {ref}{since} (and none with this Message-ID)")
    elif ref.startswith("m-"):
        complain(f"there is no mail {ref}{since}; allegra mail list shows the newest")
    elif "@" in ref:
        complain(f"there is no mail with the Message-ID {ref}{since}")
    else:
        complain(
            f"there is no mail {ref!r} and no file of that name: "
            "give an id (m-…), a Message-ID, the address of a sender, a file, last or last-held"
        )
        return
    states = {state.name: state for state in store.mailboxes.states()}
    now = datetime.now(UTC)
    for box in config.mailboxes:
        click.echo(printable(f"mailbox {box.name}: {_last_read(box, states.get(box.name), now)}"), err=True)
    click.echo("mail that lies on the server still: allegra mailbox peek NAME", err=True)


def _last_read(box: Mailbox, state: MailboxState | None, now: datetime) -> str:
    if not box.active:
        return "is not read (active = false)"
    ok = state.ok_at if state is not None else None
    said = f"last read {when(ok)}, {ago(now - ok)}" if ok is not None else "was never read"
    if state is not None and state.paused:
        return f"{said}; paused: {state.paused}"
    if state is not None and state.failures:
        return f"{said}; failing since {when(state.failing_since)}: {state.sentence}"
    return said


def ago(span: timedelta) -> str:
    """A time span as people say it: `3 min ago`."""
    seconds = span.total_seconds()
    for name, length in (("days", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= 2 * length or (name == "min" and seconds >= length):
            return f"{seconds // length:.0f} {name} ago"
    return "just now"
