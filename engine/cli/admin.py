"""`allegra admin`: bring in what another system knows.

Here: options and printing. Not here: reading and loading the file (`desk/loading.py`).
"""

from __future__ import annotations

from pathlib import Path

import click

from engine.cli.common import FINDINGS, log_act, open_store, print_json, print_problems
from engine.cli.noun import Noun
from engine.cli.shown import print_table


@click.group(cls=Noun)
def admin() -> None:
    """Load users, workspaces and items from a file."""


@admin.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--dry-run", is_flag=True, help="Only tell what would be new.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a table.")
@click.pass_context
def load(ctx: click.Context, file: Path, dry_run: bool, as_json: bool) -> None:
    """Load users, groups, roles, workspaces, members, preferences, fields, items, topics from FILE (TOML, or .json).

    Loading twice changes nothing. With anything wrong in the file nothing is loaded, and everything that is wrong
    is shown with its place (exit 1).
    """
    from engine.desk import loading
    from engine.store.load import LoadError

    try:
        data = loading.read(file)
        with open_store(ctx) as store:
            tallies = loading.load(store, data, dry_run=dry_run)
    except LoadError as error:
        print_problems(error.problems)
        raise SystemExit(FINDINGS) from None
    if not dry_run:
        log_act(ctx, "admin.load", file.name)
    if as_json:
        for table, tally in tallies.items():
            print_json("admin", {"table": table, "added": tally.added, "changed": tally.changed, "same": tally.same})
        return
    rows = [(table, tally.added, tally.changed, tally.same) for table, tally in tallies.items()]
    print_table(("table", "added", "changed", "same"), rows, "there is nothing in this file")
    if dry_run:
        click.echo("nothing was changed: this was a dry run", err=True)
