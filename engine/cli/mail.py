"""`allegra mail`: search what came in, look at it, and act on one mail.

Here: the commands of the noun. Not here: searching (`store/`), deciding (`replay.py`).
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from engine.cli.common import open_config, open_store, plain, print_json, print_pairs, print_table, when

if TYPE_CHECKING:
    from typing import BinaryIO

    from engine.store.store import Store


@click.group()
def mail() -> None:
    """Search mails and act on one."""


@mail.command("list")
@click.argument("query", nargs=-1)
@click.option("--limit", type=click.IntRange(1), default=50, show_default=True, metavar="N", help="List at most N.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a mail.")
@click.pass_context
def list_(ctx: click.Context, query: tuple[str, ...], limit: int, as_json: bool) -> None:
    """List mails, the newest first.

    QUERY is like Gmail's: from:bigcorp to:help subject:printer outcome:held code:gate.dmarc mailbox:system
    workspace:support item:4711 newer_than:7d older_than:1y rule:"VIP customers" and free words.
    """
    with open_store(ctx) as store:
        rows = list(store.mails(" ".join(query), limit))
        if as_json:
            for row in rows:
                print_json("mail", plain(row))
            return
        cells = [
            (row.mail[:8], when(row.received_at), row.sender, row.subject, row.outcome, row.code,
             f"#{row.item}" if row.item else "")
            for row in rows
        ]  # fmt: skip
        heads = ("mail", "received", "from", "subject", "outcome", "code", "item")
        print_table(heads, cells, "no mail matches", limit=44)


@mail.command()
@click.argument("ref")
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
@click.pass_context
def show(ctx: click.Context, ref: str, as_json: bool) -> None:
    """Show what is known about a mail and every receipt it has; `allegra explain` tells why."""
    with open_store(ctx) as store:
        row = store.mail(ref)
        receipts = store.receipts(row.mail)
        if as_json:
            print_json("mail", {**plain(row), "receipts": plain(receipts)})
            return
        print_pairs(
            [
                ("mail", row.mail), ("from", row.sender), ("to", row.recipients), ("subject", row.subject),
                ("message-id", row.message_id), ("received", when(row.received_at)), ("mailbox", row.mailbox),
                ("outcome", row.outcome), ("code", row.code), ("because", row.because),
                ("item", f"{row.workspace} #{row.item}" if row.item else ""), ("attempts", row.attempts),
                ("error", row.error.strip().splitlines()[-1] if row.error.strip() else ""),
            ]
        )  # fmt: skip
        if len(receipts) > 1:
            rows = [(each.generation, each.outcome, each.code, each.because) for each in receipts]
            print_table(("generation", "outcome", "code", "because"), rows)


@mail.command()
@click.argument("ref")
@click.pass_context
def raw(ctx: click.Context, ref: str) -> None:
    """Write the original bytes of a mail to standard output."""
    with open_store(ctx) as store:
        sys.stdout.buffer.write(_raw(store, ref))
        sys.stdout.buffer.flush()


@mail.command()
@click.argument("ref")
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
@click.pass_context
def headers(ctx: click.Context, ref: str, as_json: bool) -> None:
    """Show the header fields of a mail, decoded."""
    from engine.cli.common import printable
    from engine.replay import parse_stored
    from engine.store.errors import NotFound

    config = open_config(ctx)
    with open_store(ctx, config) as store:
        stored = store.raw(store.mail(ref).mail)
        if stored is None:
            raise NotFound(f"the bytes of {ref} were purged; its receipt and trace are kept")
        parsed = parse_stored(config, stored)
        if as_json:
            print_json("mail", {"headers": [[header.name, header.value] for header in parsed.headers]})
            return
        for header in parsed.headers:
            click.echo(f"{printable(header.name)}: {printable(header.value)}")


@mail.command()
@click.argument("ref")
@click.argument("file", type=click.File("wb"))
@click.pass_context
def export(ctx: click.Context, ref: str, file: BinaryIO) -> None:
    """Save the original bytes of a mail to FILE."""
    with open_store(ctx) as store:
        file.write(_raw(store, ref))


@mail.command()
@click.argument("refs", nargs=-1, required=True)
@click.pass_context
def retry(ctx: click.Context, refs: tuple[str, ...]) -> None:
    """Let the next run decide a mail again, as if it came now; refused once it has made an item or a comment."""
    with open_store(ctx) as store:
        for ref in refs:
            row = store.mail(ref)
            store.reopen(row.mail, None, retry=True)
            click.echo(f"{row.mail[:8]}  waits for the next run")


@mail.command()
@click.argument("refs", nargs=-1, required=True)
@click.option("--reason", required=True, help="Why; it is kept with the mail.")
@click.pass_context
def ignore(ctx: click.Context, refs: tuple[str, ...], reason: str) -> None:
    """Close a held, waiting or quarantined mail without making anything of it."""
    with open_store(ctx) as store:
        for ref in refs:
            row = store.mail(ref)
            store.ignore(row.mail, person(), reason)
            click.echo(f"{row.mail[:8]}  ignored")


@mail.command("reset-status")
@click.argument("refs", nargs=-1, required=True)
@click.pass_context
def reset_status(ctx: click.Context, refs: tuple[str, ...]) -> None:
    """Clear claims and waiting times of a mail, so that the next run takes it up; never its effects."""
    with open_store(ctx) as store:
        for ref in refs:
            row = store.mail(ref)
            store.reset_status(row.mail)
            click.echo(f"{row.mail[:8]}  may be taken up at once")


@mail.command()
@click.argument("refs", nargs=-1, required=True)
@click.pass_context
def settle(ctx: click.Context, refs: tuple[str, ...]) -> None:
    """Do the mailbox action of a mail again at the next run (move, mark, delete)."""
    with open_store(ctx) as store:
        for ref in refs:
            row = store.mail(ref)
            store.settle_again(row.mail)
            click.echo(f"{row.mail[:8]}  its mailbox action is planned again")


@mail.command()
@click.argument("refs", nargs=-1, required=True)
@click.option("--commit", is_flag=True, help="Really do it.")
@click.pass_context
def purge(ctx: click.Context, refs: tuple[str, ...], commit: bool) -> None:
    """Remove the original bytes of a mail for good; its receipt stays. Without --commit: tell what would go."""
    with open_store(ctx) as store:
        for ref in refs:
            row = store.mail(ref)
            if commit:
                store.purge(row.mail)
            click.echo(f'{row.mail[:8]}  "{row.subject}"  {"purged" if commit else "would be purged (add --commit)"}')


def _raw(store: Store, ref: str) -> bytes:
    from engine.store.errors import NotFound

    stored = store.raw(store.mail(ref).mail)
    if stored is None:
        raise NotFound(f"the bytes of {ref} were purged; its receipt and trace are kept")
    return stored.content


def person() -> str:
    """Who types: for the audit of what people do."""
    import getpass

    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "somebody"
