"""`allegra item`: look at what mails have become.

Here: the commands that show. Not here: those that change something (`item_acts.py`), how HTML is made fit to be shown
(`engine/explain/page.py`).
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from engine.cli import item_acts, words
from engine.cli.common import local_of, open_config, open_store, print_json, save, terminal_columns
from engine.cli.mail import write
from engine.cli.noun import Noun
from engine.cli.shown import lately, print_pairs, print_table, when
from engine.plain_text import printable

if TYPE_CHECKING:
    from engine.model.stored import ItemView


MOST_TOLD = 50
"""Rows of `item told` without --all."""


@click.group(cls=Noun)
def item() -> None:
    """Look at items, answer them, give them to somebody, change and close them."""


@item.command("list")
@click.option("--workspace", metavar="NAME", default="", shell_complete=words.workspaces, help="Only items there.")
@click.option("--limit", type=click.IntRange(1), default=100, show_default=True, metavar="N", help="At most so many.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object an item.")
@click.pass_context
def list_(ctx: click.Context, workspace: str, limit: int, as_json: bool) -> None:
    """List items, the newest first."""
    with open_store(ctx) as store:
        if workspace:
            store.items.workspace_id(workspace)
        rows = store.items.newest(workspace, limit)
        if as_json:
            for row in rows:
                print_json("item", row)
            return
        print_table(
            ("#", "workspace", "type", "status", "title", "author", "assigned to", "comments", "files", "changed"),
            [
                (row.id, row.workspace, row.type, row.status, row.title, row.writer, row.assigned_to, row.comments,
                 row.attachments, lately(row.changed_at))
                for row in rows
            ],
            "there are no items",
            limit=44,
        )  # fmt: skip


@item.command()
@click.argument("number", type=click.IntRange(1), metavar="ID")
@click.option("--html", is_flag=True, help="Print the HTML body, sanitised and with its pictures, and nothing else.")
@click.option("--comment", type=click.IntRange(1), metavar="N", help="With --html: the body of this comment.")
@click.option("--json", "as_json", is_flag=True, help="As a JSON object.")
@click.pass_context
def show(ctx: click.Context, number: int, html: bool, comment: int | None, as_json: bool) -> None:
    """Show an item with its fields, people and text."""
    from engine.desk import looking, plain
    from engine.explain.page import shown

    if comment and not html:
        raise click.UsageError("--comment goes with --html; allegra item comments shows the texts")
    config = open_config(ctx)
    with open_store(ctx, config) as store:
        view = looking.item(store, number)
        if comment:
            looking.comment(view, comment)
        if html:
            page = shown(store, config, view, comment or 0)
            if page:
                write(f"{page}\n".encode())
            else:
                click.echo(f"{'the comment' if comment else f'item #{number}'} came without HTML", err=True)
        elif as_json:
            print_json("item", plain.item(store, config, view))
        else:
            _print(view)


@item.command()
@click.argument("number", type=click.IntRange(1), metavar="ID")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a comment.")
@click.pass_context
def comments(ctx: click.Context, number: int, as_json: bool) -> None:
    """Show the comments of an item, the oldest first."""
    from engine.desk import looking, plain

    config = open_config(ctx)
    with open_store(ctx, config) as store:
        view = looking.item(store, number)
        for comment in view.comments:
            if as_json:
                print_json("comment", plain.comment(store, config, view, comment))
                continue
            kind = "note" if comment.internal else "comment"
            click.echo(
                f"── {kind} {comment.id}   {printable(comment.writer)}   {when(comment.created_at)}   {comment.mail}"
            )
            if comment.subject:
                click.echo(f"subject: {printable(comment.subject)}")
            _print_text(comment.text)
        if not view.comments and not as_json:
            click.echo(f"item #{number} has no comments", err=True)


@item.command()
@click.argument("number", type=click.IntRange(1), metavar="ID")
@click.option("--json", "as_json", is_flag=True, help="One JSON object an attachment.")
@click.pass_context
def attachments(ctx: click.Context, number: int, as_json: bool) -> None:
    """List the attachments of an item."""
    from engine.desk import looking
    from engine.desk.plain import plain

    with open_store(ctx) as store:
        view = looking.item(store, number)
        if as_json:
            for each in view.attachments:
                print_json("attachment", {"item": number, **plain(each)})
            return
        print_table(
            ("id", "name", "type", "bytes", "shown in the text", "comment", "sha256"),
            [
                (each.id, each.name, each.content_type, each.size_bytes, "yes" if each.inline else "",
                 each.comment or "", each.digest[:12])
                for each in view.attachments
            ],
            f"item #{number} has no attachments",
        )  # fmt: skip


@item.command("file")
@click.argument("number", type=click.IntRange(1), metavar="ID")
@click.argument("attachment", type=click.IntRange(1), metavar="ATTACHMENT")
@click.option("--out", type=click.Path(path_type=Path), metavar="FILE", help="Write it there, never over a file.")
@click.pass_context
def file_(ctx: click.Context, number: int, attachment: int, out: Path | None) -> None:
    """Write the bytes of an attachment to standard output (a terminal gets them as safe text), or to a file."""
    from engine.desk import looking

    with open_store(ctx) as store:
        content = store.items.blob(looking.attachment(looking.item(store, number), attachment).digest)
    if out is None:
        write(content)
    else:
        save(out, content)


@item.command()
@click.argument("number", type=click.IntRange(1), metavar="ID")
@click.option("--all", "everybody", is_flag=True, help="All of them, not only the newest 50.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a person and mail.")
@click.pass_context
def told(ctx: click.Context, number: int, everybody: bool, as_json: bool) -> None:
    """Who was told of what happened to an item, and who was not and why; the newest last."""
    from engine.desk import looking
    from engine.explain import hearers

    config = open_config(ctx)
    with open_store(ctx, config) as store:
        looking.item(store, number)
        rows = store.outbox.told(item=number)
        shown = rows if everybody else rows[-MOST_TOLD:]
        if as_json:
            for row in shown:
                print_json("told", hearers.as_json(row))
            return
        for line in hearers.lines(shown, local_of(config), terminal_columns() or 120):
            click.echo(line)
        if not rows:
            click.echo(f"item #{number}: nobody was considered yet", err=True)
        elif len(shown) < len(rows):
            click.echo(f"{len(rows) - len(shown)} before these: --all", err=True)


@item.command()
@click.argument("number", type=click.IntRange(1), metavar="ID")
@click.option("--json", "as_json", is_flag=True, help="One JSON object an event.")
@click.pass_context
def history(ctx: click.Context, number: int, as_json: bool) -> None:
    """What happened to an item, the oldest first: who did what, by which mail or act."""
    from engine.desk import looking

    config = open_config(ctx)
    with open_store(ctx, config) as store:
        looking.item(store, number)
        for event in store.items.history(number):
            if as_json:
                print_json("event", event)
                continue
            what = ", ".join(f"{each.name}: {each.before or '–'} → {each.after or '–'}" for each in event.changes)
            by = event.mail[:8] if event.mail else event.act
            click.echo(
                printable(f"{when(event.at)}   {event.name:<15}  {event.actor or 'the engine'}   {by}"
                          + (f"   {what}" if what else ""))
            )  # fmt: skip


def _print(view: ItemView) -> None:
    row = view.item
    print_pairs(
        (
            (f"{row.workspace} #{row.id}", row.title),
            ("type", row.type),
            ("status", row.status + (f"   since {when(view.closed_at)}" if view.closed_at else "")),
            ("priority", row.priority),
            ("assigned to", row.assigned_to),
            *((name, _shown(value)) for name, value in view.fields),
            ("labels", ", ".join(view.labels)),
            ("author", row.writer),
            ("people", ", ".join(f"{login} ({role})" for login, role in view.people)),
            ("private", "yes" if view.private else ""),
            ("created", when(row.created_at) + (f"   from {view.mail}" if view.mail else "")),
            ("changed", when(row.changed_at)),
            ("attachments", ", ".join(f"{each.name} ({each.size_bytes} bytes)" for each in view.attachments)),
            ("comments", len(view.comments) or ""),
        )
    )
    click.echo()
    _print_text(view.text)


def _shown(value: Any) -> str:
    if isinstance(value, tuple):
        return ", ".join(value)
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)


def _print_text(text: str) -> None:
    for line in text.splitlines():
        words = line.lstrip()
        click.echo(" " * (2 + min(len(line) - len(words), 40)) + printable(words) if words else "")


for _command in item_acts.COMMANDS:
    item.add_command(_command)
