"""Disks that are full, cannot be written to, or belong to somebody else: called in whoever is to suffer.

Here: what SQLite is told of the disk. Not here: what must come of it.
"""

from __future__ import annotations

import resource
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


def _after_connecting(*pragmas: str) -> None:
    from engine.store.sqlite import Sqlite

    connect = Sqlite.connect

    def limited(self: Any, create: bool = True) -> None:
        connect(self, create)
        for pragma in pragmas:
            pages = self.one("PRAGMA page_count")[0]
            self.run(pragma.format(pages=pages))

    Sqlite.connect = limited  # type: ignore[method-assign]


def no_page_more() -> None:
    """The database cannot grow at all."""
    _after_connecting("PRAGMA max_page_count = {pages}")


def few_pages_more() -> None:
    """The database can grow a little: the bytes of some mails fit, what comes of them may not."""
    _after_connecting("PRAGMA max_page_count = {pages}", "PRAGMA max_page_count = 60")


def read_only() -> None:
    """The database may be read, not written."""
    _after_connecting("PRAGMA query_only = ON")


def small_files() -> None:
    """No file may be written behind its first 100 kB: the log of the database holds a mail or two."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, resource.RLIM_INFINITY))


def no_index() -> None:
    """No room on the disk even for the 32 kB of the index beside the log of the database."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, resource.RLIM_INFINITY))


@contextmanager
def no_file_above(size: int) -> Iterator[None]:
    """For a while no file of this process grows above so many bytes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
