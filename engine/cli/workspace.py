"""`allegra workspace`: where items live, and who works there."""

from __future__ import annotations

import click

from engine.cli.common import SAID, answer, log_act, open_store, print_json, usage
from engine.cli.noun import Noun
from engine.cli.removing import removed
from engine.cli.shown import print_pairs, print_table


@click.group(cls=Noun)
def workspace() -> None:
    """Add and list workspaces."""


@workspace.command()
@click.argument("identifier")
@click.option("--name", help="What people call it.")
@click.option("--public/--private", default=None, help="Public: everyone may see it and write items; private: members.")
@click.option("--type", "types", multiple=True, metavar="TYPE", help="A type of item; may be repeated.")
@click.option("--category", "categories", multiple=True, metavar="NAME", help="A category; may be repeated.")
@click.option("--version", "versions", multiple=True, metavar="NAME", help="A version; may be repeated.")
@click.option("--priority", "priorities", multiple=True, metavar="NAME", help="A priority; may be repeated.")
@click.option("--module", "modules", multiple=True, metavar="NAME", help="A module (items, topics); may be repeated.")
@click.option("--member", "members", multiple=True, metavar="WHO=ROLE", help="A user or group and its role; repeat it.")
@click.option("--json", "as_json", is_flag=True, help="As a JSON object.")
@click.pass_context
def add(
    ctx: click.Context, /, identifier: str, name: str | None, public: bool | None, members: tuple[str, ...],
    as_json: bool, **lists: tuple[str, ...],
) -> None:  # fmt: skip
    """Add a workspace, or change what you name of one."""
    from engine.desk.acting import put_workspace

    roles = [_role(member) for member in members]
    with open_store(ctx) as store, usage():
        said = put_workspace(store, identifier, lists, roles, name=name, public=public)
        if said != "same":
            log_act(ctx, f"workspace.{said}", identifier)
        answer(
            as_json,
            "workspace",
            {"workspace": identifier, "done": said},
            f"workspace {identifier}: {SAID[said]}",
        )


def _role(member: str) -> tuple[str, str]:
    who, equals, role = member.partition("=")
    if not equals:
        raise click.UsageError(f"--member takes WHO=ROLE, not {member!r}")
    return who, role


@workspace.command("list")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a workspace.")
@click.pass_context
def list_(ctx: click.Context, as_json: bool) -> None:
    """List all workspaces."""
    with open_store(ctx) as store:
        catalogs = store.items.workspaces()
        if as_json:
            for each in catalogs:
                print_json("workspace", each)
            return
        print_table(
            ("workspace", "name", "status", "public", "types", "items"),
            [
                (each.workspace, each.name, each.status, "yes" if each.public else "", ", ".join(each.types),
                 store.items.count(each.workspace))
                for each in catalogs
            ],
            "there are no workspaces",
        )  # fmt: skip


@workspace.command()
@click.argument("identifier")
@click.option("--json", "as_json", is_flag=True, help="As a JSON object.")
@click.pass_context
def show(ctx: click.Context, identifier: str, as_json: bool) -> None:
    """Show what a workspace offers and who is a member."""
    from engine.desk import looking
    from engine.desk.plain import plain

    with open_store(ctx) as store:
        found = looking.workspace(store, identifier)
        members = store.directory.members(identifier)
        if as_json:
            listed = [{"kind": kind, "name": name, "role": role} for kind, name, role in members]
            print_json("workspace", {**plain(found), "members": listed})
            return
        statuses = [each.name + (" (ends)" if each.closed else "") for each in found.statuses]
        print_pairs(
            (
                ("workspace", found.workspace),
                ("name", found.name),
                ("status", found.status),
                ("public", "yes" if found.public else "no"),
                ("modules", ", ".join(found.modules)),
                ("types", ", ".join(found.types)),
                ("statuses", ", ".join(statuses)),
                ("priorities", ", ".join(found.priorities)),
                ("categories", ", ".join(found.categories)),
                ("versions", ", ".join(found.versions)),
                ("fields", ", ".join(each.name for each in found.fields)),
                ("members", ", ".join(f"{kind} {name} ({role})" for kind, name, role in members)),
            )
        )


@workspace.command()
@click.argument("identifier")
@click.option("--json", "as_json", is_flag=True, help="As a JSON object.")
@click.pass_context
def lock(ctx: click.Context, identifier: str, as_json: bool) -> None:
    """Close a workspace: it keeps its items and takes no new ones."""
    _status(ctx, identifier, "closed", as_json)


@workspace.command()
@click.argument("identifier")
@click.option("--json", "as_json", is_flag=True, help="As a JSON object.")
@click.pass_context
def unlock(ctx: click.Context, identifier: str, as_json: bool) -> None:
    """Open a closed workspace again."""
    _status(ctx, identifier, "active", as_json)


@workspace.command()
@click.argument("identifier")
@click.option("--commit", is_flag=True, help="Really do it.")
@click.option("--json", "as_json", is_flag=True, help="As a JSON object.")
@click.pass_context
def remove(ctx: click.Context, identifier: str, commit: bool, as_json: bool) -> None:
    """Remove a workspace that holds nothing.

    Without --commit it only tells what would go.
    """
    with open_store(ctx) as store:
        removed(ctx, store, "workspace", identifier, commit, as_json)


def _status(ctx: click.Context, identifier: str, status: str, as_json: bool) -> None:
    from engine.desk.acting import set_workspace_status

    with open_store(ctx) as store:
        set_workspace_status(store, identifier, status)
        log_act(ctx, f"workspace.{status}", identifier)
        answer(as_json, "workspace", {"workspace": identifier, "done": status}, f"workspace {identifier}: {status}")
