"""`allegra mail`: search what came in, look at it, and act on one mail.

Here: the commands of the noun. Not here: searching (`store/`), deciding (`replay.py`).
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from engine.cli.common import (
    answer,
    is_terminal,
    open_config,
    open_store,
    plain,
    print_json,
    print_pairs,
    print_table,
    when,
)
from engine.cli.noun import Noun
from engine.plain_text import printable, safe_line

if TYPE_CHECKING:
    from typing import BinaryIO

    from engine.model.stored import MailRow
    from engine.store.store import Store


@click.group(cls=Noun)
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
    workspace:support item:4711 newer_than:7d older_than:1y rule:"VIP customers" and free words. All words must fit;
    -word (behind a -- of its own) turns one round.
    """
    with open_store(ctx) as store:
        rows = list(store.archive.mails(" ".join(query), limit))
        if as_json:
            for row in rows:
                print_json("mail", plain(row))
            return
        cells = [
            (row.mail[:8], when(row.received_at), row.sender, row.subject.strip() or "(no subject)", row.outcome,
             row.code, target(row))
            for row in rows
        ]  # fmt: skip
        heads = ("mail", "received", "from", "subject", "outcome", "code", "item")
        print_table(heads, cells, "no mail matches", limit=44)


def target(row: MailRow) -> str:
    """The item or topic that a mail belongs to, as people write it."""
    return f"#{row.item}" if row.item else f"topic {row.topic}" if row.topic else ""


@mail.command()
@click.argument("ref")
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
@click.pass_context
def show(ctx: click.Context, ref: str, as_json: bool) -> None:
    """Show what is known about a mail and every receipt it has; `allegra explain` tells why.

    REF is what `allegra explain` takes: an id, a Message-ID, a sender's address, last, last-held.
    """
    from engine.cli.looking import found
    from engine.model.reasons import REASONS

    config = open_config(ctx)
    with open_store(ctx, config) as store:
        row = found(store, config, ref)
        receipts = store.archive.receipts(row.mail)
        if as_json:
            print_json("mail", {**plain(row), "receipts": plain(receipts)})
            return
        print_pairs(
            [
                ("mail", row.mail), ("from", row.sender), ("to", row.recipients),
                ("subject", row.subject.strip() or "(no subject)"), ("message-id", row.message_id),
                ("received", when(row.received_at)), ("mailbox", row.mailbox), ("outcome", row.outcome),
                ("code", row.code), ("because", row.because),
                ("by", f"{row.by.kind} {row.by.name}" if row.by.kind != "engine" else ""),
                ("means", REASONS[row.code].sentence if row.code in REASONS and row.by.kind != "person" else ""),
                ("item", f"{row.workspace} {target(row)}" if target(row) else ""),
                ("attempts", row.attempts if row.attempts > 1 else ""),
                ("error", row.error.strip().splitlines()[-1] if row.error.strip() else ""),
                ("why", f"allegra explain {row.mail[:8]}"),
            ]
        )  # fmt: skip
        if len(receipts) > 1:
            click.echo()
            rows = [(each.generation, each.outcome, each.code, each.because) for each in receipts]
            print_table(("generation", "outcome", "code", "because"), rows)


@mail.command()
@click.argument("ref")
@click.pass_context
def raw(ctx: click.Context, ref: str) -> None:
    """Write the original bytes of a mail to standard output; to a terminal without control characters."""
    with open_store(ctx) as store:
        write(_raw(store, ref))


@mail.command()
@click.argument("ref")
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
@click.pass_context
def headers(ctx: click.Context, ref: str, as_json: bool) -> None:
    """Show the header fields of a mail, decoded."""
    from engine.explain.replay import parse_stored
    from engine.store.errors import NotFound

    config = open_config(ctx)
    with open_store(ctx, config) as store:
        stored = store.archive.raw(store.archive.mail(ref).mail)
        if stored is None:
            raise NotFound(f"the bytes of {ref} are not kept any more; its receipt is")
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
@click.option("--json", "as_json", is_flag=True, help="One JSON object a mail.")
@click.pass_context
def retry(ctx: click.Context, refs: tuple[str, ...], as_json: bool) -> None:
    """Let the next run decide a mail again, as if it came now; refused once it has made an item or a comment."""
    with open_store(ctx) as store:
        for ref in refs:
            row = store.archive.mail(ref)
            store.ledger.reopen(row.mail, None, retry=True)
            answer(as_json, "mail", {"mail": row.mail, "done": "waits"}, f"{row.mail[:8]}  waits for the next run")


@mail.command()
@click.argument("refs", nargs=-1, required=True)
@click.option("--reason", required=True, help="Why; it is kept with the mail.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a mail.")
@click.pass_context
def ignore(ctx: click.Context, refs: tuple[str, ...], reason: str, as_json: bool) -> None:
    """Close a held, waiting or quarantined mail without making anything of it."""
    with open_store(ctx) as store:
        for ref in refs:
            row = store.archive.mail(ref)
            store.ledger.ignore(row.mail, person(), reason)
            answer(as_json, "mail", {"mail": row.mail, "done": "ignored"}, f"{row.mail[:8]}  ignored")


@mail.command("reset-status")
@click.argument("refs", nargs=-1, required=True)
@click.option("--json", "as_json", is_flag=True, help="One JSON object a mail.")
@click.pass_context
def reset_status(ctx: click.Context, refs: tuple[str, ...], as_json: bool) -> None:
    """Clear claims and waiting times of a mail, so that the next run takes it up; never its effects."""
    with open_store(ctx) as store:
        for ref in refs:
            row = store.archive.mail(ref)
            store.ledger.reset_status(row.mail)
            answer(as_json, "mail", {"mail": row.mail, "done": "reset"}, f"{row.mail[:8]}  may be taken up at once")


@mail.command()
@click.argument("refs", nargs=-1, required=True)
@click.option("--json", "as_json", is_flag=True, help="One JSON object a mail.")
@click.pass_context
def settle(ctx: click.Context, refs: tuple[str, ...], as_json: bool) -> None:
    """Do the mailbox action of a mail again at the next run (move, mark, delete)."""
    with open_store(ctx) as store:
        for ref in refs:
            row = store.archive.mail(ref)
            store.mailboxes.settle_again(row.mail)
            said = f"{row.mail[:8]}  its mailbox action is planned again"
            answer(as_json, "mail", {"mail": row.mail, "done": "settle"}, said)


@mail.command()
@click.argument("refs", nargs=-1, required=True)
@click.option("--commit", is_flag=True, help="Really do it.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a mail.")
@click.pass_context
def purge(ctx: click.Context, refs: tuple[str, ...], commit: bool, as_json: bool) -> None:
    """Erase the bytes, addresses, subject and trace of a mail for good; its receipt stays.

    Without --commit it only tells what would go.
    """
    with open_store(ctx) as store:
        for ref in refs:
            row = store.archive.mail(ref)
            if commit:
                store.archive.purge(row.mail)
            said = "purged" if commit else "would be purged (--commit does it)"
            done = {"mail": row.mail, "done": "purged" if commit else "nothing"}
            answer(as_json, "mail", done, f'{row.mail[:8]}  "{row.subject}"  {said}')


def write(content: bytes) -> None:
    """Write bytes of strangers to standard output as they are, but for a terminal, which would obey some of them."""
    if not is_terminal():
        sys.stdout.buffer.write(content)
        sys.stdout.buffer.flush()
        return
    for line in content.decode("utf-8", "replace").splitlines():
        click.echo(safe_line(line))


def _raw(store: Store, ref: str) -> bytes:
    from engine.store.errors import NotFound

    stored = store.archive.raw(store.archive.mail(ref).mail)
    if stored is None:
        raise NotFound(f"the bytes of {ref} are not kept any more; its receipt is")
    return stored.content


def person() -> str:
    """Who types: for the audit of what people do."""
    import getpass

    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "somebody"
