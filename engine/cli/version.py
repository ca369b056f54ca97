"""`allegra version`: which release this is, and what it stands on."""

from __future__ import annotations

import json
import platform

import click

LIBRARIES = (
    "imapclient",
    "RestrictedPython",
    "lark",
    "peewee",
    "pydantic",
    "google-re2",
    "selectolax",
    "nh3",
    "msgspec",
)


@click.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def version(as_json: bool) -> None:
    """Print the version, Python's and those of the libraries."""
    import importlib.metadata
    import sqlite3

    from engine import __version__

    versions = {"python": platform.python_version(), "sqlite": sqlite3.sqlite_version}
    for name in LIBRARIES:
        try:
            versions[name.lower()] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            versions[name.lower()] = "missing"
    if as_json:
        click.echo(json.dumps({"schema": "allegra.version/1", "version": __version__, "libraries": versions}))
        return
    click.echo(f"allegra {__version__}")
    for name, number in versions.items():
        click.echo(f"  {name:<18} {number}")
