"""`allegra user`: who has an account.

Here: the commands of the noun. Not here: that of passwords (`user_password.py`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TextIO

import click

from engine.cli import user_password, words
from engine.cli.common import (
    DONE,
    FINDINGS,
    SAID,
    answer,
    exit_codes,
    log_act,
    open_config,
    open_store,
    print_json,
    usage,
)
from engine.cli.mail import person
from engine.cli.noun import Noun
from engine.cli.removing import removed
from engine.cli.shown import print_pairs, print_table
from engine.model.preferences import PRESETS, named
from engine.plain_text import printable

if TYPE_CHECKING:
    from engine.desk.preferences import InForce

STATUS = click.Choice(("active", "registered", "locked", "guest"))


@click.group(cls=Noun)
def user() -> None:
    """Add, list and lock users; say what they hear by mail."""


@user.command()
@click.argument("login")
@click.option("--name", help="First and last name.")
@click.option(
    "--email",
    "emails",
    multiple=True,
    metavar="ADDRESS",
    help="An address of theirs; repeat it. These replace those there were.",
)
@click.option("--group", "groups", multiple=True, metavar="GROUP", help="A group to be in; may be repeated.")
@click.option("--status", type=STATUS, help="What the account may do; active unless you say so.")
@click.option("--language", metavar="CODE", help="Language of their mails and of the console, as in de.")
@click.option("--admin/--no-admin", default=None, help="May do everything everywhere.")
@click.option("--json", "as_json", is_flag=True, help="As a JSON object.")
@click.pass_context
def add(
    ctx: click.Context, login: str, name: str | None, emails: tuple[str, ...], groups: tuple[str, ...],
    status: str | None, language: str | None, admin: bool | None, as_json: bool,
) -> None:  # fmt: skip
    """Add a user, or change what you name of one."""
    from engine.desk.acting import put_user

    with open_store(ctx) as store, usage():
        said = put_user(store, login, emails, groups, name=name, status=status, language=language, admin=admin)
        if said != "same":
            log_act(ctx, f"user.{said}", login)
        answer(
            as_json,
            "user",
            {"login": login, "done": said},
            f"user {login}: {SAID[said]}",
        )


@user.command("list")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a user.")
@click.pass_context
def list_(ctx: click.Context, as_json: bool) -> None:
    """List all users."""
    with open_store(ctx) as store:
        accounts = store.directory.accounts()
        if as_json:
            for account in accounts:
                print_json("user", account)
            return
        print_table(
            ("login", "name", "status", "admin", "groups", "emails"),
            [
                (
                    each.login,
                    each.name,
                    each.status,
                    "yes" if each.admin else "",
                    ", ".join(each.groups),
                    ", ".join(each.emails),
                )
                for each in accounts
            ],
            "there are no users",
        )  # fmt: skip


@user.command()
@click.argument("who")
@click.option("--json", "as_json", is_flag=True, help="As a JSON object.")
@click.pass_context
def show(ctx: click.Context, who: str, as_json: bool) -> None:
    """Show a user, by login, address or name."""
    from engine.desk import looking

    with open_store(ctx) as store:
        account = looking.user(store, who)
        if as_json:
            print_json("user", account)
            return
        print_pairs(
            (
                ("login", account.login),
                ("name", account.name),
                ("status", account.status),
                ("admin", "yes" if account.admin else ""),
                ("emails", ", ".join(account.emails)),
                ("groups", ", ".join(account.groups)),
                ("language", account.language),
            )
        )


@user.command()
@click.argument("address")
@click.option("--directory", metavar="NAME", default="", help="Which one; that of [people] unless you say so.")
@click.option("--json", "as_json", is_flag=True, help="As a JSON object.")
@click.pass_context
def find(ctx: click.Context, address: str, directory: str, as_json: bool) -> None:
    """Ask a directory who somebody is; nothing is kept of it.

    Exit codes: 0 known there, 1 not known, 69 the directory cannot be asked.
    """
    from engine.desk import looking

    config = open_config(ctx)
    with exit_codes(), usage():
        found = looking.in_directory(config, address, directory)
    if as_json:
        print_json("listed", found)
    elif found.standing == "known":
        print_pairs(
            (
                ("directory", found.directory),
                ("login", found.login),
                ("name", found.name),
                ("emails", ", ".join(found.addresses)),
                ("groups", ", ".join(found.groups)),
                ("language", found.language),
            )
        )
    else:
        click.echo(f"directory {found.directory}: {printable(address)} is {found.standing}")
    raise SystemExit(DONE if found.standing == "known" else FINDINGS)


@user.command()
@click.argument("login")
@click.option("--json", "as_json", is_flag=True, help="As a JSON object.")
@click.pass_context
def lock(ctx: click.Context, login: str, as_json: bool) -> None:
    """Lock a user: their mail falls under people.inactive_user."""
    _status(ctx, login, "locked", as_json)


@user.command()
@click.argument("login")
@click.option("--json", "as_json", is_flag=True, help="As a JSON object.")
@click.pass_context
def unlock(ctx: click.Context, login: str, as_json: bool) -> None:
    """Make a locked user active again."""
    _status(ctx, login, "active", as_json)


@user.command()
@click.argument("who")
@click.argument("wanted", nargs=-1, metavar="[KEY=VALUE]...", shell_complete=words.preferences)
@click.option("--workspace", metavar="NAME", default="", shell_complete=words.workspaces, help="Only for this one.")
@click.option("--preset", type=click.Choice(tuple(PRESETS)), help="Several at once.")
@click.option("--reset", is_flag=True, help="Forget what they said; as usual again.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a preference.")
@click.pass_context
def notify(
    ctx: click.Context, who: str, wanted: tuple[str, ...], workspace: str, preset: str | None, reset: bool,
    as_json: bool,
) -> None:  # fmt: skip
    """Show or set what somebody wants to hear by mail.

    Without KEY=VALUE it shows what is in force and where that comes from.
    """
    from engine.desk import looking
    from engine.desk import preferences as desk
    from engine.desk.plain import plain

    pairs = [each.partition("=") for each in wanted]
    if wrong := [name for name, equals, _ in pairs if not equals]:
        raise click.UsageError(f"{wrong[0]!r} is no KEY=VALUE")
    config = open_config(ctx)
    with open_store(ctx, config) as store:
        login = looking.user(store, who).login
        desk.put(store, login, {key: value for key, _, value in pairs}, workspace, preset or "", reset=reset,
                 by=person())  # fmt: skip
        if wanted or preset or reset:
            log_act(ctx, "user.notify", login)
        rows = desk.effective(config, store, login, workspace)
        if as_json:
            for row in rows:
                print_json("preference", {"user": login, **plain(row), "workspace": row.workspace or None})
            return
        print_table(
            ("what", "wants", "from", "decides about"),
            [(_what(row, workspace), row.value, row.origin, about.decides if (about := named(row.key)) else "")
             for row in rows], "",
        )  # fmt: skip


def _what(row: InForce, workspace: str) -> str:
    """Name a preference, with the workspace where it is of another one than was asked about."""
    return row.key if row.workspace in ("", workspace) else f"{row.key} in {row.workspace}"


@user.command()
@click.argument("who")
@click.argument("text", required=False)
@click.option("--file", type=click.File(), metavar="FILE", help="Read it from a file; - is standard input.")
@click.option("--workspace", metavar="NAME", default="", shell_complete=words.workspaces, help="Only for this one.")
@click.option("--reset", is_flag=True, help="Take it away: that of the settings again.")
@click.option("--json", "as_json", is_flag=True, help="As a JSON object.")
@click.pass_context
def signature(
    ctx: click.Context, who: str, text: str | None, file: TextIO | None, workspace: str, reset: bool, as_json: bool
) -> None:  # fmt: skip
    """Show or set what stands below the answers of somebody.

    It takes the place of replies.signature. Without TEXT and options it shows what there is.
    """
    from engine.desk import looking
    from engine.desk import signatures as desk

    if (text is not None) + (file is not None) + reset > 1:
        raise click.UsageError("give TEXT, --file or --reset, one of them")
    with open_store(ctx) as store, usage():
        login = looking.user(store, who).login
        if text is None and file is None and not reset:
            there = desk.signature(store, login, workspace)
            if as_json:
                print_json("user", {"login": login, "signature": there or None})
            for line in () if as_json else there.split("\n") if there else (f"user {login} has none",):
                answer(False, "user", {}, line)
            return
        said = desk.sign(store, login, None if reset else text if file is None else file.read(), workspace)
        if said != "same":
            log_act(ctx, "user.signature", login)
        answer(as_json, "user", {"login": login, "done": said}, f"signature of {login}: {SAID[said]}")


@user.command()
@click.argument("login")
@click.option("--commit", is_flag=True, help="Really do it.")
@click.option("--json", "as_json", is_flag=True, help="As a JSON object.")
@click.pass_context
def remove(ctx: click.Context, login: str, commit: bool, as_json: bool) -> None:
    """Remove a user who has written nothing; lock the others.

    Without --commit it only tells what would go.
    """
    with open_store(ctx) as store:
        removed(ctx, store, "user", login, commit, as_json)


def _status(ctx: click.Context, login: str, status: str, as_json: bool) -> None:
    from engine.desk.acting import set_user_status

    with open_store(ctx) as store:
        set_user_status(store, login, status)
        log_act(ctx, f"user.{status}", login)
        answer(as_json, "user", {"login": login, "done": status}, f"user {login}: {status}")
        if status == "locked" and store.items.found(f'assigned:"{login}" status:open', 1)[0]:
            said = f"open items are assigned to {login}: allegra item list assigned:{login} status:open"
            click.echo(said, err=True)


for _command in user_password.COMMANDS:
    user.add_command(_command)
