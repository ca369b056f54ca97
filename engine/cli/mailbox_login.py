"""`allegra mailbox login`: a person signs in once where passwords do not count any more.

Here: options, what the person is told and asked. Not here: signing in (`desk/signing_in.py`).
"""

from __future__ import annotations

import sys
from threading import Event
from typing import TYPE_CHECKING

import click

from engine.cli import words
from engine.cli.common import AWAY, chosen_mailboxes, complain, open_config, open_store, print_json, usage
from engine.plain_text import printable

if TYPE_CHECKING:
    from engine.desk.signing_in import SignIn


@click.command()
@click.argument("name", required=False, shell_complete=words.mailboxes)
@click.option("--smtp", "for_smtp", is_flag=True, help="Sign in for [smtp], which has a username of its own.")
@click.option("--browser", is_flag=True, help="Paste an address out of a browser, where no codes are given or allowed.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object at the end.")
@click.pass_context
def login(ctx: click.Context, name: str | None, for_smtp: bool, browser: bool, as_json: bool) -> None:
    """Sign in to a mailbox whose provider wants OAuth 2, and keep the refresh token. Exit code 69 if that fails.

    A browser is needed, on any machine: Microsoft shows a code to type there; of Google the address is pasted that the
    browser ends at. Sign in as the user of the mailbox. docs/oauth.md tells what to set up before.
    """
    from engine.config import SecretError
    from engine.desk.signing_in import begin, works
    from engine.store.place import there

    if (name is None) != for_smtp:
        raise click.UsageError("name a mailbox, or say --smtp")
    config = open_config(ctx)
    (box,) = chosen_mailboxes(config, (name,)) if name else (None,)
    whose = f"mailbox {name}" if name else "[smtp]"
    with usage():
        try:
            begun = begin(config, box or config.smtp, whose, by_browser=browser)
            begun.finish(Event().wait, _told(begun))
        except SecretError as error:
            complain(str(error))
            raise SystemExit(AWAY) from None
    wrong = works(config, box)
    if box is not None and not wrong and there(config.store.where):  # `init` may not have made it yet
        with open_store(ctx, config) as store:
            store.setbacks.try_again(box.name)
    if as_json:
        told = {"mailbox": name, "signed_in": True, "works": not wrong, "sentence": wrong}
        print_json("mailbox", told)
    elif not wrong:
        click.echo(f"signed in for {whose}; it works, and allegra run does so by itself from now on")
    if wrong:
        complain(f"signed in for {whose}, but it does not work: {wrong}")
        raise SystemExit(AWAY)


def _told(begun: SignIn) -> str:
    """Tell the person what to do; the address they paste, where that is the way."""
    say = [f"Sign in as {begun.username}: open this page in a browser, on any machine:", f"  {begun.url}"]
    if begun.user_code:
        say += [f"and type this code:  {begun.user_code}", f"It counts for {begun.ends_s / 60:.0f} minutes; waiting …"]
    else:
        say += ["In the end the browser shows that it cannot open http://localhost: that is right.",
                "Copy the whole address of that page and paste it here:"]  # fmt: skip
    for line in say:
        click.echo(printable(line), err=True)
    return "" if begun.user_code else sys.stdin.readline(16_384)
