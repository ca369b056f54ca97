"""`allegra version`: which release this is, and what it stands on.

Here: printing. Not here: finding the versions (`desk/installed.py`).
"""

from __future__ import annotations

import json

import click


@click.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def version(as_json: bool) -> None:
    """Print the version, Python's and those of the libraries."""
    from engine import __version__
    from engine.desk.installed import versions

    found = versions()
    if as_json:
        click.echo(json.dumps({"schema": "allegra.version/1", "version": __version__, "libraries": found}))
        return
    click.echo(f"allegra {__version__}")
    for name, number in found.items():
        click.echo(f"  {name:<18} {number}")
