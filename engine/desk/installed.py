"""What the engine stands on: Python, SQLite, and the libraries, in the versions that are installed.

Invariant: versions are read from the names of the folders that installers leave beside the packages:
importlib.metadata, which reads what is in them, costs more than all the rest of `allegra version`.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator

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


def versions() -> dict[str, str]:
    """Name the versions of Python, SQLite and the libraries, in small letters; `missing` for one that is not there."""
    import sqlite3

    there = dict(_installed())
    found = {"python": sys.version.split()[0], "sqlite": sqlite3.sqlite_version}
    return found | {name.lower(): there.get(_plain(name), "missing") for name in LIBRARIES}


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
