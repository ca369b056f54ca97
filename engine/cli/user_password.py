"""`allegra user password`: a password of an account, set or taken away.

Here: options, and asking for it where nobody else sees it. Not here: what it must be (`desk/passwords.py`), setting it
(`desk/access.py`). Invariant: a password is never an argument: other users of the machine see those.
"""

from __future__ import annotations

import sys

import click

from engine.cli.common import answer, open_config, open_store
from engine.cli.mail import person

LONGEST_LINE = 16_384
"""Bytes that are read of standard input."""


@click.command()
@click.argument("login")
@click.option("--stdin", "from_stdin", is_flag=True, help="Read it from standard input, the first line.")
@click.option("--off", is_flag=True, help="Take it away.")
@click.option("--json", "as_json", is_flag=True, help="As a JSON object.")
@click.pass_context
def password(ctx: click.Context, login: str, from_stdin: bool, off: bool, as_json: bool) -> None:
    """Set the password of a user, who is named by login or address; it is asked for twice.

    It has at least 12 characters and is neither a word of the account nor one that many people choose. Only what proves
    it is kept (argon2id). The web console asks for it.
    """
    from engine.desk import access

    if off and from_stdin:
        raise click.UsageError("give --stdin or --off, one of them")
    config = open_config(ctx)
    with open_store(ctx, config) as store:
        account = access.named(store, login)
        if off:
            gone = access.remove_password(store, config, account.login, person())
            done, said = ("removed", "password taken away") if gone else ("same", "there is no password")
        else:
            access.set_password(store, config, account.login, _asked(account.login, from_stdin), person())
            done, said = "set", "password set"
        answer(as_json, "user", {"login": account.login, "done": done}, f"user {account.login}: {said}")


def _asked(login: str, from_stdin: bool) -> str:
    """Ask on the terminal, twice, or read a line."""
    if from_stdin:
        line = sys.stdin.buffer.readline(LONGEST_LINE).rstrip(b"\r\n")
        try:
            return line.decode()
        except UnicodeDecodeError:
            raise click.UsageError("standard input is not UTF-8") from None
    if not sys.stdin.isatty():
        raise click.UsageError("there is no terminal to ask at: --stdin reads it from standard input")
    asked = click.prompt(f"Password of {login}", hide_input=True, confirmation_prompt="Once more", err=True)
    return str(asked)


COMMANDS = (password,)
