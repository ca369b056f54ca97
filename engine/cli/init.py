"""`allegra init`: a first allegra.toml from an address and a few answers.

Here: the command, what it shows of the mailbox, and what it asks once it has looked into it. Not here: the questions
before that (`init_asked.py`), what is wrong with an option (`init_given.py`), what is guessed, the file and its
database (`desk/first_file.py`).
Invariant: with `--dry-run` nothing is written; a password that was typed is never printed.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from engine.cli.common import AWAY, DONE, FINDINGS, USAGE, complain, exit_codes, print_json
from engine.cli.init_asked import ALL, NEW, asked
from engine.cli.init_given import sound
from engine.cli.shown import grouped, when
from engine.cli.since import option as since_option
from engine.cli.since import reader
from engine.config.kinds import in_zone, show_moment
from engine.plain_text import printable

if TYPE_CHECKING:
    from engine.config import Config
    from engine.desk.first_file import Answers
    from engine.desk.mailboxes import FirstLook

MOST_FOLDERS = 40
"""Folders that are shown before it is asked where done mail goes."""


@click.command()
@click.option(
    "--dir", "directory", type=click.Path(path_type=Path), default=Path(), help="Where to write allegra.toml."
)
@click.option("--address", help="Address of the mailbox that is to be read.")
@click.option("--host", help="Its server (default: it is searched).")
@click.option("--port", type=click.IntRange(1, 65535), metavar="N", help="Its port (default: the usual one).")
@click.option("--ssl", type=click.Choice(["tls", "starttls", "none"]), help="How the line is made safe (default: tls).")
@click.option("--protocol", type=click.Choice(["imap", "pop3"]), help="How it is read (default: imap, where there is).")
@click.option("--username", help="Login name (default: what the provider says, else the address).")
@click.option("--password-env", help="Environment variable that holds the password.")
@click.option("--password-file", type=click.Path(), help="File that holds the password.")
@click.option("--password-command", help="Program that prints the password.")
@click.option("--folder", help="Folder that is read (default: INBOX).")
@click.option("--move-on-success", metavar="FOLDER", help="Folder for done mail (default: it stays, marked as read).")
@click.option("--from", "sender", help="Address that replies come from (default: the mailbox's).")
@click.option("--smtp", metavar="HOST[:PORT]", help="Server for outgoing mail (default: searched); none: send nothing.")
@click.option(
    "--since",
    metavar="DATE",
    callback=since_option(NEW, ALL),
    help="Read mail from then on: new (what comes from now on; default), all, or a date.",
)
@click.option("--yes", is_flag=True, help="Ask nothing, take what is given, found and the defaults.")
@click.option("--no-test", is_flag=True, help="Do not log in, and search for no server: guess it.")
@click.option("--dry-run", is_flag=True, help="Write nothing: show what would be written.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object instead of sentences.")
def init(directory: Path, yes: bool, dry_run: bool, as_json: bool, **given: Any) -> None:
    """Write an allegra.toml and make its database: find the server of an address, log in, ask what it cannot know.

    The server is searched: by what the domain itself says (autoconfig, SRV records), by the provider that takes its
    mail, by trying the usual names. Unless --since or an answer says otherwise, only new mail is read.
    """
    file = directory / "allegra.toml"
    if file.exists():
        complain(f"{file} is there already; it was not touched")
        raise SystemExit(FINDINGS)
    answers, secret = asked(sound(given, directory), yes, as_json)
    config = _config(file, answers, secret, dry_run)
    if not dry_run:
        _made(file, config, as_json)
    answers, config, seen, code = _tried(file, answers, secret, config, given, dry_run)
    if seen is not None and not as_json:
        _print_seen(config, seen)
        if not yes:
            answers, config, seen = _asked_after(file, answers, secret, config, seen, given, dry_run)
    _end(file, answers, secret, config, seen, code, dry_run=dry_run, as_json=as_json)
    raise SystemExit(code)


def _made(file: Path, config: Config, as_json: bool) -> None:
    """Make the database, where there is none, and tell of it."""
    from engine.desk.first_file import make_database
    from engine.store.place import there

    with exit_codes():
        where = config.store.where
        before = there(where)
        make_database(config)
    if not as_json:
        did = f"{where} was there already" if before else f"made {where}"
        click.echo(f"Wrote {file}, {did}")


def _end(
    file: Path, answers: Answers, secret: str, config: Config, seen: FirstLook | None, code: int, *, dry_run: bool,
    as_json: bool,
) -> None:  # fmt: skip
    from engine.desk.first_file import text_of

    text = text_of(answers, "***" if answers.login == "password" else secret)
    if as_json:
        server = {"protocol": answers.reading.protocol, "host": answers.reading.host, "port": answers.reading.port}
        since = show_moment(config.mailbox("system").since)
        shown = {"dry_run": True, "text": text} if dry_run else {}
        print_json("init", {"file": str(file), "since": since, "server": server, **shown, **_plain(seen)})
    elif dry_run:
        click.echo(f"This would be written to {file}:\n\n{printable_lines(text)}")
    else:
        _print_next(config, seen, tried=code == DONE)


def printable_lines(text: str) -> str:
    """A text of several lines, each made safe for a terminal."""
    return "\n".join(printable(line, len(line) + 1) for line in text.splitlines())


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


def _config(file: Path, answers: Answers, secret: str, dry_run: bool, *, again: bool = False) -> Config:
    """The configuration of the file that is written; of one that is not, in a dry run."""
    from engine.config import ConfigError
    from engine.desk.first_file import drafted, write_again, write_first

    try:
        if dry_run:
            return drafted(file, answers, secret)
        return (write_again if again else write_first)(file, answers, secret)
    except OSError as error:
        complain(f"{file} cannot be written: {error.strerror}")
        raise SystemExit(FINDINGS) from None
    except ConfigError as error:
        complain(f"{'it was not changed' if again else 'nothing was written'}: {error.problems[0].message}")
        raise SystemExit(USAGE) from None


def _tried(
    file: Path, answers: Answers, secret: str, config: Config, given: dict[str, Any], dry_run: bool
) -> tuple[Answers, Config, FirstLook | None, int]:
    """Log in and look; where the address is refused as a name, once more with what stands before the @."""
    from msgspec.structs import replace

    provider = answers.provider
    if given["no_test"]:
        return answers, config, None, DONE
    by_option = any(given[each] for each in ("password_env", "password_file", "password_command"))
    if provider is not None and provider.password == "none" and not by_option:
        complain(f"{provider.name}: {provider.told}. Nothing was tried; {file} says at its end what to write")
        return answers, config, None, AWAY
    seen, code, why = _look(config)
    if why == "source.login_refused" and provider is None and answers.username == answers.address:
        local = answers.address.partition("@")[0]
        complain(f"trying once more as {local}")
        shorter = replace(answers, reading=replace(answers.reading, username=local))
        again, code, _ = _look(config, username=local)
        if again is not None:
            return shorter, _config(file, shorter, secret, dry_run, again=True), again, code
    if code != DONE:
        told = f"{provider.name}: {provider.told}\n" if provider is not None and provider.told else ""
        click.echo(f"{told}Mend that in the file, then run:  allegra check --online", err=True)
    return answers, config, seen, code


def _look(config: Config, **other: Any) -> tuple[FirstLook | None, int, str]:
    """Log in and look at the first five mails that lie there; what was seen, the exit code, the code of an error."""
    from engine.desk.mailboxes import first_look
    from engine.sources.source import SourceError

    try:
        return first_look(config, config.mailbox("system").filled(**other), 5), DONE, ""
    except SourceError as error:
        complain(error.sentence)
        return None, AWAY, error.code


def _asked_after(
    file: Path, answers: Answers, secret: str, config: Config, seen: FirstLook, given: dict[str, Any], dry_run: bool
) -> tuple[Answers, Config, FirstLook]:
    """Ask from when on mail is read and where done mail goes; the file is written again for other answers."""
    from msgspec.structs import replace

    since, done = answers.since, answers.done
    if seen.waiting and given["since"] is None:
        said = click.prompt(
            "Read which mail: new (from now on), all, or since a date", default=NEW, value_proc=reader(NEW, ALL)
        )
        since = since if said == NEW else "" if said == ALL else said
    if answers.reading.protocol == "imap" and given["move_on_success"] is None:
        done = _folder(config)
    if (since, done) == (answers.since, answers.done):
        return answers, config, seen
    later = replace(answers, since=since, done=done)
    config = _config(file, later, secret, dry_run, again=True)
    if not since:
        seen = replace(seen, left_alone=0)
    elif since != answers.since:
        seen = _look(config)[0] or seen
    return later, config, seen


def _folder(config: Config) -> str:
    """Ask for the folder that done mail is moved to, one of those that are there or a new one."""
    from engine.desk.mailboxes import folders
    from engine.sources.source import SourceError

    box = config.mailbox("system")
    try:
        there = [each for each in folders(config, box) if box.folder_key(each) != box.folder_key(box.folder)]
    except SourceError as error:
        complain(error.sentence)
        return ""
    if there:
        more = f" and {len(there) - MOST_FOLDERS} more" if len(there) > MOST_FOLDERS else ""
        click.echo(f"Folders: {', '.join(printable(each, 60) for each in there[:MOST_FOLDERS])}{more}")

    def read(typed: str) -> str:
        if box.folder_key(typed.strip()) == box.folder_key(box.folder):
            raise click.UsageError(f"{box.folder} is the folder that is read")
        return typed.strip()

    asking = "Move done mail to which folder (empty: it stays, marked as read; a new one is made)"
    return str(click.prompt(asking, default="", show_default=False, value_proc=read))


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
            f"       {again:<39}  what would become of these mails\n"
            "       allegra install-timer                    read mail every two minutes from now on"
        )
