"""`allegra mail`: search what came in, look at it, and act on one mail.

Here: the commands of the noun. Not here: those that let mail be gone (`mail_gone.py`), searching (`store/`), what is
done to a mail (`desk/`).
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from engine.cli import mail_gone
from engine.cli.common import answer, is_terminal, open_config, open_store, open_to_read, print_json, save
from engine.cli.noun import Noun
from engine.cli.shown import lately, print_pairs, print_table, subject, when, zone
from engine.plain_text import printable, safe_line

if TYPE_CHECKING:
    from engine.model.stored import MailRow


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

    QUERY is like Gmail's: from:bigcorp domain:example.com to:help subject:printer outcome:held code:gate.dmarc
    mailbox:system workspace:support by:gate item:4711 newer_than:7d older_than:1y on:tue after:2026-05-03
    before:yesterday rule:"VIP customers" and free words. All words must fit; -word (behind a -- of its own) turns one
    round. Days are those of instance.timezone.
    """
    with open_to_read(ctx) as store:
        found = store.archive.search(" ".join(query), limit, zone=zone())
        rows = found.mails
        if as_json:
            for row in rows:
                print_json("mail", row)
            return
        cells = [
            (row.mail[:8], lately(row.received_at), row.sender, subject(row), row.outcome,
             row.code, target(row))
            for row in rows
        ]  # fmt: skip
        heads = ("mail", "received", "from", "subject", "outcome", "code", "item")
        print_table(heads, cells, "no mail matches", limit=44)
        if found.more:
            click.echo(f"these are the newest {limit}; --limit lists more", err=True)


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
    from engine.desk.plain import plain
    from engine.model.draft import Who
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
                ("subject", subject(row)), ("message-id", row.message_id),
                ("received", when(row.received_at)), ("mailbox", row.mailbox), ("outcome", row.outcome),
                ("code", row.code), ("because", row.because),
                ("by", f"{row.by.kind} {row.by.name}" if row.by.kind != Who.ENGINE else ""),
                ("means", REASONS[row.code].sentence if row.code in REASONS and row.by.kind != Who.PERSON else ""),
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
    from engine.desk import looking

    with open_store(ctx) as store:
        write(looking.raw(store, ref).content)


@mail.command()
@click.argument("ref")
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
@click.pass_context
def headers(ctx: click.Context, ref: str, as_json: bool) -> None:
    """Show the header fields of a mail, decoded."""
    from engine.desk import looking

    config = open_config(ctx)
    with open_store(ctx, config) as store:
        fields = looking.header(config, store, ref)
    if as_json:
        print_json("mail", {"headers": [[field.name, field.value] for field in fields]})
        return
    for field in fields:
        click.echo(f"{printable(field.name)}: {printable(field.value)}")


@mail.command()
@click.argument("ref")
@click.argument("file", type=click.Path(path_type=Path, allow_dash=True))
@click.option("--force", is_flag=True, help="Write over a file that is there.")
@click.pass_context
def export(ctx: click.Context, ref: str, file: Path, force: bool) -> None:
    """Save the original bytes of a mail to FILE (- is standard output), not over one that is there."""
    from engine.desk import looking

    with open_store(ctx) as store:
        content = looking.raw(store, ref).content
    if str(file) == "-":
        write(content)
    else:
        save(file, content, over=force)


@mail.command()
@click.argument("refs", nargs=-1, required=True)
@click.option("--json", "as_json", is_flag=True, help="One JSON object a mail.")
@click.pass_context
def retry(ctx: click.Context, refs: tuple[str, ...], as_json: bool) -> None:
    """Let the next run decide a mail again, as if it came now; refused once it has made an item or a comment."""
    from engine.desk import again

    config = open_config(ctx)
    with open_store(ctx, config) as store:
        for ref in refs:
            row = again.retry(config, store, ref, person())
            answer(as_json, "mail", {"mail": row.mail, "done": "waits"}, f"{row.mail[:8]}  waits for the next run")


@mail.command()
@click.argument("refs", nargs=-1, required=True)
@click.option("--reason", required=True, help="Why; it is kept with the mail.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a mail.")
@click.pass_context
def ignore(ctx: click.Context, refs: tuple[str, ...], reason: str, as_json: bool) -> None:
    """Close a held, waiting or quarantined mail without making anything of it."""
    from engine.desk.held import discard

    config = open_config(ctx)
    with open_store(ctx, config) as store:
        for ref in refs:
            row = store.archive.mail(ref)
            discard(config, store, row, person(), reason)
            answer(as_json, "mail", {"mail": row.mail, "done": "ignored"}, f"{row.mail[:8]}  ignored")


@mail.command("reset-status")
@click.argument("refs", nargs=-1, required=True)
@click.option("--json", "as_json", is_flag=True, help="One JSON object a mail.")
@click.pass_context
def reset_status(ctx: click.Context, refs: tuple[str, ...], as_json: bool) -> None:
    """Clear claims and waiting times of a mail, so that the next run takes it up; never its effects."""
    from engine.desk import again

    config = open_config(ctx)
    with open_store(ctx, config) as store:
        for ref in refs:
            row = again.reset_status(config, store, ref, person())
            answer(as_json, "mail", {"mail": row.mail, "done": "reset"}, f"{row.mail[:8]}  may be taken up at once")


@mail.command()
@click.argument("refs", nargs=-1, required=True)
@click.option("--json", "as_json", is_flag=True, help="One JSON object a mail.")
@click.pass_context
def settle(ctx: click.Context, refs: tuple[str, ...], as_json: bool) -> None:
    """Do the mailbox action of a mail again at the next run (move, mark, delete)."""
    from engine.desk import again

    config = open_config(ctx)
    with open_store(ctx, config) as store:
        for ref in refs:
            row = again.settle(config, store, ref, person())
            said = f"{row.mail[:8]}  its mailbox action is planned again"
            answer(as_json, "mail", {"mail": row.mail, "done": "settle"}, said)


def write(content: bytes) -> None:
    """Write bytes of strangers to standard output as they are, but for a terminal, which would obey some of them."""
    if not is_terminal():
        sys.stdout.buffer.write(content)
        sys.stdout.buffer.flush()
        return
    for line in content.decode("utf-8", "replace").splitlines():
        click.echo(safe_line(line))


def person() -> str:
    """Who types: for the audit of what people do."""
    import getpass

    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "somebody"


for _command in mail_gone.COMMANDS:
    mail.add_command(_command)
