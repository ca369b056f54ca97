"""`allegra demo`: a help desk in a folder, with mails of every kind of result, decided before your eyes.

Here: options and printing. Not here: making the folder and deciding its mails (`desk/demo.py`), what is copied
(`engine/demo/`).
"""

from __future__ import annotations

import platform
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import click

from engine import __version__

if TYPE_CHECKING:
    from engine.desk.demo import Played

TRY_NEXT = (
    ("allegra explain {held}", "why was the invoice mail held?"),
    ("allegra explain {comment}", "how a reply found its item"),
    ("allegra explain {asked}", "what became of the printer mail, and who heard of it"),
    ("allegra held list", "what waits for a person"),
    ("allegra item show 2", "the item the printer mail made"),
    ("allegra item told 2", "who heard of it, and who did not and why"),
    ('allegra item answer 4 -m "…" --as anna', "write to a customer"),
    ("allegra rules try 'from.domain ends with \"bigcorp.example\"' --last 30d", "a condition on the mails above"),
    ("allegra rules test", "the tests beside the rules"),
    ("allegra hooks test", "the scripts against their fixtures"),
    ("allegra demo --console --yes", "a month of mail in the web console"),
    ("allegra run", "nothing new: a second run changes nothing"),
)


@click.command()
@click.option(
    "--dir",
    "folder",
    type=click.Path(path_type=Path),
    default=Path("allegra-demo"),
    show_default=True,
    help="Where to make it.",
)
@click.option("--yes", is_flag=True, help="Replace a demo that is already there.")
@click.option("--console", is_flag=True, help="With a month of mail before them, shown by the web console.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a mail.")
def demo(folder: Path, yes: bool, console: bool, as_json: bool) -> None:
    """Make a demo with sample mails, run the engine once, and show what became of each mail."""
    from engine.cli.common import exit_codes, usage
    from engine.desk.demo import play, stands

    if console:
        if as_json:
            raise click.UsageError("--json does nothing with --console: its pages have twins, as /mails.json")
        _console(folder, yes)
        return
    with usage():
        there = stands(folder)
    if there and not yes:
        click.confirm(f"{folder} holds a demo already. Replace it?", abort=True)
    with exit_codes():
        played = play(folder)
    _print(folder, played, as_json)


def _console(folder: Path, yes: bool) -> None:
    """Play a month and show it, until somebody has seen enough."""
    from engine.cli.common import exit_codes, usage
    from engine.cli.console import needed, serve_console
    from engine.config import load
    from engine.desk.demo import open_to_all, play, stands
    from engine.store.clock import now

    needed()
    with usage():
        there = stands(folder)
    if there and not yes:
        click.confirm(f"{folder} holds a demo already. Replace it?", abort=True)
    click.echo("A month of mail comes in, and each mail is decided: that takes some seconds …")
    with exit_codes():
        played = play(folder, month=now())
        file = open_to_all(folder, _free_place())
    click.echo(f"Created {_shown(folder)}: {played.before + len(played.lines)} mails in {played.month_s:.0f} s")

    def opened(where: str) -> None:
        click.echo(f"\nOpen  http://{where}/  in a browser. Everybody on this machine may; Ctrl-C ends it.")

    serve_console(load(file), file.absolute(), opened)


def _free_place() -> str:
    """The usual place of the console, or another one where that is taken."""
    import socket

    for port in (8026, 0):
        with suppress(OSError), socket.create_server(("127.0.0.1", port)) as found:
            return f"127.0.0.1:{found.getsockname()[1]}"
    return "127.0.0.1:8026"


def _print(folder: Path, played: Played, as_json: bool) -> None:
    from engine.cli import lines
    from engine.cli.common import print_json, terminal_columns
    from engine.desk import plain
    from engine.model.plan import Outcome

    rows = played.lines
    if as_json:
        for row in rows:
            print_json("demo", plain.line(row))
        return
    click.echo(f"allegra {__version__} on {platform.python_implementation()} {platform.python_version()}")
    click.echo(
        f"Created {_shown(folder)}   (allegra.toml, rules/, hooks/, {len(rows)} sample mails in Maildir, SQLite)\n"
    )
    click.echo(lines.head(terminal_columns()))
    for row in rows:
        click.echo(lines.row(row, width=terminal_columns()))
    click.echo(f"{len(rows)} mails: {lines.sentence(row.outcome for row in rows)}   {played.took_s:.1f} s")
    _print_conversation(played)
    first = {
        "held": next((row.mail[:6] for row in rows if row.code == "rule.hold"), "last-held"),
        "comment": next((row.mail[:6] for row in rows if row.outcome is Outcome.COMMENT), "last"),
        "asked": played.conversation[0].told[0].mail[:6],
    }
    click.echo(f"\nTry next (in {_shown(folder)}):")
    for command, says in TRY_NEXT:
        command = command.format(**first)
        click.echo(f"  {command:<38}  {says}" if len(command) <= 38 else f"  {command}\n  {'':<38}  {says}")


def _print_conversation(played: Played) -> None:
    """What was said about an item, and under each turn who heard of it and who did not."""
    from engine.cli.common import terminal_columns
    from engine.desk.demo import ABOUT
    from engine.explain import hearers

    click.echo(f"\nThen bob answered #{ABOUT}, the customer replied to his mail, and he closed it. Who heard of it:")
    for said in played.conversation:
        click.echo(f" {said.who}: {said.words}")
        for line in hearers.lines(said.told, lambda moment: moment, terminal_columns() or 100):
            click.echo(f"  {line}")


def _shown(folder: Path) -> str:
    return str(folder) if folder.is_absolute() else f"./{folder}"
