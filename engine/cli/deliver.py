"""`allegra deliver`: one mail from standard input, for the pipe transport of a mail server.

Here: what the mail server hears. 0 means the bytes are ours, 75 means keep it and try again, and nothing else is
ever said, because Postfix bounces every other code; only `--bounce` adds 65, 67 and 77.
Not here: deciding, which is the same as in a run.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from engine.config import Config
    from engine.model.mail import RawMail
    from engine.model.stored import Spooled
    from engine.run.process import Engine
    from engine.store.store import Store

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
    targets = _targets(config, name, recipients)
    if not targets:
        wanted = ", ".join(recipients) or "a mail without --recipient"
        whose = f"called {name!r}" if name is not None else f"for {wanted}"
        click.echo(f"allegra deliver: there is no mailbox {whose}", err=True)
        return NO_MAILBOX if bounce and recipients and name is None else TEMPORARY
    most = config.settings("").limits.raw
    content = sys.stdin.buffer.read(most + 1)
    if len(content) > most:
        click.echo(f"allegra deliver: the mail is larger than limits.raw ({most} bytes)", err=True)
        return TOO_BIG if bounce else TEMPORARY
    if not content.strip():
        click.echo("allegra deliver: standard input holds no mail", err=True)
        return TEMPORARY
    raws = [_raw(content, mailbox, its, sender, queue_id) for mailbox, its in targets.items()]
    with open_store(ctx, config) as store:
        return _take(config, store, raws, bounce)


def _take(config: Config, store: Store, raws: Sequence[RawMail], bounce: bool) -> int:
    """Make the bytes ours, for every mailbox in one transaction; then decide where nobody else is at work."""
    from engine.run.process import Engine
    from engine.store.locks import owner

    spooled = store.ledger.spool(raws, owner())
    engine = Engine(config, store, server_tells=bounce and len(raws) == 1)
    try:
        codes = [_decide(engine, each, bounce) for each in spooled]
    finally:
        engine.close()
    return TEMPORARY if TEMPORARY in codes else REFUSED if set(codes) == {REFUSED} else 0


def _decide(engine: Engine, spooled: Spooled, bounce: bool) -> int:
    """Decide a mail that is ours; gives the exit code for it."""
    from engine.model.plan import Outcome
    from engine.run.lease import Lease
    from engine.run.passing import utc_now

    store, waits_s = engine.store, engine.config.settings("").errors.retry
    if spooled.seen_before:
        return REFUSED if bounce and _refused_before(store, spooled.mail) else 0
    try:
        mailbox = spooled.raw.origin.mailbox
        with Lease(store, mailbox, utc_now, 30.0 if bounce else 0.0, waits_s=waits_s) as lease:
            if not lease.held:
                store.ledger.unclaim([spooled])
                return TEMPORARY if bounce else 0
            results = engine.process([spooled], utc_now())
    except Exception as error:  # the bytes are ours: the next run decides
        click.echo(f"allegra deliver: stored, the next run decides ({type(error).__name__}: {error})", err=True)
        return TEMPORARY if bounce else 0
    if bounce and results and results[0].outcome is Outcome.REJECTED:
        click.echo(f"allegra deliver: refused: {_said(results[0].code, results[0].because)}", err=True)
        return REFUSED
    return 0


def _refused_before(store: Store, mail: str) -> bool:
    """Whether we refused these bytes before and left it to the mail server to say so: it did not hear us then."""
    from engine.model.plan import Outcome

    receipts = store.archive.receipts(mail)
    return bool(receipts) and receipts[-1].outcome is Outcome.REJECTED and not receipts[-1].outbox


def _said(code: str, because: str) -> str:
    """What the sender may read in the bounce."""
    from engine.model.reasons import REASONS
    from engine.plain_text import printable

    reason = REASONS.get(code)
    return printable(because if reason is None or reason.sender else reason.sentence)


def _targets(config: Config, name: str | None, recipients: tuple[str, ...]) -> dict[str, tuple[str, ...]]:
    """The mailboxes the mail is for, with the recipients of each: the one that was named, or by recipient."""
    if name is not None:
        return {each.name: recipients for each in config.mailboxes if each.name == name}
    separators = {"+", *config.settings("").people.mail_suffix_separators}
    homes = {address.casefold(): each.name for each in reversed(config.mailboxes) for address in each.addresses}
    found: dict[str, tuple[str, ...]] = {}
    for recipient in recipients:
        local, _, domain = recipient.strip("<>").casefold().rpartition("@")
        plain = (local[: local.index(each)] for each in separators if each in local)
        home = next((homes[name] for each in (local, *plain) if (name := f"{each}@{domain}") in homes), None)
        if home is not None:
            found[home] = (*found.get(home, ()), recipient)
    return found


def _raw(
    content: bytes, mailbox: str, recipients: tuple[str, ...], sender: str | None, queue_id: str | None
) -> RawMail:
    """The mail with its envelope; without a queue id the digest is its transport key."""
    import hashlib

    from engine.model.mail import Envelope, Origin, RawMail
    from engine.run.passing import utc_now

    digest = hashlib.sha256(content).hexdigest()
    key = f"pipe/{queue_id or digest}/{','.join(recipients)}"
    envelope = Envelope(sender.strip("<>") if sender is not None else None, recipients)
    return RawMail(content, Origin(mailbox, key, len(content)), utc_now(), digest, envelope)


def _spool(folder: Path) -> int:
    """Write the mail into a Maildir, durably: for sites where the database may be away for long."""
    from engine.sources.maildir import deliver_into

    deliver_into(folder, sys.stdin.buffer)
    return 0
