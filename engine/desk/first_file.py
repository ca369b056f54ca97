"""A first allegra.toml and the database that belongs to it, from what a person answers.

Here: what is guessed from an address, the file, the database with its workspace. Not here: the questions
(`cli/init_asked.py`), the search for servers (`discovery/`), a look into the mailbox (`mailboxes.py`), the demo
(`demo.py`).
Invariant: the file that is written loads; it is readable by its owner only, and one that we did not write is never
replaced; the workspace it names is in the database.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from engine.config import ConfigError, load, write
from engine.config.loading import parse
from engine.config.mailbox import PORTS
from engine.discovery.found import Found, Server, Tls
from engine.run.since import MARGIN
from engine.store.errors import Unclear
from engine.store.store import Store

if TYPE_CHECKING:
    from engine.config import Config
    from engine.discovery.providers import Provider

BEGINNING = "# allegra help example  shows every option there is. Change this file, then run:  allegra check\n"

_ADDRESS = re.compile(r"[^\s<>@\"\x00-\x1f]+@([^\s<>@\"\x00-\x1f]+)")


OAUTH = """
# {name} takes OAuth 2 in place of a password. Register an app there, fill in what follows and take the marks away,
# write  oauth = "mail"  in place of the password in [system.mailbox] and [smtp], then:  allegra mailbox login system
#
# [oauth.mail]
# provider  = "{provider}"
# grant     = "refresh_token"
{tenant}# client_id = "…"
"""
TENANT = {"microsoft": '# tenant    = "…"\n', "google": '# client_secret_file = "…"\n'}


class Answers(Struct, frozen=True):
    """What a first file is made of. Without `since` all mail that lies there is read.

    `login` is the option that says how to log in (password, password_env, password_file or password_command); its
    value is kept apart. `sending` is the server for outgoing mail, None sends nothing. `done` is the folder that done
    mail is moved to, "" leaves it where it is. `provider` is who runs the servers, where that is known.
    """

    address: str
    reading: Server
    login: str
    sender: str
    sending: Server | None = None
    folder: str = ""
    done: str = ""
    since: str = ""
    provider: Provider | None = None

    @property
    def username(self) -> str:
        """What one logs in as."""
        return self.reading.username or self.address


def domain_of(address: str) -> str:
    """Give the domain of an address, in small letters. Raises Unclear for what is no address."""
    found = _ADDRESS.fullmatch(address)
    if found is None:
        raise Unclear(f"{address!r} is no mail address")
    return found[1].lower()


def search(address: str, told: Callable[[str], None], protocol: str = "") -> Found:
    """Search the servers of an address; `told` hears what is tried. Passwords are not sent, nothing is written."""
    from engine.discovery.search import find

    return find(address, told, protocol)


def guessed(address: str, protocol: str = "", host: str = "") -> Found:
    """Guess the servers of an address without asking anybody; `host` is the one for reading, if that is known."""
    from engine.discovery import providers
    from engine.discovery.search import known

    domain, protocol = domain_of(address), protocol or "imap"
    if not host and (found := known(domain, protocol)) is not None and found.servers:
        return found
    host = host or f"{protocol}.{domain}"
    if (provider := providers.of_server(host)) is not None:
        sending = [each for each in provider.servers() if each.protocol == "smtp"]
    else:
        sending = [sending_at(host.replace("imap", "smtp", 1).replace("pop3", "smtp", 1))]
    return Found((reading_at(host, protocol), *sending), provider=provider)


def reading_at(host: str, protocol: str = "imap", port: int = 0, ssl: Tls = True) -> Server:
    """A server for reading; `port` 0 is the usual one."""
    return Server(protocol, host, port or PORTS[protocol, ssl is True], ssl)


def sending_at(written: str) -> Server:
    """A server for sending, from its name and perhaps a port. Raises Unclear."""
    host, _, port = written.rpartition(":") if re.search(r":\d+$", written) else (written, "", "")
    if port and not 0 < int(port) < 65536:
        raise Unclear(f"{port} is no port")
    return Server("smtp", host, int(port or 587), port == "465" or "starttls")


def from_now_on(now: datetime) -> str:
    """Give the `since` of a mailbox of which only new mail is read: now, less some minutes, because clocks differ."""
    return f"{now.astimezone(UTC) - MARGIN:%Y-%m-%d %H:%MZ}"


def text_of(answers: Answers, secret: str) -> str:
    """Give the text of the file; `secret` is the value of the option `answers.login`."""
    remark, provider = "", answers.provider
    if provider is not None and provider.oauth:
        tenant = TENANT.get(provider.oauth, "")
        remark = OAUTH.format(name=provider.name, provider=provider.oauth, tenant=tenant)
    return BEGINNING + write.plain(_tables(answers, {answers.login: secret})) + remark


def drafted(file: Path, answers: Answers, secret: str) -> Config:
    """Load the file as if it were written. Raises ConfigError."""
    return parse(text_of(answers, secret), file)


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
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
            stream.write(text_of(answers, secret))
    except BaseException:  # half a file would stand in the way of whoever tries again
        file.unlink(missing_ok=True)
        raise


def make_database(config: Config) -> None:
    """Make the database with the workspaces of the file: mail for one that is not there would be held.

    Raises StoreError.
    """
    with Store.open(config.store.where) as store:
        for name, workspace in config.workspaces.items():
            if store.items.catalog(name) is None:
                store.items.put_workspace(name, name=workspace.name)


def _tables(answers: Answers, login: dict[str, str]) -> dict[str, Any]:
    reading, sending = answers.reading, answers.sending
    box = {
        "protocol": reading.protocol,
        "host": reading.host,
        **_unusual(reading, PORTS[reading.protocol, reading.ssl is True], True),
        "username": answers.username,
        **login,
        "addresses": [answers.address],
        "folder": answers.folder,
        "since": answers.since,
        "move_on_success": answers.done,
    }
    tables: dict[str, Any] = {
        "schema": 1,
        "instance": {"name": answers.address.partition("@")[2]},
        "system": {
            "default_workspace": "support",
            "mailbox": {name: value for name, value in box.items() if value != ""},
        },
        "workspace": {"support": {"name": "Support"}},
    }
    if sending is not None:
        username = sending.username or answers.username
        unusual = _unusual(sending, 587, "starttls")
        tables["smtp"] = {"host": sending.host, **unusual, "username": username, **login, "from": answers.sender}
    return tables


def _unusual(server: Server, port: int, ssl: Tls) -> dict[str, Any]:
    """Port and TLS of a server, where they are not what is meant without them."""
    return {
        **({"port": server.port} if server.port != port else {}),
        **({"ssl": server.ssl} if server.ssl != ssl else {}),
    }
