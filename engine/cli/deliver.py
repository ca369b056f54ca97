"""`allegra deliver`: one mail from standard input, for the pipe transport of a mail server.

Here: what the mail server hears. 0 means the bytes are ours, 75 means keep it and try again, and nothing else is
ever said, because Postfix bounces every other code; only `--bounce` adds 65, 67 and 77.
Not here: deciding, which is the same as in a run.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from engine.config import Config, Mailbox
    from engine.model import RawMail

TEMPORARY = 75
TOO_BIG, NO_MAILBOX, REFUSED = 65, 67, 77


class Deliver(click.Command):
    """A command whose wrong usage is a temporary failure as well: a typo must not bounce a customer's mail."""

    def main(self, *args: Any, **kwargs: Any) -> Any:
        return super().main(*args, **kwargs)

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any
    ) -> click.Context:
        try:
            return super().make_context(info_name, args, parent, **extra)
        except click.UsageError as error:
            error.show()
            raise SystemExit(TEMPORARY) from error


@click.command(cls=Deliver)
@click.option("--mailbox", metavar="NAME", help="Whose mail this is: system or a workspace (else found by recipient).")
@click.option("--recipient", "recipients", multiple=True, metavar="ADDRESS", help="Envelope recipient.")
@click.option("--sender", metavar="ADDRESS", help="Envelope sender; empty for a bounce.")
@click.option("--queue-id", metavar="ID", help="The mail server's id of this mail.")
@click.option(
    "--bounce", is_flag=True, help="Decide at once; refuse with 65, 67 or 77 so that the mail server bounces."
)
@click.option(
    "--spool", type=click.Path(path_type=Path), metavar="MAILDIR", help="Only write the mail into this Maildir."
)
@click.pass_context
def deliver(
    ctx: click.Context,
    mailbox: str | None,
    recipients: tuple[str, ...],
    sender: str | None,
    queue_id: str | None,
    bounce: bool,
    spool: Path | None,
) -> None:
    """Take one mail from standard input.

    Exit codes: 0 the mail is ours, 75 try again later. With --bounce also 65 too big, 67 no such mailbox, 77 refused.
    """
    try:
        status = _deliver(ctx, mailbox, recipients, sender, queue_id, bounce, spool)
    except SystemExit as stop:  # a configuration that does not load exits 78; here that must not bounce
        status = TEMPORARY if stop.code not in (0, None) else 0
    except BaseException as error:
        click.echo(f"allegra deliver: {type(error).__name__}: {error}", err=True)
        status = TEMPORARY
    raise SystemExit(status)


def _deliver(
    ctx: click.Context,
    name: str | None,
    recipients: tuple[str, ...],
    sender: str | None,
    queue_id: str | None,
    bounce: bool,
    spool: Path | None,
) -> int:
    from engine.cli.common import open_config, open_store

    if spool is not None:
        return _spool(spool)
    config = open_config(ctx)
    mailbox = _mailbox(config, name, recipients)
    if mailbox is None:
        click.echo(f"allegra deliver: no mailbox for {', '.join(recipients) or 'a mail without recipient'}", err=True)
        return NO_MAILBOX if bounce else TEMPORARY
    most = config.settings("").limits.raw
    content = sys.stdin.buffer.read(most + 1)
    if len(content) > most:
        click.echo(f"allegra deliver: the mail is larger than limits.raw ({most} bytes)", err=True)
        return TOO_BIG if bounce else TEMPORARY
    if not content.strip():
        click.echo("allegra deliver: standard input holds no mail", err=True)
        return TEMPORARY
    with open_store(ctx, config) as store:
        return _take(config, store, mailbox, _raw(content, mailbox.name, recipients, sender, queue_id), bounce)


def _take(config: Config, store: Any, mailbox: Mailbox, raw: RawMail, bounce: bool) -> int:
    """Make the bytes ours, then decide at once if nobody else is at work on this mailbox."""
    from engine.model import Outcome
    from engine.process import Engine
    from engine.run import utc_now
    from engine.store.lease import Lease, owner

    spooled = store.spool([raw], owner())
    engine = Engine(config, store)
    try:
        with Lease(store, mailbox.name, utc_now, 30.0 if bounce else 0.0) as lease:
            fresh = [each for each in spooled if not each.seen_before]
            if not lease.held:
                store.unclaim(fresh)
                return TEMPORARY if bounce else 0
            results = engine.process(fresh, utc_now())
    except Exception as error:  # the bytes are ours: the next run decides
        click.echo(f"allegra deliver: stored, the next run decides ({type(error).__name__}: {error})", err=True)
        return TEMPORARY if bounce else 0
    finally:
        engine.close()
    if bounce and any(result.outcome is Outcome.REJECTED for result in results):
        click.echo(f"allegra deliver: refused: {results[0].because}", err=True)
        return REFUSED
    return 0


def _mailbox(config: Config, name: str | None, recipients: tuple[str, ...]) -> Mailbox | None:
    """The mailbox that was named, or the one that one of the recipients belongs to."""
    if name is not None:
        return next((each for each in config.mailboxes if each.name == name), None)
    for recipient in recipients:
        local, _, domain = recipient.strip("<>").casefold().rpartition("@")
        plain = f"{local.partition('+')[0]}@{domain}"
        for mailbox in config.mailboxes:
            addresses = {address.casefold() for address in mailbox.addresses}
            if plain in addresses or f"{local}@{domain}" in addresses:
                return mailbox
    return None


def _raw(
    content: bytes, mailbox: str, recipients: tuple[str, ...], sender: str | None, queue_id: str | None
) -> RawMail:
    """The mail with its envelope; without a queue id the digest is its transport key."""
    import hashlib

    from engine.model import Envelope, Origin, RawMail
    from engine.run import utc_now

    digest = hashlib.sha256(content).hexdigest()
    key = f"pipe/{queue_id or digest}/{','.join(recipients)}"
    envelope = Envelope(sender.strip("<>") if sender is not None else None, recipients)
    return RawMail(content, Origin(mailbox, key, len(content)), utc_now(), digest, envelope)


def _spool(folder: Path) -> int:
    """Write the mail into a Maildir, durably: for sites where the database may be away for long."""
    from engine.sources.maildir import deliver_into

    deliver_into(folder, sys.stdin.buffer)
    return 0
