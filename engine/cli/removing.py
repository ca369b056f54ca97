"""Taking users, groups and workspaces away: one way to say it, for all three.

Here: `removed`. Not here: the commands, what may go (`desk/acting.py`).
Invariant: without `--commit` nothing goes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import click

from engine.cli.common import answer, log_act

if TYPE_CHECKING:
    from engine.store.store import Store

Kind = Literal["user", "group", "workspace"]

NAMED = {"user": "login", "group": "name", "workspace": "workspace"}
"""What JSON calls the one that goes."""


def removed(ctx: click.Context, store: Store, kind: Kind, name: str, commit: bool, as_json: bool) -> None:
    """Take one away, or find out whether it could go, and say so."""
    from engine.desk import acting

    acting.remove(store, kind, name, commit=commit)
    if commit:
        log_act(ctx, f"{kind}.removed", name)
    said = "removed" if commit else "would be removed (--commit does it)"
    done = {NAMED[kind]: name, "done": "removed" if commit else "nothing"}
    answer(as_json, kind, done, f"{kind} {name}: {said}")
