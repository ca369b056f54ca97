"""`allegra init`: a first allegra.toml from five questions.

Here: the questions, and showing what is in the mailbox. Not here: what is guessed, the file and its database
(`desk/first_file.py`).
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from engine.cli.common import AWAY, DONE, FINDINGS, USAGE, complain, exit_codes, print_json
from engine.cli.shown import grouped, when
from engine.cli.since import option as since_option
from engine.cli.since import reader
from engine.config.kinds import in_zone, show_moment
from engine.plain_text import printable

if TYPE_CHECKING:
    from engine.config import Config
    from engine.desk.first_file import Answers
    from engine.desk.mailboxes import FirstLook

NEW, ALL = "new", "all"
"""What may be said in place of a date from which mail is read."""


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
@click.option(
    "--since",
    metavar="DATE",
    callback=since_option(NEW, ALL),
    help="Read mail from then on: new (what comes from now on; default), all, or a date.",
)
@click.option("--yes", is_flag=True, help="Ask nothing, take what is given and the defaults.")
@click.option("--no-test", is_flag=True, help="Do not log in.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object instead of sentences.")
def init(directory: Path, yes: bool, no_test: bool, as_json: bool, **given: Any) -> None:
    """Write an allegra.toml and make its database, asking five questions, and look into the mailbox.

    Unless --since or an answer says otherwise, only new mail is read: what lies there is left alone.
    """
    file = directory / "allegra.toml"
    if file.exists():
        complain(f"{file} is there already; it was not touched")
        raise SystemExit(FINDINGS)
    answers, secret = _ask(given, yes)
    config = _made(file, answers, secret)
    if not as_json:
        click.echo(f"Wrote {file}, made {config.store.path}")
    seen, code = (None, DONE) if no_test else _look(config)
    if seen is not None and not as_json:
        _print_seen(config, seen)
        if seen.waiting and not yes and given["since"] is None:
            config, seen = _asked(file, answers, secret, config, seen)
    if as_json:
        print_json("init", {"file": str(file), "since": show_moment(config.mailbox("system").since), **_plain(seen)})
    else:
        _print_next(config, seen, tried=code == DONE)
    raise SystemExit(code)


def _plain(seen: FirstLook | None) -> dict[str, Any]:
    if seen is None:
        return {}
    first = [{"from": who, "subject": what} for who, what in seen.first]
    return {"waiting": seen.waiting, "first": first, "oldest": seen.oldest, "left_alone": seen.left_alone}


def _print_seen(config: Config, seen: FirstLook) -> None:
    oldest = f", the oldest of {seen.oldest.day} {seen.oldest:%b %Y}" if seen.oldest is not None else ""
    mails = "1 mail waits" if seen.waiting == 1 else f"{grouped(seen.waiting)} mails wait"
    click.echo(f"Logged in to {config.mailbox('system').host}: {mails}{oldest}")
    for who, what in seen.first:
        click.echo(f"  {printable(who, 34):<34}  {printable(what, 60)}")


def _asked(
    file: Path, answers: Answers, secret: str, config: Config, seen: FirstLook
) -> tuple[Config, FirstLook | None]:
    """Ask from when on mail is read; the file says that only new mail is, and is written again for another answer."""
    from msgspec.structs import replace

    from engine.desk.first_file import write_again

    said = click.prompt(
        "Read which mail: new (from now on), all, or since a date", default=NEW, value_proc=reader(NEW, ALL)
    )
    if said == NEW:
        return config, seen
    config = write_again(file, replace(answers, since="" if said == ALL else said), secret)
    return config, (replace(seen, left_alone=0) if said == ALL else _look(config)[0])


def _print_next(config: Config, seen: FirstLook | None, *, tried: bool) -> None:
    since = config.mailbox("system").since
    if since is not None:
        left = f": {grouped(seen.left_alone)} are left alone" if seen is not None and seen.left_alone else ""
        start = when(in_zone(since, config.root.instance.timezone))
        click.echo(f"Mail is read from {start} on (since in the file){left}")
    if seen is not None and tried:
        again = "allegra run --dry-run --since all" if seen.left_alone else "allegra run --dry-run"
        click.echo(
            "Next:  allegra user add LOGIN --email ADDRESS   who may write (or set people.unknown_user)\n"
            '       owner = "…" in [workspace.support]       who hears of new and of held mail\n'
            f"       {again:<39}  what would become of these mails"
        )


def _ask(given: dict[str, Any], yes: bool) -> tuple[Answers, str]:
    """Ask for address, server, how to log in, and where replies come from. The second value is a secret."""
    from engine.desk.first_file import Answers, domain_of, from_now_on, likely_host, likely_smtp
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
    said = given["since"] or NEW
    since = from_now_on(datetime.now(UTC)) if said == NEW else "" if said == ALL else said
    smtp = "" if smtp == "none" else smtp
    return Answers(address, host, username, login, sender, smtp, given["protocol"], since), secret


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


def _look(config: Config) -> tuple[FirstLook | None, int]:
    """Log in and look at the first five mails that lie there; what was seen, and the exit code."""
    from engine.desk.mailboxes import first_look
    from engine.sources.source import SourceError

    try:
        return first_look(config, config.mailbox("system"), 5), DONE
    except SourceError as error:
        complain(error.sentence)
        click.echo("Mend that in the file, then run:  allegra check --online", err=True)
        return None, AWAY
