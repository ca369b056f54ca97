"""`allegra version`: which release this is, and what it stands on.

The versions are read from the names of the folders that installers leave beside the packages: importlib.metadata,
which reads what is in them, costs more than all the rest of this command.
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Iterator

import click

LIBRARIES = (
    "imapclient",
    "RestrictedPython",
    "lark",
    "peewee",
    "google-re2",
    "selectolax",
    "nh3",
    "msgspec",
)


@click.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def version(as_json: bool) -> None:
    """Print the version, Python's and those of the libraries."""
    import sqlite3

    from engine import __version__

    there = dict(_installed())
    versions = {"python": sys.version.split()[0], "sqlite": sqlite3.sqlite_version}
    versions |= {name.lower(): there.get(_plain(name), "missing") for name in LIBRARIES}
    if as_json:
        click.echo(json.dumps({"schema": "allegra.version/1", "version": __version__, "libraries": versions}))
        return
    click.echo(f"allegra {__version__}")
    for name, number in versions.items():
        click.echo(f"  {name:<18} {number}")


def _installed() -> Iterator[tuple[str, str]]:
    """Every distribution on the path and its version; the first on the path comes last, and so counts."""
    for folder in reversed(sys.path):
        try:
            with os.scandir(folder or os.curdir) as entries:
                names = [entry.name for entry in entries]
        except OSError:  # a folder that is not there, or an archive
            continue
        for name in names:
            if found := re.fullmatch(r"([^-]+)-([^-]+)(?:-py[\d.]+)?\.(?:dist|egg)-info", name):
                yield _plain(found[1]), found[2]


def _plain(name: str) -> str:
    """The name of a distribution as folders have it: one spelling of `-`, `.` and `_`, small letters."""
    return re.sub(r"[-_.]+", "_", name).lower()
