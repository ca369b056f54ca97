"""`allegra demo`: a help desk in a folder, with mails of every kind of result, decided before your eyes."""

from __future__ import annotations

import os
import platform
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from engine import __version__

if TYPE_CHECKING:
    from engine.config import Config
    from engine.run.line import Line

TRY_NEXT = (
    ("allegra explain {held}", "why was the invoice mail held?"),
    ("allegra explain {comment}", "how a reply found its item"),
    ("allegra held list", "what waits for a person"),
    ("allegra item show 2", "the item the printer mail made"),
    ("allegra rules try 'from.domain ends with \"bigcorp.example\"' --last 30d", "a condition on the mails above"),
    ("allegra rules test", "the tests beside the rules"),
    ("allegra hooks test", "the scripts against their fixtures"),
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
@click.option("--json", "as_json", is_flag=True, help="One JSON object a mail.")
def demo(folder: Path, yes: bool, as_json: bool) -> None:
    """Make a demo with sample mails, run the engine once, and show what became of each mail."""
    from engine.cli.common import exit_codes

    if folder.exists() and any(folder.iterdir()):
        if not (folder / "data.toml").is_file():
            raise click.UsageError(f"{folder} is not empty and holds no demo; choose another place with --dir")
        if not yes:
            click.confirm(f"{folder} holds a demo already. Replace it?", abort=True)
    with exit_codes():
        rows, took = _run(folder)
    _print(folder, rows, took, as_json)


def _run(folder: Path) -> tuple[list[Line], float]:
    """Make the folder, load its data, one pass over its mailboxes; a line for each mail in their order, and seconds."""
    import tomllib

    from engine.config import load
    from engine.run.engine import Engine
    from engine.run.passing import Pass
    from engine.store.load import load as load_data
    from engine.store.store import Store

    _make(folder)
    config = load(folder / "allegra.toml")
    with Store.open(config.store.path, busy_s=config.store.busy_timeout) as store:
        load_data(store, tomllib.loads((folder / "data.toml").read_text(encoding="utf-8")))
        _mails(folder, config)
        engine = Engine(config, store)
        started = time.monotonic()
        try:
            reports = Pass(engine).run(config.mailboxes)
        finally:
            engine.close()
        return [line for report in reports for line in report.lines], time.monotonic() - started


def _make(folder: Path) -> None:
    """Copy the demo's configuration, rules and hooks; a demo that stands there already is removed."""
    import shutil
    from importlib.resources import as_file, files

    if folder.exists():
        shutil.rmtree(folder)
    folder.mkdir(parents=True)
    with as_file(files("engine.demo")) as shipped:
        for name in ("allegra.toml", "data.toml"):
            shutil.copyfile(shipped / name, folder / name)
        for name in ("rules", "hooks", "mails"):
            shutil.copytree(shipped / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))


def _mails(folder: Path, config: Config) -> None:
    """Put the sample mails into the Maildirs, with reply tokens signed by this demo's own secret."""
    from engine.decision import tokens

    secret = config.instance.secret()
    marks = {
        b"@TOKEN2@": tokens.sign(2, secret).encode(),
        b"@TOPIC1@": tokens.sign(1, secret, "t").encode(),
        b"@MESSAGE_ID1@": tokens.message_id("demo-1", 1, secret, "example.com").encode(),
    }
    for box in ("system", "support"):
        for part in ("new", "cur", "tmp"):
            (folder / "mail" / box / part).mkdir(parents=True, exist_ok=True)
    now = time.time()
    for number, source in enumerate(sorted((folder / "mails").glob("*.eml"))):
        content = source.read_bytes()
        for mark, value in marks.items():
            content = content.replace(mark, value)
        box = "support" if source.stem.endswith(".support") else "system"
        place = folder / "mail" / box / "new" / f"{source.stem}.demo"
        place.write_bytes(content)
        os.utime(place, (now - 60 + number, now - 60 + number))


def _print(folder: Path, rows: list[Line], took: float, as_json: bool) -> None:
    from engine.cli import lines
    from engine.cli.common import print_json
    from engine.desk import plain
    from engine.model.plan import Outcome

    if as_json:
        for row in rows:
            print_json("demo", plain.line(row))
        return
    click.echo(f"allegra {__version__} on {platform.python_implementation()} {platform.python_version()}")
    click.echo(
        f"Created {_shown(folder)}   (allegra.toml, rules/, hooks/, {len(rows)} sample mails in Maildir, SQLite)\n"
    )
    click.echo(lines.HEAD)
    for row in rows:
        click.echo(lines.row(row))
    click.echo(f"{len(rows)} mails: {lines.sentence(row.outcome for row in rows)}   {took:.1f} s")
    first = {
        "held": next((row.mail[:6] for row in rows if row.code == "rule.hold"), "last-held"),
        "comment": next((row.mail[:6] for row in rows if row.outcome is Outcome.COMMENT), "last"),
    }
    click.echo(f"\nTry next (in {_shown(folder)}):")
    for command, says in TRY_NEXT:
        command = command.format(**first)
        click.echo(f"  {command:<38}  {says}" if len(command) <= 38 else f"  {command}\n  {'':<38}  {says}")


def _shown(folder: Path) -> str:
    return str(folder) if folder.is_absolute() else f"./{folder}"
