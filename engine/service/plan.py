"""What an installation comes to: its files, the commands, what stands in the way, what is left to do.

Here: all of that, looked at. Not here: doing it (`installing.py`), the texts.
Invariant: looking changes nothing.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from engine.service import installing, pieces
from engine.service.installing import SYSTEM, File
from engine.service.site import SOCKET
from engine.service.units import ALL, RUNTIME, enabled, units

if TYPE_CHECKING:
    from engine.config import Config, Mailbox, Smtp
    from engine.service.site import Site

RUN = Path("/run") / RUNTIME

READERS = ("allegra.", "allegra-watch.", "allegra-worker.")
"""How the names of units begin that read mail."""

MTAS = {"postfix": pieces.postfix, "exim": pieces.exim}


def folder_of_units(site: Site, root: Path | None = None) -> Path:
    """Where the units go: to the system's, or to those of the person."""
    if site.account:
        return installing.below(root, SYSTEM)
    home = Path(
        os.environ.get("XDG_CONFIG_HOME", "")
    )  # one that is not absolute counts for nothing (XDG Base Directory)
    return installing.below(root, (home if home.is_absolute() else Path.home() / ".config") / "systemd" / "user")


def files(site: Site, mta: str = "", root: Path | None = None) -> list[File]:
    """The files that are put in place."""
    folder = folder_of_units(site, root)
    edit = "systemctl edit" if site.account else "systemctl --user edit"
    found = [File(folder / name, text, elsewhere=f"{edit} {name}") for name, text in units(site).items()]
    if mta and not site.lmtp:
        path = installing.below(root, Path(pieces.DELIVER))
        found.append(File(path, pieces.wrapper(site), 0o755, "a program of another name"))
    return found


def leftovers(site: Site, wanted: list[File], root: Path | None = None) -> list[Path]:
    """Files that an earlier installation of another kind left: two ways to read mail side by side are one too many."""
    every = {folder_of_units(site, root) / name for name in ALL}
    kept = {file.path for file in wanted}
    timers = {path for path in every - kept if path.exists() and path.name.startswith(READERS)}
    return sorted(timers)


def there(site: Site, root: Path | None = None) -> list[Path]:
    """All files of ours that are there, for taking them away."""
    every = [folder_of_units(site, root) / name for name in ALL]
    every += [installing.below(root, Path(pieces.DELIVER))] if site.account else []
    return [path for path in every if path.exists()]


def systemctl(site: Site) -> list[str]:
    """The command that talks to the service manager."""
    return ["systemctl"] if site.account else ["systemctl", "--user"]


def starting(site: Site, *, changed: bool) -> list[list[str]]:
    """The commands that make systemd know the units and start them; where they changed, anew."""
    found, start = [[*systemctl(site), "daemon-reload"]], "restart" if changed else "start"
    for name in enabled(site):
        found += [[*systemctl(site), "enable", name], [*systemctl(site), start, name]]
    return found


def stopping(site: Site, names: list[str]) -> list[list[str]]:
    """The commands that stop units and make them start no more."""
    return [
        [*systemctl(site), "disable", "--now", name]
        for name in names
        if name.endswith((".timer", ".socket", ".service"))
    ]


def in_the_way(site: Site) -> Iterator[str]:
    """What keeps the account from running the engine at all."""
    places = (site.program, site.config, *site.writable)
    if odd := next((path for path in places if not str(path).isprintable()), None):
        yield f"{str(odd)!r}: a unit can hold no path with such a character"
        return
    if not site.account:
        return
    if installing.is_root(site.account):
        yield f"{site.account} is root: choose an account of its own, as --account allegra"
        return
    interpreter = installing.interpreter(site.program)
    for path in (site.program, *((interpreter,) if interpreter is not None else ())):
        if (barred := installing.way_barred(path, site.account)) is not None:
            advice = "install into a folder that all may enter, such as /opt/allegra, and start it from there"
            yield f"the account {site.account} cannot run {path}, for it may not enter {barred}: {advice}"
            return
    if any(site.folder.is_relative_to(own) for own in ("/tmp", "/var/tmp")):  # noqa: S108 - it is refused
        yield f"{site.folder}: services see a /tmp of their own; move it to a place such as /srv/allegra"
        return
    if (barred := installing.way_barred(site.folder, site.account)) is not None:
        yield f"the account {site.account} may not enter {barred}: move {site.folder} to a place such as /srv/allegra"


def left_to_do(site: Site, config: Config, mta: str) -> Iterator[str]:
    """What only a person can do."""
    yield from _secrets(site, config)
    for name, folder in (("rules", config.root.rules.directory), ("hooks", config.root.hooks.directory)):
        if site.account and folder.is_dir() and installing.way_barred(folder, site.account, stat.S_IROTH) is not None:
            yield f"{name}: the account {site.account} cannot read {folder}: chgrp -R {site.account} {folder}"
    for folder in site.writable:
        if site.account and folder.is_dir() and not installing.may_write(folder, site.account):
            yield f"the account {site.account} cannot write into {folder}, where mail or files of ours go"
    if site.setgid:
        yield 'smtp.transport = "sendmail" leaves the units more rights than "smtp" with  host = "localhost"  needs'
    if mta:
        for place, text in MTAS[mta](site).items():
            yield f"add to {place}:\n{text.rstrip()}"
    if mta == "postfix":
        yield "then:  postmap /etc/postfix/transport && postfix reload"
    if site.lmtp and not site.mail_group:
        yield f"let the mail server open {SOCKET}: SocketGroup= in  systemctl edit allegra-lmtp.socket"
    if site.console:
        yield from _console(site, config)
    if not site.account:
        yield "so that it runs while you are not logged in:  loginctl enable-linger"


def _console(site: Site, config: Config) -> Iterator[str]:
    """Where the web console listens, and who comes to it."""
    place = Path(config.console.listen)
    if not config.console.listen.startswith("/") or not site.account:
        return
    if not any(place.is_relative_to(folder) for folder in (RUN, *site.writable)):
        yield f'the web console may make no socket at {place}: write  listen = "{RUN / "console.sock"}"  in [console]'
    yield f"let the web server open {place}: add its account to the group, as  usermod -aG {site.account} www-data"


def _secrets(site: Site, config: Config) -> Iterator[str]:
    """Passwords that the units would not get."""
    owners: list[Mailbox | Smtp] = [*config.mailboxes]
    owners += [config.smtp] if config.smtp is not None else []
    known = _variables(site.folder / "environment")
    variables = [*(owner.password_env for owner in owners), config.store.url_env, config.store.replica_url_env]
    files = [*(owner.password_file for owner in owners), config.store.url_file, config.store.replica_url_file]
    for name in dict.fromkeys(variables):
        if name and name not in known:
            yield f"write  {name}=…  into {site.folder / 'environment'} (mode 0600): units see no other variable"
    for file in dict.fromkeys(each for each in files if each is not None):
        by_systemd = file.is_relative_to("/run/credentials")
        if (
            site.account
            and not by_systemd
            and file not in site.secrets
            and installing.way_barred(file, site.account, stat.S_IROTH) is not None
        ):
            yield f"the account {site.account} cannot read {file}: chown {site.account} {file}"


def _variables(file: Path) -> set[str]:
    try:
        lines = file.read_text("utf-8", "replace").splitlines()
    except OSError:
        return set()
    return {line.partition("=")[0].strip() for line in lines if "=" in line and not line.lstrip().startswith("#")}
