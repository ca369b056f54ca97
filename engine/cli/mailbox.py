"""`allegra mailbox`: what the configured mailboxes are, whether they can be reached, what lies in them.

Here: options and printing. Not here: what is asked and done (`desk/mailboxes.py`), reading mail into items (`run.py`).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from engine.cli import words
from engine.cli.common import AWAY, DONE, FINDINGS, chosen_mailboxes, complain, open_config, open_store, print_json
from engine.cli.mail import person
from engine.cli.mailbox_login import login
from engine.cli.noun import Noun
from engine.cli.progress import Work
from engine.cli.shown import clock, older, print_table, when
from engine.plain_text import printable

if TYPE_CHECKING:
    from engine.desk.mailboxes import Fare

MOST_WHY = 80
"""The columns of a cell of a table; a longer reason stands below it."""


@click.group(cls=Noun)
def mailbox() -> None:
    """List, test and peek into mailboxes."""


mailbox.add_command(login)


@mailbox.command("list")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a mailbox.")
@click.pass_context
def list_(ctx: click.Context, as_json: bool) -> None:
    """List the configured mailboxes, how they fare, and which of their mails wait."""
    from engine.cli.run_told import waits
    from engine.desk import plain
    from engine.desk.mailboxes import fares

    config = open_config(ctx)
    with open_store(ctx, config) as store:
        told = fares(config, store)
    if as_json:
        for each in told:
            print_json("mailbox", plain.fare(each))
        return
    rows = [
        (each.mailbox.name, each.mailbox.protocol, each.mailbox.place, each.mailbox.folder, each.state,
         when(each.since), _why(each))
        for each in told
    ]  # fmt: skip
    heads = ("mailbox", "protocol", "place", "folder", "state", "since", "why")
    print_table(heads, rows, "no mailbox is configured", limit=MOST_WHY)
    for each in told:
        if len(_why(each)) > MOST_WHY:
            click.echo(printable(f"{each.mailbox.name}: {_why(each)}"))
        for waiting in each.waiting:
            click.echo(f"{each.mailbox.name}: {waits(waiting)}")


@mailbox.command()
@click.argument("names", nargs=-1, shell_complete=words.mailboxes)
@click.option("--json", "as_json", is_flag=True, help="One JSON object a mailbox.")
@click.pass_context
def test(ctx: click.Context, names: tuple[str, ...], as_json: bool) -> None:
    """Log in to mailboxes (all active ones, or those named) and tell what the server can. Exit code 69 if one fails.

    Of a mailbox of protocol pipe or program it tells how its mail comes: there is nothing to log in to.
    """
    from engine.desk import plain
    from engine.desk.mailboxes import try_out

    config = open_config(ctx)
    status = DONE
    for tried in try_out(config, chosen_mailboxes(config, names)):
        if not tried.works:
            status = AWAY
        if as_json:
            print_json("mailbox", plain.tried(tried))
        elif not tried.works:
            complain(tried.sentence)
        elif tried.brought:
            click.echo(f"{tried.mailbox.name}  nothing to log in to: {tried.brought}")
        else:
            click.echo(f"{tried.mailbox.name}  {printable(tried.mailbox.place)}  works")
            for name, value in tried.told:
                click.echo(f"  {name:<16}{printable(value)}")
    raise SystemExit(status)


@mailbox.command()
@click.argument("name", shell_complete=words.mailboxes)
@click.option(
    "-n", "count", type=click.IntRange(1, 1000), metavar="N", default=10, show_default=True, help="How many mails."
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object a mail.")
@click.pass_context
def peek(ctx: click.Context, name: str, count: int, as_json: bool) -> None:
    """Show the first mails of a mailbox and whether they were read in; nothing is marked."""
    from engine.desk import mailboxes, plain

    config = open_config(ctx)
    (box,) = chosen_mailboxes(config, (name,))
    with open_store(ctx, config) as store, _reaching():
        looks = mailboxes.peek(config, store, box, count)
    if as_json:
        for look in looks:
            print_json("mailbox", plain.peeked(box.name, look))
        return
    rows = [
        (look.state, when(look.received_at), look.sender, look.subject, look.size_bytes,
         " ".join(look.flags))
        for look in looks
    ]  # fmt: skip
    print_table(("state", "received", "from", "subject", "size", "flags"), rows, "there is no mail in it")


@mailbox.command()
@click.argument("name", shell_complete=words.mailboxes)
@click.option("--json", "as_json", is_flag=True, help="One JSON object a folder.")
@click.pass_context
def folders(ctx: click.Context, name: str, as_json: bool) -> None:
    """List the folders of a mailbox, as `folder` and `move_on_success` name them."""
    from engine.desk import mailboxes

    config = open_config(ctx)
    (box,) = chosen_mailboxes(config, (name,))
    with _reaching():
        there = mailboxes.folders(config, box)
    for folder in there:
        if as_json:
            print_json("mailbox", {"mailbox": name, "folder": folder})
        else:
            click.echo(printable(folder))


@mailbox.command()
@click.argument("name", shell_complete=words.mailboxes)
@click.option("--reason", default="paused by hand", show_default=True, help="Shown by every run until it is resumed.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
@click.pass_context
def pause(ctx: click.Context, name: str, reason: str, as_json: bool) -> None:
    """Leave a mailbox alone until `allegra mailbox resume`.

    It is neither read nor decided. Mail that is pushed to it is taken, and waits.
    """
    from engine.desk import pausing

    config = open_config(ctx)
    (box,) = chosen_mailboxes(config, (name,))
    with open_store(ctx, config) as store:
        pausing.pause(store, config, box, reason, person())
    _say(as_json, {"mailbox": name, "state": "paused"}, f"{name} is paused")


@mailbox.command()
@click.argument("name", shell_complete=words.mailboxes)
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
@click.pass_context
def resume(ctx: click.Context, name: str, as_json: bool) -> None:
    """Read a paused mailbox again."""
    from engine.desk import pausing

    config = open_config(ctx)
    (box,) = chosen_mailboxes(config, (name,))
    with open_store(ctx, config) as store:
        pausing.resume(store, config, box, person())
    _say(as_json, {"mailbox": name, "state": "resumed"}, f"{name} is read again from the next run on")


@mailbox.command()
@click.argument("name", shell_complete=words.mailboxes)
@click.option(
    "--folder", metavar="FOLDER", help="Look there, e.g. where done mail was moved to (default: the mailbox's own)."
)
@click.option("--commit", is_flag=True, help="Take in what is missing; without it this only counts.")
@click.option("--notify", is_flag=True, help="Answer and tell people of these mails as of any other.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
@click.pass_context
def reconcile(ctx: click.Context, name: str, folder: str | None, commit: bool, notify: bool, as_json: bool) -> None:
    """Find mails that lie on the server but that we do not have, after a restored backup for example.

    Mails are compared by their bytes. With --commit those that are missing are taken in; the next `allegra run`
    decides them and tells nobody, for people were told of them before. What is known already is not decided again.
    """
    from engine.desk import mailboxes
    from engine.sources.handed import named

    config = open_config(ctx)
    (box,) = chosen_mailboxes(config, (name,))
    with open_store(ctx, config) as store, _reaching(), Work(f"comparing {name}") as progress:
        found = mailboxes.reconcile(config, store, box, folder or "", commit=commit, notify=notify, told=progress)
    told = {"mailbox": name, "folder": found.place, "on_server": found.on_server, "known": found.known,
            "missing": found.missing, "known_by_content": found.known_by_content, "withheld": found.withheld,
            "left_alone": found.left_alone, "committed": commit}  # fmt: skip
    what = "were taken in: allegra run decides them" if commit else "are missing here (--commit takes them in)"
    what = what if found.missing else "are missing here"
    left = f"{found.left_alone} left alone, " if found.left_alone else ""
    numbers = f"{found.on_server} mails, {found.known} known, {left}{found.missing}"
    _say(as_json, told, f"{found.place}: {numbers} {what}")
    if found.withheld:
        complain(f"mailbox {name}: listed but not handed out: {named(found.withheld)}")
        raise SystemExit(FINDINGS)


def _why(this: Fare) -> str:
    """Why it is as it is, and how many mails in it are too old to be read."""
    left = older(this.left_alone, this.older_than) if this.older_than is not None else ""
    again = f"tried again at {clock(this.retry_at)}" if this.retry_at is not None else ""
    sentence = this.sentence.removeprefix(f"mailbox {this.mailbox.name}: ")
    return "; ".join(filter(None, (again, sentence, left)))


@contextmanager
def _reaching() -> Iterator[None]:
    """Turn a SourceError into its sentence on stderr and exit code 69."""
    from engine.sources.source import SourceError

    try:
        yield
    except SourceError as error:
        complain(error.sentence)
        raise SystemExit(AWAY) from None


def _say(as_json: bool, told: dict[str, Any], sentence: str) -> None:
    if as_json:
        print_json("mailbox", told)
    else:
        click.echo(sentence)
