"""Where a database is, and whether there is one.

Here: the two kinds of places (`engine/model/place.py` has the type, for the configuration as well), what can be said of
one before it is opened. Not here: opening it (`store.py`).
Invariant: looking makes nothing and asks no server.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from engine.model.place import Url as Url
from engine.model.place import Where as Where
from engine.store.errors import StoreError

MISSING = "PostgreSQL needs psycopg, which is not installed: pip install 'allegra-mail[postgres]'"


def there(where: Where) -> bool:
    """Tell whether there is a database; one on a server is taken to be: it opens, or says why not."""
    return isinstance(where, Url) or where.exists()


def was_there(where: Where) -> bool:
    """Tell whether there is a database or was one once: an empty one in its place would hide that it is gone."""
    if there(where) or isinstance(where, Url):
        return True
    from engine.store.migrations import was_made

    return was_made(where)


def inode(where: Where) -> int:
    """Tell one file from another that was put in its place: 0 where there is none, or a server has it."""
    return where.stat().st_ino if isinstance(where, Path) and where.exists() else 0


def need_driver() -> None:
    """Raise StoreError, with what to install, where the driver of PostgreSQL is missing."""
    if find_spec("psycopg") is None:
        raise StoreError(MISSING)
