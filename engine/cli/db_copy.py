"""`allegra db copy`: the whole desk into a database of the other kind.

Here: where to, and what is printed. Not here: the copy (`store/transfer.py`).
Invariant: no password is taken from the command line, where every user of the machine reads it, and none is printed.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from engine.cli.common import exit_codes, log_act, open_config, print_json
from engine.cli.progress import Work

if TYPE_CHECKING:
    from engine.store.place import Where
    from engine.store.transfer import Copied

NOT_IN_ARGV = (
    "a password in --to is read by every user of this machine: put the URL into a variable and name that, "
    "--to-env NAME, or leave the password to ~/.pgpass"
)


@click.command()
@click.option("--to", "place", metavar="URL|FILE", help="postgresql://…, without a password, or a file of SQLite.")
@click.option("--to-env", "variable", metavar="NAME", help="The variable of the environment that holds the URL.")
@click.option("--without-bytes", is_flag=True, help="Leave mails behind that nobody waits for, as if they were old.")
@click.option("--wait", "wait_s", type=click.FloatRange(0), default=30.0, show_default=True, metavar="SECONDS",
              help="How long to wait for a running pass.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="As a JSON object.")
@click.pass_context
def copy(
    ctx: click.Context, place: str | None, variable: str | None, without_bytes: bool, wait_s: float, as_json: bool
) -> None:
    """Copy everything into another database, empty or not there yet: from SQLite to PostgreSQL, or back.

    Stop the engine before. Nothing of the database changes, and nobody can write in it meanwhile. Every row is read
    again on both sides at the end; where one differs, nothing is left of the copy. allegra.toml is yours to change:
    the lines are printed.
    """
    from engine.store import transfer

    config = open_config(ctx)
    target = _target(place, variable, config.store.path.with_suffix(""))
    with exit_codes(), Work("copying") as told:
        source = config.store.where
        done = transfer.copy(source, target, without_bytes=without_bytes, wait_s=wait_s, told=told)
    log_act(ctx, "db.copy", f"to {target}, {done.rows} rows")
    lines = _lines(target, variable)
    if as_json:
        print_json("db", {"from": str(source), "to": str(target), "rows": done.rows, "tables": dict(done.tables),
                          "replaced": done.replaced, "left_behind": done.left_behind, "config": lines})  # fmt: skip
    else:
        _say(source, target, done, lines)


def _target(place: str | None, variable: str | None, beside: Path) -> Where:
    """Where to, as it was typed; raises click.UsageError with a sentence that repeats no secret."""
    from engine.store.place import Url

    if (place is None) == (variable is None):
        raise click.UsageError("say where to: --to URL|FILE, or --to-env NAME")
    if variable is not None:
        place = os.environ.get(variable, "")
        if not place:
            raise click.UsageError(f"the variable {variable} is not set")
    place = place or ""
    if "://" not in place and variable is None:
        if not place.strip():
            raise click.UsageError("--to is empty")
        return Path(place).absolute()
    try:
        url = Url(place, beside)
    except ValueError as error:
        raise click.UsageError(f"the URL cannot be used: {error}") from None
    if url.parts and variable is None:
        raise click.UsageError(NOT_IN_ARGV)
    return url


def _lines(target: Where, variable: str | None) -> list[str]:
    """What [store] says from now on."""
    if isinstance(target, Path):
        return ['driver = "sqlite"', f"path = {json.dumps(str(target))}"]
    url = f"url_env = {json.dumps(variable)}" if variable else f"url = {json.dumps(target.secret)}"
    return ['driver = "postgresql"', url]


def _say(source: Where, target: Where, done: Copied, lines: list[str]) -> None:
    click.echo(f"{target}: {done.rows} rows, all read again and the same")
    if done.left_behind:
        click.echo(f"{done.left_behind} mails are there without their bytes; attachments and bodies of items are")
    if done.replaced:
        click.echo(f"{done.replaced} texts held a NUL, which became {'�'}: no database on a server can hold one")
    click.echo("now write in allegra.toml, in place of the lines that are there:\n\n[store]")
    for line in lines:
        click.echo(line)
    more = "" if isinstance(target, Path) else "Then: allegra db migrate, allegra check --online. "
    click.echo(f"\n{more}{source} is what it was. Start the engine only on the new one.")
