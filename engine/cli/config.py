"""`allegra config`: the configuration in force.

Here: options and printing. Not here: how it is loaded or written (`engine/config/`), the two files about it that are
shipped (`desk/manual.py`). Invariant: no secret is ever printed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from engine.cli import words
from engine.cli.common import FINDINGS, complain, open_config, print_json
from engine.cli.noun import Noun

if TYPE_CHECKING:
    from engine.config.write import Entry


@click.group(cls=Noun)
def config() -> None:
    """Show the effective configuration."""


@config.command()
@click.option("--origin", is_flag=True, help="One line a key, with the place its value comes from.")
@click.option("--json", "as_json", is_flag=True, help="NDJSON.")
@click.pass_context
def show(ctx: click.Context, origin: bool, as_json: bool) -> None:
    """Print every option with its value; secrets are masked."""
    from engine.config import write

    found = list(write.entries(open_config(ctx)))
    if as_json and origin:
        for entry in found:
            print_json("config", {"key": entry.key, "value": entry.value, "origin": entry.origin})
    elif as_json:
        print_json("config", {"config": write.tables(iter(found))})
    elif origin:
        for entry in found:
            click.echo(_line(entry))
    else:
        click.echo(write.dumps(found), nl=False)


@config.command()
@click.argument("key", shell_complete=words.keys)
@click.option("--origin", is_flag=True, help="Also print where the value comes from.")
@click.option("--json", "as_json", is_flag=True, help="NDJSON.")
@click.pass_context
def get(ctx: click.Context, key: str, origin: bool, as_json: bool) -> None:
    """Print one value: of gates.dmarc, or of workspace.finance.gates.dmarc (inherited ones too).

    KEY may be a section as well: its options are printed with their keys.
    """
    from engine.config import write

    config = open_config(ctx)
    entry = write.find(config, key)
    section = write.below(config, key) if entry is None else []
    for each in section:
        if as_json:
            print_json("config", {"key": each.key, "value": each.value, "origin": each.origin})
        else:
            click.echo(_line(each) if origin else _line(each).removesuffix(f"   {each.origin}"))
    if section:
        return
    if entry is None:
        complain(f"there is no option {key}{write.near(key)}")
        raise SystemExit(FINDINGS)
    if as_json:
        print_json("config", {"key": entry.key, "value": entry.value, "origin": entry.origin})
    elif origin:
        click.echo(_line(entry))
    else:
        click.echo(entry.value if isinstance(entry.value, str) else write.value_text(entry.value))


@config.command()
def schema() -> None:
    """Print the JSON Schema of allegra.toml, for editors.

    Written to allegra.schema.json beside allegra.toml, and with "#:schema ./allegra.schema.json" as the first line
    there, it lets editors complete and check options while you type.
    """
    from engine.desk.manual import shipped

    click.echo(shipped("allegra.schema.json"), nl=False)


@config.command()
def example() -> None:
    """Print the complete example, with every option there is."""
    from engine.desk.manual import shipped

    click.echo(shipped("allegra.toml.example"), nl=False)


def _line(entry: Entry) -> str:
    from engine.config import write

    return f"{entry.key} = {write.value_text(entry.value)}   {entry.origin}"
