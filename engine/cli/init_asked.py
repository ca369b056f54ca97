"""What `allegra init` wants to know: from its options, from a search, from the person who types.

Here: the questions and what is told before each. Not here: the command (`init.py`), the search and what is guessed
(`desk/first_file.py`).
Invariant: with `--yes` nothing is asked, and no password goes to a server that only an unsigned answer named.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from engine.cli.common import FINDINGS, complain
from engine.plain_text import printable

if TYPE_CHECKING:
    from engine.desk.first_file import Answers
    from engine.discovery.found import Found, Server, Tls

NEW, ALL = "new", "all"
"""What may be said in place of a date from which mail is read."""

SAFE: dict[str, Tls] = {"tls": True, "starttls": "starttls", "none": False}
"""What --ssl may say, and the option `ssl` that it becomes."""

STARTTLS_PORTS = (143, 110)
"""Ports where no server speaks TLS from the first byte."""

ASK_THEM = (
    "Ask whoever runs the mail of {domain} for: the name of the server for IMAP (or POP3), its port, whether it\n"
    "speaks TLS or STARTTLS, what one logs in as, and the same for sending (SMTP). Then:\n"
    "  allegra init --host NAME --port N"
)


def asked(given: dict[str, Any], yes: bool, quiet: bool) -> tuple[Answers, str]:
    """Ask for address, server, how to log in, and where replies come from. The second value is a secret."""
    from engine.desk.first_file import Answers, from_now_on

    address = _address_of(given, yes)
    found = _found(given, address, quiet)
    reading = _reading(given, address, found, yes, quiet)
    accepted = any((each.protocol, each.host) == (reading.protocol, reading.host) for each in found.servers)
    sending = _sending(given, address, found if accepted else None, reading)
    provider = found.provider if accepted else _guessed(address, reading).provider
    login, secret = _login(given, yes or (provider is not None and provider.password == "none"))
    sender = given["sender"] or (
        address if yes else click.prompt("Replies come from", default=address, value_proc=_sender)
    )
    said = given["since"] or NEW
    since = from_now_on(datetime.now(UTC)) if said == NEW else "" if said == ALL else said
    folder, done = given["folder"] or "", given["move_on_success"] or ""
    return Answers(address, reading, login, sender, sending, folder, done, since, provider), secret


def _address_of(given: dict[str, Any], yes: bool) -> str:
    from engine.desk.first_file import domain_of
    from engine.store.errors import Unclear

    address: str = given["address"] or (
        "" if yes else click.prompt("Address of the mailbox to read", value_proc=_read_address)
    )
    try:
        domain_of(address)
    except Unclear:
        raise click.UsageError(
            f"{printable(address)!r} is no mail address" if address else "--yes asks nothing: give --address as well"
        ) from None
    return address


def _found(given: dict[str, Any], address: str, quiet: bool) -> Found:
    """What a search finds; where the host is given, or nobody is to be asked, what is known and guessed."""
    from engine.desk import first_file

    protocol = given["protocol"] or ""
    if given["host"] or given["no_test"]:
        return first_file.guessed(address, protocol, given["host"] or "")
    found = first_file.search(address, _nothing if quiet else _progress, protocol)
    if not quiet:
        _tell(found, address, protocol)
    return found


def _progress(what: str) -> None:
    click.echo(f"  {what}", err=True)


def _nothing(what: str) -> None:
    return None


def _tell(found: Found, address: str, protocol: str) -> None:
    domain, reading = address.partition("@")[2], found.reading(protocol)
    if reading is not None:
        click.echo(f"Found {reading.protocol.upper()} at {printable(str(reading))}: {printable(found.way)}")
        if (sending := found.sending) is not None:
            click.echo(f"      SMTP at {printable(str(sending))}")
    elif found.provider is not None:
        click.echo(f"{domain}: {printable(found.way)}")
    else:
        click.echo(f"No server was found for {printable(domain)}:")
        for each in found.tried:
            click.echo(f"  {printable(each)}")
        click.echo(ASK_THEM.format(domain=printable(domain)))
    if found.provider is not None and found.provider.told:
        click.echo(f"{found.provider.name}: {found.provider.told}")


def _reading(given: dict[str, Any], address: str, found: Found, yes: bool, quiet: bool) -> Server:
    """The server for reading: the one found or guessed, unless an option or the person says another."""
    from msgspec.structs import replace

    from engine.desk.first_file import reading_at

    server = found.reading(given["protocol"] or "")
    if yes and (server is None or not found.sure):
        _refuse(address, found, server)
    if server is None:
        server = _guessed(address).servers[0] if found.provider is None else None
    elif not found.sure:
        click.echo(f"{server.host} is of another domain, and only the name service says so: is that your provider?")
    if given["host"]:
        typed = given["host"]
    elif yes:
        typed = server.host if server is not None else ""
    else:
        typed = click.prompt("Its server", default=server.host if server is not None else None, value_proc=_host)
    if server is None or typed != server.host:
        server = reading_at(typed, given["protocol"] or "imap")
    if given["ssl"] is not None or given["port"]:
        plainly = "starttls" if given["port"] in STARTTLS_PORTS else server.ssl
        safe = SAFE.get(given["ssl"] or "", plainly)
        usual = reading_at(server.host, server.protocol, given["port"] or 0, safe)
        server = replace(usual, username=server.username)
    return replace(server, username=given["username"]) if given["username"] else server


def _refuse(address: str, found: Found, server: Server | None) -> None:
    """Nobody is there to say which server it is."""
    domain = address.partition("@")[2]
    if server is not None:
        complain(
            f"{found.way}: {server.host}, a host of another domain. If that is right, say so:  --host {server.host}"
            f" --port {server.port}{'' if server.ssl is True else ' --ssl starttls'}"
        )
    elif found.provider is not None:
        complain(f"{domain} is with {found.provider.name}: {found.provider.told or 'it has no such server'}")
    else:
        for each in found.tried:
            complain(each)
        complain(f"no server was found for {domain}; give --host")
    raise SystemExit(FINDINGS)


def _guessed(address: str, reading: Server | None = None) -> Found:
    from engine.desk.first_file import guessed

    return guessed(address, *((reading.protocol, reading.host) if reading is not None else ()))


def _sending(given: dict[str, Any], address: str, found: Found | None, reading: Server) -> Server | None:
    from engine.desk.first_file import sending_at
    from engine.store.errors import Unclear

    if given["smtp"] == "none":
        return None
    if given["smtp"]:
        try:
            return sending_at(given["smtp"])
        except Unclear as error:
            raise click.UsageError(f"--smtp: {error}") from None
    known = found.sending if found is not None else None
    return known or _guessed(address, reading).sending


def _read_address(typed: str) -> str:
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

    if not typed.strip():
        raise click.UsageError("write a name such as imap.example.com")
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


def _login(given: dict[str, Any], silent: bool) -> tuple[str, str]:
    """An option that says how to log in, and its value."""
    for option in ("password_env", "password_file", "password_command"):
        if given[option]:
            return option, given[option]
    password = "" if silent else _typed_password()
    return ("password", password) if password else ("password_env", "ALLEGRA_IMAP_PASSWORD")


def _typed_password() -> str:
    """What is typed unseen; what comes by a pipe is seen by nobody, and Python would warn that it might be."""
    asking = "Password (empty: from the variable ALLEGRA_IMAP_PASSWORD)"
    if sys.stdin.isatty():
        return str(click.prompt(asking, default="", show_default=False, hide_input=True))
    click.echo(f"{asking}: ")
    line = sys.stdin.readline()
    if not line:
        raise click.Abort
    return line.rstrip("\r\n")
