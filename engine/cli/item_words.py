"""`allegra item answer`, `note`, `drafts`, `send`, `edit`, `discard`, `publish`: what people say about items.

Here: commands and their options. Not here: what all acts share (`acting.py`), what comes of it
(`desk/item_words.py`).
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from engine.cli import words
from engine.cli.acting import NUMBER, Said, act, edited, every, files, read_words, with_words
from engine.cli.common import open_store, print_json
from engine.cli.shown import lately, print_table

if TYPE_CHECKING:
    from engine.desk.doing import How
    from engine.model.acts import Acted
    from engine.run.engine import Engine

DRAFT = click.argument("draft_number", type=click.IntRange(1), metavar="DRAFT")

WITH_DRAFT = "a draft waits with its words and files only: give --{option} to item send"


@click.command()
@NUMBER
@with_words
@click.option("--template", metavar="NAME", default="", shell_complete=words.templates,
              help="The words of this template; -m stands in it as text.")  # fmt: skip
@click.option("--draft", is_flag=True, help="Let it wait as a draft: nobody is told, item send says it.")
@click.option("--status", metavar="NAME", default="", help="Set this status with it.")
@click.option("--close", is_flag=True, help="Close the item with it.")
@click.option("--to", "copy_to", multiple=True, metavar="WHO", help="Somebody who joins and gets it, too.")
@click.option("--anyway", is_flag=True, help="Write it although nobody outside would get it.")
@every
@click.pass_context
def answer(
    ctx: click.Context, /, number: int, text: str | None, source: str | None, attach: tuple[Path, ...], template: str,
    draft: bool, status: str, close: bool, copy_to: tuple[str, ...], anyway: bool, **more: Any,
) -> None:  # fmt: skip
    """Answer: a comment that the customer and everybody on the item gets by mail.

    Words come from -m, --file, or an editor. Refused where nobody outside would get it, and why.
    """
    from engine.desk import items

    if draft:
        for option, given in (("status", status), ("close", close), ("to", copy_to), ("anyway", anyway)):
            if given:
                raise click.UsageError(WITH_DRAFT.format(option=option))

    def do(engine: Engine, how: How) -> Acted:
        said = _said(engine, number, text, source, template, how)
        if draft:
            return items.draft(engine, number, said, how, files(attach))
        return items.answer(
            engine, number, said, how._replace(anyway=anyway), files(attach), status=status, close=close,
            copy_to=copy_to,
        )  # fmt: skip

    act(ctx, do, what="draft", **more)


def _said(engine: Engine, number: int, text: str | None, source: str | None, template: str, how: How) -> str:
    """The words, put into a template where one is named; then there need not be any."""
    from engine.desk.item_words import from_template

    if not template:
        return _read(engine, number, text, source)
    given = _read(engine, number, text, source) if text is not None or source is not None else ""
    return from_template(engine, number, template, how, given)


def _read(engine: Engine, number: int, text: str | None, source: str | None) -> str:
    """The words of an answer or a note; whoever writes them in an editor sees the last public ones."""
    from engine.desk import looking

    def last() -> Said:
        view = looking.item(engine.store, number)
        public = [each for each in view.comments if not each.internal]
        said, writer = (public[-1].text, public[-1].writer) if public else (view.text, view.item.writer)
        return Said(f"#{number} {view.item.title}", writer, said)

    return read_words(last, text, source)


@click.command()
@NUMBER
@with_words
@every
@click.pass_context
def note(
    ctx: click.Context, /, number: int, text: str | None, source: str | None, attach: tuple[Path, ...], **more: Any
) -> None:
    """Write an internal note: people who work here see it, customers never do."""
    from engine.desk import items

    act(
        ctx,
        lambda engine, how: items.note(engine, number, _read(engine, number, text, source), how, files(attach)),
        **more,
    )


@click.command(hidden=True, context_settings={"ignore_unknown_options": True, "allow_extra_args": True})
@click.argument("number", required=False)
def comment(number: str | None) -> None:
    """Refused: it does not say who hears."""
    raise click.UsageError("say who is to hear: item answer goes to the customer, item note stays inside")


@click.command()
@NUMBER
@click.argument("note_number", type=click.IntRange(1), metavar="NOTE")
@click.option("--authorise", is_flag=True, help="Its author joins the item as a reader, and may reply.")
@every
@click.pass_context
def publish(ctx: click.Context, /, number: int, note_number: int, authorise: bool, **more: Any) -> None:
    """Make an internal note a comment, in the name of who wrote it.

    Of a colleague's words everybody on the item hears, of somebody's outside people inside do (notify.relay).
    """
    from engine.desk import items

    act(ctx, lambda engine, how: items.publish(engine, number, note_number, how, authorise=authorise), **more)


# ── drafts ────────────────────────────────────────────────────────────────────────────────────────────────────


@click.command()
@click.argument("number", type=click.IntRange(1), metavar="[ID]", required=False)
@click.option("--json", "as_json", is_flag=True, help="One JSON object a draft.")
@click.pass_context
def drafts(ctx: click.Context, number: int | None, as_json: bool) -> None:
    """List the drafts that wait to be sent, of one item or of all, the oldest first."""
    from engine.desk import looking

    with open_store(ctx) as store:
        rows = looking.drafts(store, number or 0)
        if as_json:
            for row in rows:
                print_json("draft", row)
            return
        print_table(
            ("draft", "item", "by", "written", "words"),
            [
                (row.id, f"#{row.item} {row.title}", row.author, lately(row.created_at), " ".join(row.text.split()))
                for row in rows
            ],
            f"item #{number} has no drafts" if number else "there are no drafts",
            limit=32,
        )  # fmt: skip


@click.command()
@NUMBER
@DRAFT
@click.option("--status", metavar="NAME", default="", help="Set this status with it.")
@click.option("--close", is_flag=True, help="Close the item with it.")
@click.option("--to", "copy_to", multiple=True, metavar="WHO", help="Somebody who joins and gets it, too.")
@click.option("--anyway", is_flag=True, help="Say it although nobody outside would get it.")
@every
@click.pass_context
def send(
    ctx: click.Context, /, number: int, draft_number: int, status: str, close: bool, copy_to: tuple[str, ...],
    anyway: bool, **more: Any,
) -> None:  # fmt: skip
    """Say what a draft says: it becomes an answer of yours, and the customer gets it by mail."""
    from engine.desk import items

    act(
        ctx,
        lambda engine, how: items.send(
            engine, number, draft_number, how._replace(anyway=anyway), status=status, close=close, copy_to=copy_to
        ),
        **more,
    )


@click.command()
@NUMBER
@click.argument("comment_number", type=click.IntRange(1), metavar="N")
@click.option("-m", "text", metavar="TEXT", help="The words.")
@click.option("--file", "source", metavar="FILE", help="The words stand in a file, - is standard input.")
@every
@click.pass_context
def edit(
    ctx: click.Context, /, number: int, comment_number: int, text: str | None, source: str | None, **more: Any
) -> None:
    """Give a draft or a note other words: from -m, --file, or an editor with the words in it."""
    from engine.desk import items, looking

    def do(engine: Engine, how: How) -> Acted:
        before = looking.internal(looking.item(engine.store, number), comment_number).text
        by_hand = text is None and source is None and sys.stdin.isatty()
        said = edited(before) if by_hand else _read(engine, number, text, source)
        return items.edit(engine, number, comment_number, said, how)

    act(ctx, do, what="edited", **more)


@click.command()
@NUMBER
@DRAFT
@every
@click.pass_context
def discard(ctx: click.Context, /, number: int, draft_number: int, **more: Any) -> None:
    """Throw a draft away, with its files; what was said or noted stays."""
    from engine.desk import items

    act(ctx, lambda engine, how: items.discard(engine, number, draft_number, how), what="draft discarded", **more)


COMMANDS = (answer, note, comment, drafts, send, edit, discard, publish)
