"""`allegra item answer`, `note`, `assign`, … : what people do to items.

Here: options, words from the command line, a file or an editor, and what is printed. Not here: who may and what comes
of it (`desk/items.py`). Invariant: what is shown after `--dry-run` is what would be.
Over 300 lines: eleven commands, each its options and one call.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from engine.cli.common import open_config, open_store, print_json, terminal_columns
from engine.cli.mail import person
from engine.plain_text import printable

if TYPE_CHECKING:
    from engine.config import Config
    from engine.desk.items import File, How
    from engine.model.acts import Acted
    from engine.run.engine import Engine

F = TypeVar("F", bound=Callable[..., Any])

NUMBER = click.argument("number", type=click.IntRange(1), metavar="ID")

QUOTE = "# "
"""Before the lines of the editor's text that are not part of the words."""


def _every(command: F) -> F:
    """The options of every act."""
    for option in (
        click.option("--as", "by", metavar="LOGIN", envvar="ALLEGRA_AS",
                     help="In whose name (else ALLEGRA_AS, else you)."),
        click.option("--key", metavar="TEXT", default="", help="Do it once: a repetition gives the first result."),
        click.option("--quiet", is_flag=True, help="Tell nobody."),
        click.option("--dry-run", is_flag=True, help="Show what would come of it; nothing is kept."),
        click.option("--json", "as_json", is_flag=True, help="One JSON object."),
    ):  # fmt: skip
        command = option(command)
    return command


def _words(command: F) -> F:
    """The options of an act with words."""
    for option in (
        click.option("-m", "text", metavar="TEXT", help="The words."),
        click.option("--file", "source", metavar="FILE", help="The words stand in a file, - is standard input."),
        click.option("--attach", multiple=True, type=click.Path(exists=True, dir_okay=False, path_type=Path),
                     metavar="FILE", help="A file that goes along; may be given again."),
    ):  # fmt: skip
        command = option(command)
    return command


@click.command()
@NUMBER
@_words
@click.option("--status", metavar="NAME", default="", help="Set this status with it.")
@click.option("--close", is_flag=True, help="Close the item with it.")
@click.option("--to", "copy_to", multiple=True, metavar="WHO", help="Somebody who joins and gets it, too.")
@click.option("--anyway", is_flag=True, help="Write it although nobody outside would get it.")
@_every
@click.pass_context
def answer(
    ctx: click.Context, /, number: int, text: str | None, source: str | None, attach: tuple[Path, ...], status: str,
    close: bool, copy_to: tuple[str, ...], anyway: bool, **more: Any,
) -> None:  # fmt: skip
    """Answer: a comment that the customer and everybody on the item gets by mail.

    Words come from -m, --file, or an editor. Refused where nobody outside would get it, and why.
    """
    from engine.desk import items

    def do(engine: Engine, how: How) -> Acted:
        words = _read(engine, number, text, source)
        return items.answer(
            engine, number, words, how._replace(anyway=anyway), _files(attach), status=status, close=close,
            copy_to=copy_to,
        )  # fmt: skip

    _act(ctx, do, **more)


@click.command()
@NUMBER
@_words
@_every
@click.pass_context
def note(
    ctx: click.Context, /, number: int, text: str | None, source: str | None, attach: tuple[Path, ...], **more: Any
) -> None:
    """Write an internal note: people who work here see it, customers never do."""
    from engine.desk import items

    _act(
        ctx,
        lambda engine, how: items.note(engine, number, _read(engine, number, text, source), how, _files(attach)),
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
@_every
@click.pass_context
def publish(ctx: click.Context, /, number: int, note_number: int, authorise: bool, **more: Any) -> None:
    """Make an internal note a comment that everybody on the item sees and hears of."""
    from engine.desk import items

    _act(ctx, lambda engine, how: items.publish(engine, number, note_number, how, authorise=authorise), **more)


@click.command()
@NUMBER
@click.argument("who", metavar="WHO|group:NAME|-")
@_every
@click.pass_context
def assign(ctx: click.Context, /, number: int, who: str, **more: Any) -> None:
    """Give the item to a person or a group; - takes it from whoever has it."""
    from engine.desk import items

    _act(ctx, lambda engine, how: items.assign(engine, number, who, how), **more)


@click.command("close")
@NUMBER
@click.option("--status", metavar="NAME", default="", help="The status that ends it (else the first there is).")
@_every
@click.pass_context
def close_(ctx: click.Context, /, number: int, status: str, **more: Any) -> None:
    """Close the item."""
    from engine.desk import items

    _act(ctx, lambda engine, how: items.close(engine, number, how, status), **more)


@click.command()
@NUMBER
@click.option("--status", metavar="NAME", default="", help="The status it gets (else the first that is open).")
@_every
@click.pass_context
def reopen(ctx: click.Context, /, number: int, status: str, **more: Any) -> None:
    """Open a closed item again."""
    from engine.desk import items

    _act(ctx, lambda engine, how: items.reopen(engine, number, how, status), **more)


@click.command("set")
@NUMBER
@click.argument("values", nargs=-1, required=True, metavar="NAME=VALUE...")
@_every
@click.pass_context
def set_(ctx: click.Context, /, number: int, values: tuple[str, ...], **more: Any) -> None:
    """Set fields, several at once; an empty VALUE clears one."""
    from engine.desk import items

    if wrong := [each for each in values if "=" not in each]:
        raise click.UsageError(f"{wrong[0]!r} is no NAME=VALUE")
    pairs = [(name.strip(), value.strip()) for name, _, value in (each.partition("=") for each in values)]
    _act(ctx, lambda engine, how: items.set_values(engine, number, pairs, how), **more)


@click.command("label", context_settings={"ignore_unknown_options": True})
@NUMBER
@click.argument("changes", nargs=-1, required=True, metavar="[+|-]LABEL...")
@_every
@click.pass_context
def label_(ctx: click.Context, /, number: int, changes: tuple[str, ...], **more: Any) -> None:
    """Put labels on (+x) and take them off (-x)."""
    from engine.desk import items

    _act(ctx, lambda engine, how: items.relabel(engine, number, changes, how), **more)


@click.command()
@NUMBER
@click.argument("who")
@click.option("--role", type=click.Choice(("editor", "reader", "watcher")), default="watcher", show_default=True,
              help="As what.")  # fmt: skip
@_every
@click.pass_context
def join(ctx: click.Context, /, number: int, who: str, role: str, **more: Any) -> None:
    """Let somebody take part in the item."""
    from engine.desk import items
    from engine.model.draft import Role

    _act(ctx, lambda engine, how: items.join(engine, number, who, Role(role), how), **more)


@click.command()
@NUMBER
@click.argument("who")
@_every
@click.pass_context
def leave(ctx: click.Context, /, number: int, who: str, **more: Any) -> None:
    """Take somebody off the item."""
    from engine.desk import items

    _act(ctx, lambda engine, how: items.leave(engine, number, who, how), **more)


COMMANDS = (answer, note, comment, publish, assign, close_, reopen, set_, label_, join, leave)


# ── how ───────────────────────────────────────────────────────────────────────────────────────────────────────


def _act(
    ctx: click.Context, do: Callable[[Engine, How], Acted], *, by: str | None, key: str, quiet: bool, dry_run: bool,
    as_json: bool,
) -> None:  # fmt: skip
    """Open what is needed, do it, and say what came of it."""
    from engine.desk.items import How, whoever
    from engine.run.engine import Engine

    config = open_config(ctx)
    with open_store(ctx, config) as store, closing(Engine(config, store)) as engine:
        account = whoever(engine, by or "", person())
        typed_by = "" if account.login == person() else person()
        acted = do(engine, How(account, typed_by, "command", key, quiet, dry_run))
        if as_json:
            print_json("act", _as_json(acted, account.login, typed_by, dry_run))
        else:
            _print(config, acted, account.login, dry_run)


def _print(config: Config, acted: Acted, by: str, dry_run: bool) -> None:
    """The first line says what was done, the others who hears."""
    from engine.cli.common import local_of
    from engine.explain import hearers

    width = terminal_columns() or 120
    what = ", ".join(each.event.partition(".")[2] for each in acted.events) or "nothing changed"
    said = f"#{acted.item}   {what} by {by}" + (f"   comment {acted.comment}" if acted.comment else "")
    changes = [f"{each.name}: {each.before or '–'} → {each.after or '–'}"
               for event in acted.events for each in event.changes]  # fmt: skip
    said += f"   {', '.join(changes)}" if changes else ""
    end = "would be" if dry_run else f"{acted.ref}, done before" if acted.again else acted.ref
    click.echo(printable(f"{said}   {end}"))
    for line in hearers.lines(acted.told, local_of(config), width):
        click.echo(line)


def _as_json(acted: Acted, by: str, typed_by: str, dry_run: bool) -> dict[str, Any]:
    from engine.explain import hearers

    return {
        "act": "" if dry_run else acted.ref,
        "by": by,
        "typed_by": typed_by or None,
        "via": "command",
        "item": acted.item,
        "comment": acted.comment or None,
        "events": [each.event for each in acted.events],
        "changes": [{"name": each.name, "before": each.before, "after": each.after}
                    for event in acted.events for each in event.changes],
        "again": acted.again,
        "dry_run": dry_run,
        "told": [hearers.as_json(row) for row in acted.told],
    }  # fmt: skip


def _files(paths: tuple[Path, ...]) -> list[File]:
    from engine.desk.items import File

    return [File(path.name, path.read_bytes()) for path in paths]


def _read(engine: Engine, number: int, text: str | None, source: str | None) -> str:
    """The words: from the option, a file, standard input, or an editor on a terminal."""
    if text is not None and source is not None:
        raise click.UsageError("give the words once: -m TEXT or --file FILE")
    if text is not None:
        return text
    if source == "-" or (source is None and not sys.stdin.isatty()):
        return sys.stdin.read()
    if source is not None:
        try:
            return Path(source).read_text("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise click.UsageError(f"{source} cannot be read: {error}") from None
    return _edited(engine, number)


def _edited(engine: Engine, number: int) -> str:
    """Let the person write in $EDITOR, with the last public words below, which are no part of it."""
    from engine.desk import looking

    view = looking.item(engine.store, number)
    public = [each for each in view.comments if not each.internal]
    last, writer = (public[-1].text, public[-1].writer) if public else (view.text, view.item.writer)
    below = [f"#{number} {view.item.title}", f"{writer} wrote:", *last.splitlines()[:40]]
    template = "\n\n" + "\n".join(f"{QUOTE}{printable(line)}" for line in below) + "\n"
    written = click.edit(template, editor=os.environ.get("VISUAL") or os.environ.get("EDITOR"))
    lines = (written or "").splitlines()
    return "\n".join(line for line in lines if line != "#" and not line.startswith(QUOTE)).strip("\n")
