"""What the files look like that a pass reads, so that a process that stays sees when one was changed.

Here: their names, times and sizes. Not here: reading them, what is made of a change. Invariant: a file that cannot be
looked at is as one that is gone.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from engine.config import Config

MOST_FILES = 2000
"""Files below the folders of rules, scripts and templates whose times are looked at."""

Seen = frozenset[tuple[str, int, int]]


def files_of(config: Config) -> Seen:
    """What the files look like that a run by cron would read: their names, times and sizes."""
    folders = {config.root.rules.directory, config.root.hooks.directory, config.root.replies.directory}
    places = [config.path, *(box for box in [config.root.hooks.params, config.root.system.rules] if box is not None)]
    places += [each.rules for each in config.root.workspace.values() if each.rules is not None]
    found = set()
    for path in [*places, *(path for folder in sorted(folders) for path in _below(folder))][:MOST_FILES]:
        with suppress(OSError):
            told = path.stat()
            found.add((str(path), told.st_mtime_ns, told.st_size))
    return frozenset(found)


def _below(folder: Path, depth: int = 2) -> Iterator[Path]:
    with suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir() and depth and not entry.name.startswith((".", "__")):
                yield from _below(Path(entry.path), depth - 1)
            elif not entry.is_dir():
                yield Path(entry.path)
