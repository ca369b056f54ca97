"""Whether the web console is of use: somebody can come in who may do everything, and it has a name.

Here: what the database and the address say. Not here: what [console] itself says (`config/console.py`).
Invariant: nothing is looked at unless the configuration speaks of a console.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from engine.config import SecretError
from engine.store.errors import StoreError
from engine.store.place import there
from engine.store.store import Store
from rules.problem import Problem, Severity

if TYPE_CHECKING:
    from engine.config import Config


def looked_at(config: Config) -> Iterator[Problem]:
    """Find what keeps people out; what the database cannot tell is told by the check of the database."""
    if not config.console.written:
        return
    at = "[console]"
    if not config.instance.base_url:
        said = (
            "there is no base_url: the console answers to a name of this machine only, and mails carry no links to it"
        )
        advice = 'add  base_url = "https://desk.example.com"  to [instance]'
        yield Problem("C214", said, at, help=advice, severity=Severity.WARNING)
    try:
        if there(config.store.where) and (wrong := _nobody(config)):
            yield Problem("C213", wrong[0], at, help=wrong[1], severity=Severity.WARNING)
    except (StoreError, SecretError):
        return


def _nobody(config: Config) -> tuple[str, str] | None:
    """Say that no admin can come in, and what to do; None where one can."""
    with Store.open(config.store.where, create=False, migrate=False) as store:
        admins = store.directory.admins()
        if not admins:
            return "no active account is an admin: nobody sees all in the console", "allegra user add LOGIN --admin"
        if config.console.auth == "accounts" and not any(store.access.credential(each.id) for each in admins):
            advice = f"allegra user password {admins[0].login}"
            return "no admin has a password: none can sign in to the console", advice
    return None
