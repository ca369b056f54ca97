"""The database, looked at by `allegra check`: can it be had, does it open, is it whole, has it our workspaces?

Here: `looked_at`. Not here: the other checks (`checks.py`), what every page holds (`store/soundness.py`).
Invariant: a database that is not there is not made; of one on a server nothing secret is said.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.config import SecretError
from engine.store.errors import StoreError
from engine.store.migrations import GONE
from engine.store.place import Url, Where, there, was_there
from engine.store.store import Store
from rules.problem import Problem, Severity

if TYPE_CHECKING:
    from engine.config import Config

RESTORE = "stop what writes to it and put a backup in its place: allegra db restore FILE"

Found = tuple[str, str, tuple[Problem, ...]]
"""What was looked at, what it is when it is sound, and what is wrong with it."""


def looked_at(config: Config) -> Found:
    """Look at the database of a configuration; one that is not there yet is made by the first run."""
    try:
        where = config.store.where
    except SecretError as error:
        return _broken("database", str(error))
    if not there(where):
        if was_there(where):
            return _broken(where.name, f"the database {where} {GONE}", RESTORE)
        return where.name, "not there yet: the first run makes it", ()
    try:
        return _opened(config, where)
    except StoreError as error:
        return _broken(where.name, str(error))


def _broken(name: str, said: str, advice: str = "", code: str = "C190") -> Found:
    return name, "", (Problem(code, said, name, help=advice),)


def _opened(config: Config, where: Where) -> Found:
    """Raises StoreError."""
    with Store.open(where) as store:
        known = {catalog.workspace for catalog in store.items.workspaces()}
    if not isinstance(where, Url):  # a server looks after its own pages
        from engine.store.reading import damage

        if wrong := damage(where):
            return _broken(where.name, f"the database {where} is damaged: {wrong}", RESTORE, "C197")
    missing = [
        Problem(
            "C194", f'workspace "{name}" is not in the database yet: mail for it is held', where.name,
            help=f"allegra workspace add {name}", severity=Severity.WARNING,
        )
        for name in config.workspaces if name not in known
    ]  # fmt: skip
    return where.name, "opens, schema up to date", tuple(missing)
