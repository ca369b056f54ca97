"""Acting from the command line: the options of every act, the words of one, and what is printed.

Here: what `allegra item` and `allegra topic` share. Not here: the commands (`item_acts.py`, `item_words.py`,
`item_whole.py`, `topic.py`), who may and what comes of it (`desk/`). Invariant: what is shown after `--dry-run` is
what would be.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import click

from engine.cli.common import open_config, open_store, print_json, terminal_columns
from engine.cli.mail import person
from engine.plain_text import printable

if TYPE_CHECKING:
    from engine.config import Config
    from engine.desk.doing import File, How
    from engine.model.acts import Acted
    from engine.model.hearing import Happened
    from engine.run.engine import Engine

F = TypeVar("F", bound=Callable[..., Any])

NUMBER = click.argument("number", type=click.IntRange(1), metavar="ID")

QUOTE = "# "
"""Before the lines of the editor's text that are not part of the words."""


WRITTEN = "allegra.written"
"""Where a command keeps what was written in the editor."""

MOST_BYTES = 50 << 20
"""Bytes of a file that are taken at all."""


class Said(NamedTuple):
    """What was said last: about what, by whom, in which words."""

    about: str
    by: str = ""
    text: str = ""


def every(command: F) -> F:
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


def with_words(command: F) -> F:
    """The options of an act with words."""
    for option in (
        click.option("-m", "text", metavar="TEXT", help="The words."),
        click.option("--file", "source", metavar="FILE", help="The words stand in a file, - is standard input."),
        click.option("--attach", multiple=True, type=click.Path(exists=True, dir_okay=False, path_type=Path),
                     metavar="FILE", help="A file that goes along; may be given again."),
    ):  # fmt: skip
        command = option(command)
    return command


def act(
    ctx: click.Context, do: Callable[[Engine, How], Acted], *, by: str | None, key: str, quiet: bool, dry_run: bool,
    as_json: bool, what: str = "nothing changed", more: Callable[[], dict[str, Any]] = dict, topic: bool = False,
) -> None:  # fmt: skip
    """Open what is needed, do it, and say what came of it.

    Nobody is asked for words where it was done before under the same key. `what` says it of an act that is no event,
    `more` stands beside it in JSON.
    """
    from engine.desk.doing import How, again, whoever
    from engine.run.engine import Engine
    from engine.store.errors import NotFound, Refused

    config = open_config(ctx)
    with open_store(ctx, config) as store, closing(Engine(config, store)) as engine:
        account = whoever(engine, by or "", person())
        typed_by = "" if account.login == person() else person()
        how = How(account, typed_by, "command", key, quiet, dry_run)
        try:
            acted = again(engine, how, ctx.params["number"], topic=topic) or do(engine, how)
        except (NotFound, Refused):
            if written := ctx.meta.get(WRITTEN):  # in an editor: there is no other copy
                click.echo(f"you wrote:\n{written}", err=True)
            raise
        if as_json:
            print_json("act", {**_as_json(acted, account.login, typed_by, dry_run), **more()})
        else:
            _print(config, acted, account.login, dry_run, what)


def _print(config: Config, acted: Acted, by: str, dry_run: bool, otherwise: str) -> None:
    """The first line says what was done, the others who hears."""
    from engine.cli.common import local_of
    from engine.explain import hearers

    width = terminal_columns() or 120
    kind = "post" if acted.topic else "comment"
    what = ", ".join(dict.fromkeys(map(_done, acted.events))) or otherwise
    said = f"{about(acted)}   {what} by {by}" + (f"   {kind} {acted.comment}" if acted.comment else "")
    changes = [f"{each.name}: {each.before or '–'} → {each.after or '–'}"
               for event in acted.events if event.item == acted.item for each in event.changes]  # fmt: skip
    said += f"   {', '.join(changes)}" if changes else ""
    end = f"{acted.ref}, done before" if acted.again else "would be" if dry_run else acted.ref
    click.echo(printable(f"{said}   {end}"))
    for line in hearers.lines(acted.told, local_of(config), width):
        click.echo(line)


def _done(event: Happened) -> str:
    """What was done, in a word: whose words were made public are another's."""
    published = any(each.name == "published" for each in event.changes)
    return "published" if published else event.event.partition(".")[2]


def about(acted: Acted) -> str:
    """Name what an act was about, as people write it."""
    return f"topic {acted.topic}" if acted.topic else f"#{acted.item}"


def _as_json(acted: Acted, by: str, typed_by: str, dry_run: bool) -> dict[str, Any]:
    from engine.explain import hearers

    return {
        "act": "" if dry_run else acted.ref,
        "by": by,
        "typed_by": typed_by or None,
        "via": "command",
        "item": acted.item or None,
        "topic": acted.topic or None,
        "comment": acted.comment or None,
        "events": [each.event for each in acted.events],
        "changes": [{"name": each.name, "before": each.before, "after": each.after}
                    for event in acted.events for each in event.changes],
        "again": acted.again,
        "dry_run": dry_run,
        "told": [hearers.as_json(row) for row in acted.told],
    }  # fmt: skip


def files(paths: tuple[Path, ...]) -> list[File]:
    """Read the files that go along."""
    from engine.desk.doing import File

    return [File(path.name, _content(path)) for path in paths]


def _content(path: Path) -> bytes:
    """Read a file, which may be a pipe or a device that never ends."""
    try:
        with path.open("rb") as file:
            content = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise click.UsageError(f"{path} cannot be read: {error.strerror}") from None
    if len(content) > MOST_BYTES:
        raise click.UsageError(f"{path} is bigger than {MOST_BYTES >> 20} MB")
    return content


def read_words(last: Callable[[], Said], text: str | None, source: str | None) -> str:
    """Read the words: from the option, a file, standard input, or an editor on a terminal that shows the last ones."""
    if text is not None and source is not None:
        raise click.UsageError("give the words once: -m TEXT or --file FILE")
    if text is not None:
        return text
    if source == "-" or (source is None and not sys.stdin.isatty()):
        return _text(sys.stdin.buffer.read(MOST_BYTES), "standard input")
    if source is not None:
        return _text(_content(Path(source)), source)
    return _written(last())


def _text(content: bytes, name: str) -> str:
    try:
        return content.decode("utf-8").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        raise click.UsageError(f"{name} cannot be read: {error}") from None


def edited(words: str) -> str:
    """Let the person change words in $EDITOR; as they were if it is left without saving."""
    made = click.edit(f"{words}\n", editor=_editor())
    return words if made is None else _kept(made.strip("\n"))


def _written(said: Said) -> str:
    """Let the person write in $EDITOR, with the last words below, which are no part of it."""
    below = [said.about, *([f"{said.by} wrote:", *said.text.splitlines()[:40]] if said.by else ())]
    template = "\n\n" + "\n".join(f"{QUOTE}{printable(line)}" for line in below) + "\n"
    written = click.edit(template, editor=_editor())
    lines = (written or "").splitlines()
    return _kept("\n".join(line for line in lines if line != "#" and not line.startswith(QUOTE)).strip("\n"))


def _kept(words: str) -> str:
    """Remember what was written in the editor, to show it if the act is refused."""
    click.get_current_context().meta[WRITTEN] = words
    return words


def _editor() -> str | None:
    return os.environ.get("VISUAL") or os.environ.get("EDITOR")
