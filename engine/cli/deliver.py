"""`allegra deliver`: one mail from standard input, for the pipe transport of a mail server.

Here: what the mail server hears. 0 means the bytes are ours, 75 means keep it and try again, and nothing else is
ever said, because Postfix bounces every other code; only `--bounce` adds 65, 67 and 77.
Not here: taking it (`doors/taking.py`).
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, BinaryIO

import click

from engine.plain_text import printable

TEMPORARY = 75
TOO_BIG, NO_MAILBOX, REFUSED = 65, 67, 77

EMPTY = "standard input holds no mail"


class _NoMail(Exception):
    """There is nothing to take; the text says why."""


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
    "--spool",
    type=click.Path(path_type=Path),
    metavar="MAILDIR",
    help="Only write the mail into this Maildir, without its envelope; with no other option.",
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

    One recipient a mail: of several those are told on standard error that are none of ours, and the mail is taken for
    the others.

    Exit codes: 0 the mail is ours, 75 try again later. With --bounce also 65 too big, 67 no such mailbox, 77 refused.
    """
    try:
        status = _deliver(ctx, mailbox, recipients, sender, queue_id, bounce, spool)
    except SystemExit as stop:  # a configuration that does not load exits 78; here that must not bounce
        status = TEMPORARY if stop.code not in (0, None) else 0
    except _NoMail as error:
        status = _complain(str(error))
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
    from engine.doors.taking import Fate, handed_over, take, targets, unknown

    if spool is not None:
        return _spool(spool, name, recipients, sender, queue_id, bounce)
    config = open_config(ctx)
    found = targets(config, recipients, name)
    if not found:
        wanted = ", ".join(recipients) or "a mail without --recipient"
        whose = f"called {name!r}" if name is not None else f"for {wanted}"
        return _complain(f"there is no mailbox {whose}", NO_MAILBOX if bounce and recipients and name is None else None)
    most = config.settings("").limits.raw
    content = _standard_input().read(most + 1)
    if len(content) > most:
        return _complain(f"the mail is larger than limits.raw ({most} bytes)", TOO_BIG if bounce else None)
    if not content.strip():
        return _complain(EMPTY)
    raws = [handed_over(content, mailbox, its, sender, queue_id or "") for mailbox, its in found.items()]
    with open_store(ctx, config) as store:
        taken = take(config, store, raws, at_once=bounce, strays=(strays := unknown(recipients, found)))
    if strays:
        _complain(f"there is no mailbox for {', '.join(strays)}; the mail is ours for the others")
    for each in taken:
        if each.sentence:
            _complain(f"{'refused: ' if each.fate is Fate.REFUSED else ''}{each.sentence}")
    fates = {each.fate for each in taken}
    return TEMPORARY if Fate.LATER in fates else REFUSED if fates == {Fate.REFUSED} else 0


def _complain(sentence: str, status: int | None = None) -> int:
    """Say on stderr what is wrong; gives the exit code, 75 where there is none of its own."""
    click.echo(f"allegra deliver: {printable(sentence)}", err=True)
    return TEMPORARY if status is None else status


def _standard_input() -> BinaryIO:
    """Give the mail's stream. Raises _NoMail where the caller closed it (`<&-`)."""
    if sys.stdin is None:
        raise _NoMail("standard input is closed: there is no mail")
    return sys.stdin.buffer


def _spool(folder: Path, *others: object) -> int:
    """Write the mail into a Maildir, durably: for sites where the database may be away for long."""
    from engine.sources.maildir import deliver_into

    if any(each not in (None, (), False) for each in others):
        return _complain(
            "--spool only writes the mail: take out --mailbox, --recipient, --sender, --queue-id, --bounce"
        )
    return 0 if deliver_into(folder, _standard_input()) else _complain(EMPTY)
