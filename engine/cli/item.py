"""`allegra item`: look at what mails have become.

Here: the commands that show. Not here: those that change something (`item_words.py`, `item_acts.py`,
`item_whole.py`), how HTML is made fit to be shown (`engine/explain/page.py`).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from engine.cli import item_acts, item_whole, item_words, words
from engine.cli.common import local_of, open_config, open_store, open_to_read, print_json, save, terminal_columns, usage
from engine.cli.mail import write
from engine.cli.noun import Noun
from engine.cli.shown import lately, print_pairs, print_table, print_text, when
from engine.plain_text import printable

if TYPE_CHECKING:
    from engine.config import Config
    from engine.desk.heard import Answer as Heard
    from engine.model.stored import ItemRow, ItemView
    from engine.store.store import Store


MOST_TOLD = 50
"""Rows of `item told` without --all."""


@click.group(cls=Noun)
def item() -> None:
    """Look at items, answer them, give them to somebody, change and close them."""


@contextmanager
def _opened(ctx: click.Context, number: int) -> Iterator[tuple[Config, Store, ItemView]]:
    """Open the configuration, the store and an item in it; its errors become exit codes."""
    from engine.desk import looking

    config = open_config(ctx)
    with open_store(ctx, config) as store:
        yield config, store, looking.item(store, number)


@item.command("list")
@click.argument("query", nargs=-1)
@click.option("--workspace", metavar="NAME", default="", shell_complete=words.workspaces, help="Only items there.")
@click.option("--limit", type=click.IntRange(1), default=100, show_default=True, metavar="N", help="At most so many.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object an item.")
@click.pass_context
def list_(ctx: click.Context, query: tuple[str, ...], workspace: str, limit: int, as_json: bool) -> None:
    """List items, the newest first.

    QUERY takes status:open 'status:"In progress"' assigned:anna assigned:- (nobody) from:jane@example.com label:urgent
    workspace:support unanswered newer_than:7d older_than:1d, and words of the title. All must fit; a word with - before
    it (behind a -- of its own) must not.
    """
    with open_to_read(ctx) as store, usage():
        if workspace:
            store.items.workspace_id(workspace)
        asked = " ".join((*query, f'workspace:"{workspace}"' if workspace else ""))
        rows, beyond = store.items.found(asked, limit)
        if as_json:
            for row in rows:
                print_json("item", row)
            return
        print_table(
            ("#", "workspace", "type", "status", "title", "author", "assigned to", "comments", "files", "changed"),
            [
                (row.id, row.workspace, row.type, _status(row), row.title, row.by, row.assigned_to, row.comments,
                 row.attachments, lately(row.changed_at))
                for row in rows
            ],
            "no item matches" if query or workspace else "there are no items",
            limit=44,
        )  # fmt: skip
        if len(rows) == limit:
            click.echo(f"the newest {limit}: --limit N shows more", err=True)
        if beyond:
            click.echo("only the newest 100000 items were looked at", err=True)


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
    with _opened(ctx, number) as (config, store, view):
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
    from engine.desk import plain

    with _opened(ctx, number) as (config, store, view):
        for comment in view.comments:
            if as_json:
                print_json("comment", plain.comment(store, config, view, comment))
                continue
            kind = "draft" if comment.draft else "note" if comment.internal else "comment"
            click.echo(
                f"── {kind} {comment.id}   {printable(comment.writer)}   {when(comment.created_at)}   {comment.mail}"
            )
            if comment.subject:
                click.echo(f"subject: {printable(comment.subject)}")
            print_text(comment.text)
        if not view.comments and not as_json:
            click.echo(f"item #{number} has no comments", err=True)


@item.command()
@click.argument("number", type=click.IntRange(1), metavar="ID")
@click.option("--json", "as_json", is_flag=True, help="One JSON object an attachment.")
@click.pass_context
def attachments(ctx: click.Context, number: int, as_json: bool) -> None:
    """List the attachments of an item."""
    from engine.desk.plain import plain

    with _opened(ctx, number) as (_, _, view):
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

    with _opened(ctx, number) as (_, store, view):
        content = store.items.blob(looking.attachment(view, attachment).digest)
    if out is None:
        write(content)
    else:
        save(out, content)


@item.command()
@click.argument("number", type=click.IntRange(1), metavar="ID")
@click.option("--all", "everybody", is_flag=True, help="All of them, not only the newest 50.")
@click.option("--who", metavar="LOGIN|ADDRESS", default="", help="Only this person, and why they did not hear.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a person and mail.")
@click.pass_context
def told(ctx: click.Context, number: int, everybody: bool, who: str, as_json: bool) -> None:
    """Who was told of what happened to an item, and who was not and why; the newest last."""
    from engine.desk import heard, looking
    from engine.explain import hearers

    config = open_config(ctx)
    with open_store(ctx, config) as store:
        rows = store.outbox.told(item=number)
        if who or not rows:  # of an item that was deleted the rows are left
            looking.item(store, number)
        if who:
            print_heard(config, heard.of_item(store, config, number, who), as_json)
            return
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


def print_heard(config: Config, heard: Heard, as_json: bool) -> None:
    """Print the rows of one person, or why there is none."""
    from engine.desk import plain
    from engine.explain import hearers

    if as_json:
        for data in plain.heard(heard):
            print_json("told", data)
        return
    for line in hearers.lines(heard.rows, local_of(config), terminal_columns() or 120):
        click.echo(line.strip())
    if not heard.rows:
        said = printable(f"{heard.who} was not considered when it happened. As things are now: {heard.said}")
        click.echo(click.wrap_text(said, terminal_columns() or 120, subsequent_indent="   "))


@item.command()
@click.argument("number", type=click.IntRange(1), metavar="ID")
@click.option("--json", "as_json", is_flag=True, help="One JSON object an event.")
@click.pass_context
def history(ctx: click.Context, number: int, as_json: bool) -> None:
    """What happened to an item, the oldest first: who did what, by which mail or act."""
    from engine.desk import looking

    config = open_config(ctx)
    with open_store(ctx, config) as store:
        events = store.history.of_item(number)
        if not events or events[-1].name != "item.deleted":
            looking.item(store, number)
        broad = max((len(event.actor or "the engine") for event in events), default=0)
        for event in events:
            if as_json:
                print_json("event", event)
                continue
            what = ", ".join(f"{each.name}: {each.before or '–'} → {each.after or '–'}" for each in event.changes)
            by = event.mail[:8] if event.mail else event.act
            click.echo(
                printable(f"{when(event.at)}   {event.name:<15}  {event.actor or 'the engine':<{broad}}   {by}"
                          + (f"   {what}" if what else ""))
            )  # fmt: skip


def _print(view: ItemView) -> None:
    row = view.item
    print_pairs(
        (
            (f"{row.workspace} #{row.id}", row.title),
            ("type", row.type),
            ("status", row.status + (f"   since {when(view.closed_at)}" if view.closed_at else "")),
            ("merged into", f"#{row.merged_into}" if row.merged_into else ""),
            ("priority", row.priority),
            ("assigned to", row.assigned_to),
            *((name, _shown(value)) for name, value in view.fields),
            ("labels", ", ".join(view.labels)),
            ("author", row.writer),
            ("people", ", ".join(f"{login} ({role})" for login, role in view.people)),
            ("copies", ", ".join(f"{name} <{address}>" if name else address for address, name in view.copies)),
            ("private", "yes" if view.private else ""),
            ("created", when(row.created_at) + (f"   from {view.mail}" if view.mail else "")),
            ("changed", when(row.changed_at)),
            ("attachments", ", ".join(f"{each.name} ({each.size_bytes} bytes)" for each in view.attachments)),
            ("comments", _counted(view)),
        )
    )
    click.echo()
    print_text(view.text)


def _status(row: ItemRow) -> str:
    return f"{row.status} → #{row.merged_into}" if row.merged_into else row.status


def _counted(view: ItemView) -> str:
    drafts = sum(each.draft for each in view.comments)
    waiting = f"   {drafts} of them waiting to be sent: allegra item drafts {view.item.id}"
    return f"{len(view.comments)}{waiting if drafts else ''}" if view.comments else ""


def _shown(value: Any) -> str:
    if isinstance(value, tuple):
        return ", ".join(value)
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)


for _command in (*item_words.COMMANDS, *item_acts.COMMANDS, *item_whole.COMMANDS):
    item.add_command(_command)
