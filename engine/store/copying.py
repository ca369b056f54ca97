"""A copy of a database: one file, whole by itself wherever it is carried, or none.

Here: `whole_file`. Not here: what is copied into it, and when (`retention.py`, `restoring.py`). Invariant: no copy is
ever written over a file; one that fails leaves nothing behind, so that it can be tried again under the same name.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from engine.store.file import take_away

ALONE = "PRAGMA locking_mode = EXCLUSIVE"
"""Nobody else reads it meanwhile: the log of the copy needs no index, which some network disks cannot have."""

ONE_FILE = "PRAGMA journal_mode = DELETE"
"""What was copied says that it has a log (WAL), and could not be read on a disk that cannot be written."""


@contextmanager
def whole_file(path: Path) -> Iterator[sqlite3.Connection]:
    """Make a file for its owner alone that a database is copied into. Raises OSError, sqlite3.Error."""
    os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_CLOEXEC, 0o600))
    try:
        with closing(sqlite3.connect(path)) as copy:
            copy.execute(ALONE)
            yield copy
            copy.execute(ONE_FILE)
    except BaseException:
        take_away(path)
        raise
