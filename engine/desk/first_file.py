"""A first allegra.toml and the database that belongs to it, from what a person answers.

Here: what is guessed from an address, the file, the database with its workspace. Not here: the questions
(`cli/init.py`), a look into the mailbox (`mailboxes.py`), the demo (`demo.py`).
Invariant: the file that is written loads; it is readable by its owner only, and one that we did not write is never
replaced; the workspace it names is in the database.
"""

from __future__ import annotations

import os
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from engine.config import ConfigError, load, write
from engine.run.since import MARGIN
from engine.store.errors import Unclear
from engine.store.store import Store

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

BEGINNING = "# allegra help example  shows every option there is. Change this file, then run:  allegra check\n"

_ADDRESS = re.compile(r"[^\s<>@\"\x00-\x1f]+@([^\s<>@\"\x00-\x1f]+)")


class Answers(Struct, frozen=True):
    """What a first file is made of. Without `smtp` nothing is sent; without `since` all mail that lies there is read.

    `login` is the option that says how to log in (password, password_env, password_file or password_command); its
    value is kept apart.
    """

    address: str
    host: str
    username: str
    login: str
    sender: str
    smtp: str
    protocol: str = "imap"
    since: str = ""


def domain_of(address: str) -> str:
    """Give the domain of an address, in small letters. Raises Unclear for what is no address."""
    found = _ADDRESS.fullmatch(address)
    if found is None:
        raise Unclear(f"{address!r} is no mail address")
    return found[1].lower()


def likely_host(domain: str, protocol: str = "imap") -> str:
    """Guess the server that mail of a domain is read from."""
    return HOSTS.get(domain, f"{protocol}.{domain}")


def likely_smtp(host: str) -> str:
    """Guess the server that takes outgoing mail from the one that mail is read from."""
    return host.replace("imap", "smtp", 1).replace("pop3", "smtp", 1)


def from_now_on(now: datetime) -> str:
    """Give the `since` of a mailbox of which only new mail is read: now, less some minutes, because clocks differ."""
    return f"{now.astimezone(UTC) - MARGIN:%Y-%m-%d %H:%MZ}"


def write_first(file: Path, answers: Answers, secret: str) -> Config:
    """Write a first file whole, with its folder, and load it; `secret` is the value of the option `answers.login`.

    Raises OSError, FileExistsError for a file that is there, and ConfigError: then there is none.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    _write(file, answers, secret)
    try:
        return load(file)
    except ConfigError:
        file.unlink()
        raise


def write_again(file: Path, answers: Answers, secret: str) -> Config:
    """Write a file anew that `write_first` wrote just now, whole or not at all. Raises OSError, ConfigError."""
    draft = file.with_name(f"{file.name}.new")
    draft.unlink(missing_ok=True)
    _write(draft, answers, secret)
    draft.replace(file)
    return load(file)


def _write(file: Path, answers: Answers, secret: str) -> None:
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
        stream.write(BEGINNING + write.plain(_tables(answers, {answers.login: secret})))


def make_database(config: Config) -> None:
    """Make the database with the workspaces of the file: mail for one that is not there would be held.

    Raises StoreError.
    """
    with Store.open(config.store.path) as store:
        for name, workspace in config.workspaces.items():
            if store.items.catalog(name) is None:
                store.items.put_workspace(name, name=workspace.name)


def _tables(answers: Answers, login: dict[str, str]) -> dict[str, Any]:
    tables: dict[str, Any] = {
        "schema": 1,
        "instance": {"name": answers.address.partition("@")[2]},
        "system": {
            "default_workspace": "support",
            "mailbox": {
                "protocol": answers.protocol,
                "host": answers.host,
                "username": answers.username,
                **login,
                "addresses": [answers.address],
                **({"since": answers.since} if answers.since else {}),
            },
        },
        "workspace": {"support": {"name": "Support"}},
    }
    if answers.smtp:
        tables["smtp"] = {"host": answers.smtp, "username": answers.username, **login, "from": answers.sender}
    return tables
