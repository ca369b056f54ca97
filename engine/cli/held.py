"""`allegra held`: mails that wait for a person, and the person's decisions."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import click

from engine.cli import words
from engine.cli.common import answer, chosen_workspace, open_config, open_store, print_json, terminal_columns
from engine.cli.mail import person
from engine.cli.noun import Noun
from engine.cli.shown import lately, print_table

if TYPE_CHECKING:
    from engine.model.stored import MailRow
    from engine.store.store import Store


@click.group(cls=Noun)
def held() -> None:
    """List, release, reject or discard held mail."""


@held.command("list")
@click.option("--workspace", metavar="NAME", shell_complete=words.workspaces, help="Only mails on their way there.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a mail.")
@click.pass_context
def list_(ctx: click.Context, workspace: str | None, as_json: bool) -> None:
    """List held and quarantined mails, the oldest first."""
    from engine.desk.held import waiting

    config = open_config(ctx)
    workspace = chosen_workspace(config, workspace)
    with open_store(ctx, config) as store:
        rows = waiting(store, workspace)
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
            "nothing is held",
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
        rows = _chosen(store, refs, all_matching)
        for line in desk.release(engine, rows, person(), reason, workspace, item or 0):
            if as_json:
                print_json("held", plain.line(line))
            else:
                click.echo(lines.row(line, width=terminal_columns()))


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
        for row in _chosen(store, refs, all_matching):
            told = desk.reject(engine, row, person(), reason).sender_told
            said = f"{row.mail[:8]}  rejected, " + ("an answer is queued" if told else "the sender is not told")
            answer(as_json, "held", {"mail": row.mail, "done": "rejected", "sender_told": told}, said)


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
        for row in _chosen(store, refs, all_matching):
            desk.discard(config, store, row, person(), reason)
            answer(as_json, "held", {"mail": row.mail, "done": "discarded"}, f"{row.mail[:8]}  discarded")


def _chosen(store: Store, refs: tuple[str, ...], query: str | None) -> list[MailRow]:
    from engine.desk.held import chosen

    if not refs and query is None:
        raise click.UsageError("name a held mail, or give --all-matching QUERY; allegra held list shows them")
    return chosen(store, refs, query)
