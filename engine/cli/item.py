"""`allegra item`: look at what mails have become, and make notes public.

Here: the commands of the noun. Not here: how HTML is made fit to be shown (`engine/explain/page.py`).
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from engine.cli import words
from engine.cli.common import answer, open_config, open_store, print_json, save
from engine.cli.mail import person, write
from engine.cli.noun import Noun
from engine.cli.shown import lately, print_pairs, print_table, when
from engine.plain_text import printable

if TYPE_CHECKING:
    from engine.model.stored import ItemView


@click.group(cls=Noun)
def item() -> None:
    """Look at items, comments and attachments; publish notes."""


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
@click.argument("note", type=click.IntRange(1), metavar="NOTE")
@click.option("--authorise", is_flag=True, help="Its author joins the item as a reader, and may reply.")
@click.option("--json", "as_json", is_flag=True, help="The comment as a JSON object.")
@click.pass_context
def publish(ctx: click.Context, number: int, note: int, authorise: bool, as_json: bool) -> None:
    """Turn an internal note of an item into a comment that everybody on it sees; nobody is told by mail."""
    from engine.desk.acting import publish as make_public
    from engine.desk.plain import plain

    with open_store(ctx) as store:
        made = make_public(store, number, note, person(), authorise=authorise)
        said = f"note {note} of item #{number} is a comment now"
        said += f"; {made.writer} may reply from now on" if authorise else ""
        answer(as_json, "comment", {"item": number, **plain(made)}, said)


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
