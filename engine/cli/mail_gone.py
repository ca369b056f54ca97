"""`allegra mail delete`, `mail purge`: mails that are to be gone, on their server or here.

Here: options and printing. Not here: which mails may go (`desk/erasing.py`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from engine.cli.common import answer, log_act, open_config, open_store, print_json, usage
from engine.cli.shown import lately, print_table, subject, zone
from engine.plain_text import printable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.desk.erasing import Chosen, Purge

FIRST = 10
"""Mails of a query that are shown before they are purged."""


@click.command()
@click.argument("refs", nargs=-1, required=True)
@click.option("--on-server", is_flag=True, help="In its mailbox, on the mail server; ours stays as it is.")
@click.option("--commit", is_flag=True, help="Really do it.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a mail.")
@click.pass_context
def delete(ctx: click.Context, refs: tuple[str, ...], on_server: bool, commit: bool, as_json: bool) -> None:
    """Delete a mail on its mail server, at the next run; refused while it is not decided.

    Our copy stays: allegra mail purge erases that. Without --commit it only tells what would go.
    """
    from engine.cli.mail import person
    from engine.desk import erasing

    if not on_server:
        raise click.UsageError("say where: --on-server is its mailbox; allegra mail purge erases our copy")
    config = open_config(ctx)
    with open_store(ctx, config) as store:
        for ref in refs:
            found = erasing.delete_on_server(config, store, ref, commit=commit, by=person())
            if commit:
                log_act(ctx, "mail.delete", f"in mailbox {found.row.mailbox}", mail=found.row.mail)
            row, kept = found.row, "" if found.kept else "; no copy of it is kept here"
            will = "will be" if commit else "would be"
            end = "by the next run" + ("" if commit else " (--commit does it)") + kept
            done = {"mail": row.mail, "done": "planned" if commit else "nothing", "mailbox": row.mailbox,
                    "messages": found.places, "kept": found.kept}  # fmt: skip
            said = f'{row.mail[:8]}  "{subject(row)}"  {will} deleted in mailbox {row.mailbox} {end}'
            answer(as_json, "mail", done, said)


@click.command()
@click.argument("refs", nargs=-1, required=True, metavar="REF...|QUERY")
@click.option("--commit", is_flag=True, help="Really do it.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a mail.")
@click.pass_context
def purge(ctx: click.Context, refs: tuple[str, ...], commit: bool, as_json: bool) -> None:
    """Erase the bytes, addresses, subject and trace of mails for good; their receipts stay.

    Their reasons are told in general words then, and what the same bytes left in other mailboxes goes with them. What
    the mails made (items, comments, accounts) stays as it is. QUERY has the words of allegra mail list; of what it
    finds, mail that waits is left out. Without --commit it only tells what would go.
    """
    from engine.cli.mail import person
    from engine.desk import erasing

    with open_store(ctx) as store:
        with usage():
            chosen = erasing.to_purge(store, refs, zone())
        would: list[Purge] = []
        waits: list[Purge] = []
        for each in erasing.purge(store, chosen, commit=commit, by=person()):
            (waits if each.because else would).append(each)
            if commit and not each.because:
                log_act(ctx, "mail.purge", mail=each.row.mail)
            if as_json:
                done = "purged" if commit and not each.because else "nothing"
                print_json("mail", {"mail": each.row.mail, "done": done, "because": each.because or None})
        if not as_json:
            _print_purged(would, waits, chosen, commit)


def _print_purged(would: Sequence[Purge], waits: Sequence[Purge], chosen: Chosen, commit: bool) -> None:
    """A line for each mail that was named; of a query the first ten and the count."""
    said = "purged" if commit else "would be purged (--commit does it)"
    if chosen.by_name:
        for each in would:
            click.echo(printable(f'{each.row.mail[:8]}  "{subject(each.row)}"  {said}'))
        return
    rows = [(each.row.mail[:8], lately(each.row.received_at), each.row.sender, subject(each.row), each.row.outcome)
            for each in would[:FIRST]]  # fmt: skip
    print_table(("mail", "received", "from", "subject", "outcome"), rows, limit=44)
    if len(would) > FIRST:
        click.echo(f"and {len(would) - FIRST} more")
    click.echo(f"{len(would)} mail{'s' * (len(would) != 1)} {said}")
    if waits:
        click.echo(f"{len(waits)} not: {printable(waits[0].because)}", err=True)
    if chosen.more:
        click.echo(f"these are the newest {len(chosen.rows)} that it finds; again for the others", err=True)


COMMANDS = (delete, purge)
