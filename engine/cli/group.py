"""`allegra group`: who belongs together."""

from __future__ import annotations

import click

from engine.cli.common import SAID, answer, log_act, open_store, print_json, usage
from engine.cli.noun import Noun
from engine.cli.removing import removed
from engine.cli.shown import print_pairs, print_table


@click.group(cls=Noun)
def group() -> None:
    """Add and list groups."""


@group.command()
@click.argument("name")
@click.option("--member", "members", multiple=True, metavar="LOGIN", help="A user to put in; may be repeated.")
@click.option("--json", "as_json", is_flag=True, help="As a JSON object.")
@click.pass_context
def add(ctx: click.Context, name: str, members: tuple[str, ...], as_json: bool) -> None:
    """Add a group, or members to one."""
    from engine.desk.acting import put_group

    with open_store(ctx) as store, usage():
        said = put_group(store, name, members)
        if said != "same":
            log_act(ctx, f"group.{said}", name)
        answer(
            as_json,
            "group",
            {"name": name, "done": said},
            f"group {name}: {SAID[said]}",
        )


@group.command("list")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a group.")
@click.pass_context
def list_(ctx: click.Context, as_json: bool) -> None:
    """List all groups with their members."""
    with open_store(ctx) as store:
        groups = store.directory.groups()
        if as_json:
            for name, members in groups:
                print_json("group", {"name": name, "members": members})
            return
        rows = [(name, len(members), ", ".join(members)) for name, members in groups]
        print_table(("group", "users", "logins"), rows, "there are no groups")


@group.command()
@click.argument("name")
@click.option("--json", "as_json", is_flag=True, help="As a JSON object.")
@click.pass_context
def show(ctx: click.Context, name: str, as_json: bool) -> None:
    """Show a group."""
    from engine.desk import looking

    with open_store(ctx) as store:
        stored, members = looking.group(store, name)
        if as_json:
            print_json("group", {"name": stored, "members": members})
        else:
            print_pairs((("group", stored), ("users", ", ".join(members) or "nobody")))


@group.command()
@click.argument("name")
@click.option("--commit", is_flag=True, help="Really do it.")
@click.option("--json", "as_json", is_flag=True, help="As a JSON object.")
@click.pass_context
def remove(ctx: click.Context, name: str, commit: bool, as_json: bool) -> None:
    """Remove a group; its users stay.

    Without --commit it only tells what would go.
    """
    with open_store(ctx) as store:
        removed(ctx, store, "group", name, commit, as_json)
