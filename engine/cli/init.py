"""`allegra init`: a first allegra.toml from four questions.

Here: the questions, and showing what is in the mailbox. Not here: what is guessed, the file and its database
(`desk/first_file.py`).
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from engine.cli.common import AWAY, DONE, FINDINGS, USAGE, complain, exit_codes, print_json
from engine.plain_text import printable

if TYPE_CHECKING:
    from engine.config import Config
    from engine.desk.first_file import Answers


@click.command()
@click.option(
    "--dir", "directory", type=click.Path(path_type=Path), default=Path(), help="Where to write allegra.toml."
)
@click.option("--address", help="Address of the mailbox that is to be read.")
@click.option("--host", help="Its IMAP server (default: guessed from the address).")
@click.option(
    "--protocol", type=click.Choice(["imap", "pop3"]), default="imap", show_default=True, help="How it is read."
)
@click.option("--username", help="Login name (default: the address).")
@click.option("--password-env", help="Environment variable that holds the password.")
@click.option("--password-file", type=click.Path(), help="File that holds the password.")
@click.option("--password-command", help="Program that prints the password.")
@click.option("--from", "sender", help="Address that replies come from (default: the mailbox's).")
@click.option("--smtp", help="Server that takes outgoing mail (default: guessed); none: send nothing.")
@click.option("--yes", is_flag=True, help="Ask nothing, take what is given and the defaults.")
@click.option("--no-test", is_flag=True, help="Do not log in.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object instead of sentences.")
def init(directory: Path, yes: bool, no_test: bool, as_json: bool, **given: Any) -> None:
    """Write an allegra.toml and make its database, asking four questions, and look into the mailbox."""
    file = directory / "allegra.toml"
    if file.exists():
        complain(f"{file} is there already; it was not touched")
        raise SystemExit(FINDINGS)
    config = _made(file, *_ask(given, yes))
    if not as_json:
        click.echo(f"Wrote {file}, made {config.store.path}")
    seen, code = ({}, DONE) if no_test else _look(config)
    if as_json:
        print_json("init", {"file": str(file), **seen})
    elif seen:
        click.echo(f"Logged in to {config.mailbox('system').host}: {seen['waiting']} mails wait")
        for mail in seen["first"]:
            click.echo(f"  {printable(mail['from'], 34):<34}  {printable(mail['subject'], 60)}")
        click.echo(
            "Next:  allegra user add LOGIN --email ADDRESS   who may write (or set people.unknown_user)\n"
            "       allegra run --dry-run                    what would become of these mails"
        )
    raise SystemExit(code)


def _ask(given: dict[str, Any], yes: bool) -> tuple[Answers, str]:
    """The four questions: address, server, how to log in, where replies come from. The second value is a secret."""
    from engine.desk.first_file import Answers, domain_of, likely_host, likely_smtp
    from engine.store.errors import Unclear

    address = given["address"] or ("" if yes else click.prompt("Address of the mailbox to read", value_proc=_address))
    try:
        guess = likely_host(domain_of(address), given["protocol"])
    except Unclear:
        raise click.UsageError(
            f"{printable(address)!r} is no mail address" if address else "--yes asks nothing: give --address as well"
        ) from None
    host = given["host"] or (guess if yes else click.prompt("Its server", default=guess, value_proc=_host))
    login, secret = _login(given, yes)
    sender = given["sender"] or (
        address if yes else click.prompt("Replies come from", default=address, value_proc=_sender)
    )
    smtp = given["smtp"] or likely_smtp(host)
    username = given["username"] or address
    return Answers(address, host, username, login, sender, "" if smtp == "none" else smtp, given["protocol"]), secret


def _address(typed: str) -> str:
    """What was typed, if it is an address; else click asks again."""
    from engine.desk.first_file import domain_of
    from engine.store.errors import Unclear

    try:
        domain_of(typed.strip())
    except Unclear:
        raise click.UsageError("write an address such as help@example.com") from None
    return typed.strip()


def _host(typed: str) -> str:
    """What was typed, if it is the name of a server; else click asks again."""
    from engine.config.kinds import read_host

    return _read(read_host, typed)


def _sender(typed: str) -> str:
    """What was typed, if it is an address with or without a name; else click asks again."""
    from engine.config.kinds import read_mailbox

    return _read(read_mailbox, typed)


def _read(read: Callable[[str], str], typed: str) -> str:
    from engine.config.section import Wrong

    try:
        return read(typed.strip())
    except Wrong as wrong:
        advice = f"; {wrong.advice}" if wrong.advice else ""
        raise click.UsageError(f"{printable(wrong.sentence)}{advice}") from None


def _login(given: dict[str, Any], yes: bool) -> tuple[str, str]:
    """An option that says how to log in, and its value."""
    for option in ("password_env", "password_file", "password_command"):
        if given[option]:
            return option, given[option]
    password = "" if yes else click.prompt(
        "Password (empty: from the variable ALLEGRA_IMAP_PASSWORD)", default="", show_default=False, hide_input=True
    )  # fmt: skip
    return ("password", password) if password else ("password_env", "ALLEGRA_IMAP_PASSWORD")


def _made(file: Path, answers: Answers, secret: str) -> Config:
    """The configuration of the file that is written, its database made."""
    from engine.config import ConfigError
    from engine.desk.first_file import make_database, write_first

    try:
        config = write_first(file, answers, secret)
    except OSError as error:
        complain(f"{file} cannot be written: {error.strerror}")
        raise SystemExit(FINDINGS) from None
    except ConfigError as error:
        complain(f"nothing was written: {error.problems[0].message}")
        raise SystemExit(USAGE) from None
    with exit_codes():
        make_database(config)
    return config


def _look(config: Config) -> tuple[dict[str, Any], int]:
    """Log in and look at the first five mails that would be processed; what was seen, and the exit code."""
    from engine.desk.mailboxes import first_look
    from engine.sources.source import SourceError

    try:
        seen = first_look(config, config.mailbox("system"), 5)
    except SourceError as error:
        complain(error.sentence)
        click.echo("Mend that in the file, then run:  allegra check --online", err=True)
        return {}, AWAY
    return {"waiting": seen.waiting, "first": [{"from": who, "subject": what} for who, what in seen.first]}, DONE
