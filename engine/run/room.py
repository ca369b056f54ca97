"""Room on the disk: below `store.keep_free` no mail is fetched or taken, so that what was begun can be finished.

Here: how much is free, how much there has to be, and the sentence. Not here: what a pass does then (`visit.py`), a disk
that is full all the same (`store/`).
Invariant: what cannot be looked at keeps nobody from reading.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from engine.config import Config

LEAST = 200 << 20
"""Bytes that have to be free, or four times the biggest mail, where nobody says otherwise."""


def wanted(config: Config) -> int:
    """How many bytes have to be free."""
    keep = config.store.keep_free
    return max(LEAST, 4 * config.settings("").limits.raw) if keep == "auto" else int(keep)


def free(config: Config) -> int | None:
    """How many bytes are free where the database and what else is kept lie; None where nobody can tell."""
    found, ours = [], config.instance.state_dir
    for folder in {config.data_dir, ours} if config.store.driver == "sqlite" else (ours,):  # of others it is the same
        try:
            told = os.statvfs(folder)
        except OSError:
            continue
        found.append(told.f_bavail * told.f_frsize)
    return min(found, default=None)


def lack(config: Config) -> str:
    """Say that there is too little room to fetch or take mail; "" where there is enough."""
    there, need = free(config), wanted(config)
    if there is None or there >= need:
        return ""
    ours = config.beside.name if config.store.driver == "sqlite" else config.data_dir
    return (
        f"{there >> 20} MB are free where {ours} is, and {need >> 20} MB have to be "
        "(store.keep_free): no mail is fetched or taken until there is room"
    )
