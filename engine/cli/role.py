"""`allegra role`: what members of workspaces may do."""

from __future__ import annotations

import click

from engine.cli.common import open_store, print_json
from engine.cli.noun import Noun
from engine.cli.shown import print_table


@click.group(cls=Noun)
def role() -> None:
    """List roles."""


@role.command("list")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a role.")
@click.pass_context
def list_(ctx: click.Context, as_json: bool) -> None:
    """List all roles with what they permit and who has them. `allegra admin load` adds and changes them."""
    with open_store(ctx) as store:
        held: dict[str, list[dict[str, str]]] = {}
        for catalog in store.items.workspaces():
            for kind, name, its in store.directory.members(catalog.workspace):
                held.setdefault(its, []).append({"kind": kind, "name": name, "workspace": catalog.workspace})
        roles = store.directory.roles()
        if as_json:
            for name, permissions in roles:
                print_json("role", {"name": name, "permissions": permissions, "members": held.get(name, [])})
            return
        rows = [
            (
                name,
                ", ".join(permissions),
                ", ".join(f"{each['name']} in {each['workspace']}" for each in held.get(name, ())),
            )
            for name, permissions in roles
        ]
        print_table(("role", "permits", "members"), rows, "there are no roles: allegra admin load adds them")
