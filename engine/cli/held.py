"""`allegra held`: mails that wait for a person, and the person's decisions."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import click
from msgspec.structs import replace

from engine.cli import words
from engine.cli.common import (
    FINDINGS,
    answer,
    chosen_workspace,
    complain,
    open_config,
    open_store,
    print_json,
    terminal_columns,
)
from engine.cli.mail import person
from engine.cli.noun import Noun
from engine.cli.shown import lately, print_table, zone
from engine.plain_text import printable

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from engine.model.stored import MailRow
    from engine.store.store import Store


@click.group(cls=Noun)
def held() -> None:
    """List, show, release, reject or discard held mail; make its sender known."""


@held.command("list")
@click.argument("query", nargs=-1)
@click.option("--workspace", metavar="NAME", shell_complete=words.workspaces, help="Only mails on their way there.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a mail.")
@click.pass_context
def list_(ctx: click.Context, query: tuple[str, ...], workspace: str | None, as_json: bool) -> None:
    """List held and quarantined mails, the oldest first.

    QUERY has the words of `allegra mail list`: from:bigcorp code:gate older_than:2d and free words.
    """
    from engine.desk.held import waiting

    config = open_config(ctx)
    workspace = chosen_workspace(config, workspace)
    with open_store(ctx, config) as store:
        rows = waiting(store, workspace, " ".join(query), zone())
        if as_json:
            for row in rows:
                print_json("held", row)
            return
        print_table(
            ("mail", "received", "from", "subject", "code", "because"),
            [
                (row.mail[:8], lately(row.received_at), row.sender, row.subject.strip() or "(no subject)", row.code,
                 row.because)
                for row in rows
            ],
            "no held mail matches" if query else "nothing is held",
            limit=44,
        )  # fmt: skip


@held.command()
@click.argument("refs", nargs=-1)
@click.option(
    "--all-matching", metavar="QUERY", help="All held mails that a query finds (see allegra mail list --help)."
)
@click.option("--to", "workspace", metavar="WORKSPACE", default="", shell_complete=words.workspaces,
              help="Make the item there.")  # fmt: skip
@click.option("--item", type=click.IntRange(1), default=None, metavar="N", help="Make it a comment on this item.")
@click.option("--reason", default="", help="Why; it is kept with the mail.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a mail.")
@click.pass_context
def release(
    ctx: click.Context, refs: tuple[str, ...], all_matching: str | None, workspace: str, item: int | None, reason: str,
    as_json: bool,
) -> None:  # fmt: skip
    """Let held mails go on: what rules, gates and hooks would hold is passed; every other verdict stands."""
    from engine.cli import lines
    from engine.desk import held as desk
    from engine.desk import plain
    from engine.run.engine import Engine

    config = open_config(ctx)
    with open_store(ctx, config) as store, closing(Engine(config, store)) as engine:
        desk.may_go_to(config, store, workspace, item or 0)

        def one(row: MailRow) -> None:
            for line in desk.release(engine, [row], person(), reason, workspace, item or 0):
                if as_json:
                    print_json("held", plain.line(line))
                else:
                    click.echo(lines.row(line, width=terminal_columns()))

        _each(_chosen(store, refs, all_matching), one)


@held.command()
@click.argument("refs", nargs=-1)
@click.option("--all-matching", metavar="QUERY", help="All held mails that a query finds.")
@click.option("--reason", required=True, help="The sentence for the sender (if the sender may be told) and the audit.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a mail.")
@click.pass_context
def reject(ctx: click.Context, refs: tuple[str, ...], all_matching: str | None, reason: str, as_json: bool) -> None:
    """Refuse held mails and tell the sender, if that is allowed."""
    from engine.desk import held as desk
    from engine.run.engine import Engine

    config = open_config(ctx)
    with open_store(ctx, config) as store, closing(Engine(config, store)) as engine:

        def one(row: MailRow) -> None:
            told = desk.reject(engine, row, person(), reason).sender_told
            said = f"{row.mail[:8]}  rejected, " + ("an answer is queued" if told else "the sender is not told")
            answer(as_json, "held", {"mail": row.mail, "done": "rejected", "sender_told": told}, said)

        _each(_chosen(store, refs, all_matching), one)


@held.command()
@click.argument("refs", nargs=-1)
@click.option("--all-matching", metavar="QUERY", help="All held mails that a query finds.")
@click.option("--reason", default="not wanted", show_default=True, help="Why; it is kept with the mail.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a mail.")
@click.pass_context
def discard(ctx: click.Context, refs: tuple[str, ...], all_matching: str | None, reason: str, as_json: bool) -> None:
    """Close held mails without making anything of them and without telling anybody."""
    from engine.desk import held as desk

    config = open_config(ctx)
    with open_store(ctx, config) as store:

        def one(row: MailRow) -> None:
            desk.discard(config, store, row, person(), reason)
            answer(as_json, "held", {"mail": row.mail, "done": "discarded"}, f"{row.mail[:8]}  discarded")

        _each(_chosen(store, refs, all_matching), one)


@held.command()
@click.argument("ref", metavar="ID")
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
@click.pass_context
def show(ctx: click.Context, ref: str, as_json: bool) -> None:
    """Show a held mail: its text, people and files, why it is held, and what a release would come to.

    The release is tried and taken back. Then follow the sender's earlier mails and how they ended.
    """
    from engine.cli import held_shown
    from engine.desk.held_mail import shown
    from engine.run.engine import Engine

    config = open_config(ctx)
    with open_store(ctx, config) as store, closing(Engine(config, store)) as engine:
        seen = shown(engine, ref, person())
        if as_json:
            print_json("held", held_shown.as_json(seen))
        else:
            held_shown.print_mail(config, seen)


@held.command()
@click.argument("sender", metavar="ADDRESS")
@click.option("--workspace", metavar="NAME", shell_complete=words.workspaces, help="Only mails on their way there.")
@click.option("--unproven", is_flag=True, help="Also where no trusted mail server says who wrote.")
@click.option("--dry-run", is_flag=True, help="Show what would come of it; nothing is kept.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a mail.")
@click.pass_context
def trust(ctx: click.Context, sender: str, workspace: str | None, unproven: bool, dry_run: bool, as_json: bool) -> None:
    """Make a sender known, and release what is held because nobody knew them (gate.unknown_sender).

    They get an account as people.create_defaults say. Refused where their newest mail failed DMARC.
    """
    from engine.cli import lines
    from engine.desk import plain
    from engine.desk.held_mail import trust as let_in
    from engine.run.engine import Engine

    config = open_config(ctx)
    workspace = chosen_workspace(config, workspace)
    with open_store(ctx, config) as store, closing(Engine(config, store)) as engine:
        done = let_in(engine, sender, person(), workspace, unproven=unproven, dry_run=dry_run)
        called = lines.new_items(done.lines) if dry_run else {}
        for line in done.lines:
            if as_json:
                shown = replace(line, item=0) if line.item in called else line
                print_json("held", {**plain.line(shown), "dry_run": dry_run})
            else:
                click.echo(lines.row(line, called.get(line.item, ""), terminal_columns()))
        if done.account is None:
            complain(f"no account came of it: allegra user add makes one for {sender}")
            raise SystemExit(FINDINGS)
        would = "would be" if dry_run else "is"
        if not as_json:
            click.echo(printable(f"{sender} {would} known: user {done.account.login} ({done.account.name})"))
        for place in dict.fromkeys(line.workspace for line in done.lines if line.item and not dry_run):
            free = config.settings(place).people.no_permission_check
            if not (free or store.directory.may(done.account.login, "add_items", place)):
                said = f"{done.account.login} may not add items in {place}, so what they write next is refused: "
                said += f"allegra workspace add {place} --member {done.account.login}=ROLE"
                click.echo(printable(said), err=True)


def _each(rows: Sequence[MailRow], do: Callable[[MailRow], None]) -> None:
    """Do it to every mail; one of several that is refused is told and stops none of the others. Raises Refused."""
    from engine.store.errors import Refused

    left = 0
    for row in rows:
        try:
            do(row)
        except Refused as error:
            if len(rows) == 1:
                raise
            left += 1
            click.echo(f"{row.mail[:8]}  left as it is: {error}", err=True)
    if left:
        raise Refused(f"{left} of {len(rows)} mails were left as they are")


def _chosen(store: Store, refs: tuple[str, ...], query: str | None) -> list[MailRow]:
    from engine.desk.held import chosen

    if not refs and query is None:
        raise click.UsageError("name a held mail, or give --all-matching QUERY; allegra held list shows them")
    return chosen(store, refs, query, zone())
