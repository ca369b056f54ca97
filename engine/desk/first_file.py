"""A first allegra.toml and the database that belongs to it, from what a person answers.

Here: what is guessed from an address, the file, the database with its workspace. Not here: the questions
(`cli/init.py`), a look into the mailbox (`mailboxes.py`), the demo (`demo.py`).
Invariant: the file that is written loads; it is readable by its owner only, and an existing one is never replaced;
the workspace it names is in the database.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from engine.config import ConfigError, load, write
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
    """What a first file is made of. Without `smtp` nothing is sent.

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


def write_first(file: Path, answers: Answers, secret: str) -> Config:
    """Write a first file whole, with its folder, and load it; `secret` is the value of the option `answers.login`.

    Raises OSError, FileExistsError for a file that is there, and ConfigError: then there is none.
    """
    text = BEGINNING + write.plain(_tables(answers, {answers.login: secret}))
    file.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
        stream.write(text)
    try:
        return load(file)
    except ConfigError:
        file.unlink()
        raise


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
            },
        },
        "workspace": {"support": {"name": "Support"}},
    }
    if answers.smtp:
        tables["smtp"] = {"host": answers.smtp, "username": answers.username, **login, "from": answers.sender}
    return tables
