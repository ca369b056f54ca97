"""What the texts are made of: where things lie on this machine, and how the engine is to be run.

Not here: the texts (`units.py`, `pieces.py`). Invariant: all paths are absolute.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from engine.config import Config

HOMES = (Path("/home"), Path("/root"), Path("/run/user"))
SOCKET = "/run/allegra/lmtp.sock"


class Site(Struct, frozen=True):
    """An installation. `state` is its own folder, `writable` are all that a run writes into.

    `setgid` says that it starts a program which needs rights of its own (sendmail). `account` is who it runs as, "" the
    person who installs (systemd --user). `credentials` are a name and a file each, which systemd hands to the units.
    `watch` and `worker` are services in place of the timer, `every_s` is the time between two passes, `mail_group` the
    group of the mail server that comes to the door, `secrets` are files with passwords beside the configuration,
    `addresses` those that mail is read of, `rules` the folder of rules, which the `console` may write.
    """

    program: Path
    config: Path
    state: Path
    writable: tuple[Path, ...]
    account: str = "allegra"
    every_s: int = 120
    watch: bool = False
    worker: bool = False
    lmtp: bool = False
    console: bool = False
    rules: Path | None = None
    credentials: tuple[tuple[str, Path], ...] = ()
    setgid: bool = False
    mail_group: str = ""
    secrets: tuple[Path, ...] = ()
    addresses: tuple[str, ...] = ()

    @property
    def folder(self) -> Path:
        """Where allegra.toml lies, and where the engine is run."""
        return self.config.parent

    @property
    def at_home(self) -> bool:
        """Tell whether something lies below the homes of people, which are hidden from services otherwise."""
        return any(path.is_relative_to(home) for path in (self.program, self.config, *self.writable) for home in HOMES)


def written_into(config: Config) -> tuple[Path, ...]:
    """The folders that a run writes into: what belongs to it, Maildirs, where mail is put for others."""
    instance, root = config.instance, config.root
    folders = [instance.state_dir, instance.secret_file.parent, config.data_dir]
    big = (config.settings(name).gates.big_files_dir for name in ("", *config.workspaces))
    folders += [folder for folder in big if folder is not None]
    folders += [box.path for box in config.mailboxes if box.protocol == "maildir" and box.path is not None]
    if root.smtp is not None and root.smtp.transport == "maildir" and root.smtp.path is not None:
        folders.append(root.smtp.path)
    if root.log.file is not None:
        folders.append(root.log.file.parent)
    kept: list[Path] = []
    for folder in sorted(dict.fromkeys(folders), key=lambda path: len(path.parts)):
        if not any(folder.is_relative_to(other) for other in kept):
            kept.append(folder)
    return tuple(kept)


def secrets_beside(config: Config, folder: Path) -> tuple[Path, ...]:
    """The files with passwords that lie in the folder of the configuration: they belong to the installation."""
    files = [box.password_file for box in config.mailboxes]
    files += [config.smtp.password_file] if config.smtp is not None else []
    files += [config.store.url_file, config.store.replica_url_file]
    return tuple(dict.fromkeys(file for file in files if file is not None and file.is_relative_to(folder)))


def program() -> Path:
    """Where `allegra` is: the program that was typed, else the one beside this Python."""
    typed = Path(sys.argv[0])
    if typed.name == "allegra" and typed.is_file():
        return typed.absolute()
    return Path(sys.executable).with_name("allegra").absolute()
