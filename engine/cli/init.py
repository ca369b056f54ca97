"""`allegra init`: a first allegra.toml from four questions.

Here: the questions, guessing the host, writing the file, showing what is in the mailbox. Not here: demo data.
Invariant: the file that is written loads; it is readable by its owner only, and an existing one is never replaced;
the workspace it names is in the database.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from msgspec import Struct

from engine.cli.common import AWAY, DONE, FINDINGS, USAGE, complain, print_json
from engine.plain_text import printable

if TYPE_CHECKING:
    from engine.config import Config

HOSTS = {
    "gmail.com": "imap.gmail.com",
    "googlemail.com": "imap.gmail.com",
    "outlook.com": "outlook.office365.com",
    "hotmail.com": "outlook.office365.com",
    "gmx.de": "imap.gmx.net",
    "gmx.net": "imap.gmx.net",
    "web.de": "imap.web.de",
    "yahoo.com": "imap.mail.yahoo.com",
    "icloud.com": "imap.mail.me.com",
    "fastmail.com": "imap.fastmail.com",
    "mailbox.org": "imap.mailbox.org",
    "posteo.de": "posteo.de",
}
"""Servers of the big providers; for others imap.DOMAIN is a good guess."""

_ADDRESS = re.compile(r"[^\s<>@\"\x00-\x1f]+@([^\s<>@\"\x00-\x1f]+)")


class Answers(Struct, frozen=True):
    """What was asked. `login` is password, env:NAME, file:PATH or command:LINE."""

    address: str
    host: str
    username: str
    login: str
    sender: str
    smtp: str
    protocol: str = "imap"


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
    answers, password = _ask(given, yes)
    try:
        directory.mkdir(parents=True, exist_ok=True)
        _write(file, _tables(answers, password))
    except OSError as error:
        complain(f"{file} cannot be written: {error.strerror}")
        raise SystemExit(FINDINGS) from None
    from engine.config import ConfigError, load

    try:
        config = load(file)
    except ConfigError as error:
        file.unlink()
        complain(f"nothing was written: {error.problems[0].message}")
        raise SystemExit(USAGE) from None
    _workspaces(config)
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
    """The four questions: address, server, how to log in, where replies come from. The second value is a password."""
    address = given["address"] or ("" if yes else click.prompt("Address of the mailbox to read", value_proc=_address))
    found = _ADDRESS.fullmatch(address)
    if found is None:
        raise click.UsageError(
            f"{printable(address)!r} is no mail address" if address else "--yes asks nothing: give --address as well"
        )
    domain = found[1].lower()
    guess = HOSTS.get(domain, f"{given['protocol']}.{domain}")
    host = given["host"] or (guess if yes else click.prompt("Its server", default=guess, value_proc=_host))
    login, password = _login(given, yes)
    sender = given["sender"] or (
        address if yes else click.prompt("Replies come from", default=address, value_proc=_sender)
    )
    smtp = given["smtp"] or host.replace("imap", "smtp", 1).replace("pop3", "smtp", 1)
    username = given["username"] or address
    return Answers(address, host, username, login, sender, "" if smtp == "none" else smtp, given["protocol"]), password


def _address(typed: str) -> str:
    """What was typed, if it is an address; else click asks again."""
    if _ADDRESS.fullmatch(typed.strip()) is None:
        raise click.UsageError("write an address such as help@example.com")
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
    for way in ("env", "file", "command"):
        if given[f"password_{way}"]:
            return f"{way}:{given[f'password_{way}']}", ""
    if yes:
        return "env:ALLEGRA_IMAP_PASSWORD", ""
    password = click.prompt(
        "Password (empty: from the variable ALLEGRA_IMAP_PASSWORD)", default="", show_default=False, hide_input=True
    )
    return ("password", password) if password else ("env:ALLEGRA_IMAP_PASSWORD", "")


def _tables(answers: Answers, password: str) -> dict[str, Any]:
    way, _, value = answers.login.partition(":")
    secret = {"password": password} if way == "password" else {f"password_{way}": value}
    tables: dict[str, Any] = {
        "schema": 1,
        "instance": {"name": answers.address.partition("@")[2]},
        "system": {
            "default_workspace": "support",
            "mailbox": {
                "protocol": answers.protocol,
                "host": answers.host,
                "username": answers.username,
                **secret,
                "addresses": [answers.address],
            },
        },
        "workspace": {"support": {"name": "Support"}},
    }
    if answers.smtp:
        tables["smtp"] = {"host": answers.smtp, "username": answers.username, **secret, "from": answers.sender}
    return tables


def _write(file: Path, tables: dict[str, Any]) -> None:
    """Write the file whole, readable by its owner only; never over another one."""
    from engine.config import write

    text = "# allegra help example  shows every option there is. Change this file, then run:  allegra check\n"
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
        stream.write(text + write.plain(tables))


def _workspaces(config: Config) -> None:
    """Make the database with the workspaces of the file in it: mail for one that is not there would be held."""
    from engine.cli.common import exit_codes
    from engine.store.store import Store

    with exit_codes(), Store.open(config.store.path) as store:
        for name, workspace in config.workspaces.items():
            if store.items.catalog(name) is None:
                store.items.put_workspace(name, name=workspace.name)


def _look(config: Config) -> tuple[dict[str, Any], int]:
    """Log in and look at the first five mails that would be processed; what was seen, and the exit code."""
    from datetime import UTC, datetime

    from engine.mail.parse import parse
    from engine.sources import open_source
    from engine.sources.source import SourceError, raw_mail

    def now() -> datetime:
        return datetime.now(UTC)

    try:
        with open_source(config.mailbox("system"), config.settings().limits, now) as source:
            waiting, first = len(source.list()), source.peek(5)
    except SourceError as error:
        complain(error.sentence)
        click.echo("Mend that in the file, then run:  allegra check --online", err=True)
        return {}, AWAY
    mails = [parse(raw_mail("system", each.key, each.header, now(), truncated=True)) for each in first]
    shown = [{"from": mail.from_[0].address if mail.from_ else "", "subject": mail.subject} for mail in mails]
    return {"waiting": waiting, "first": shown}, DONE
