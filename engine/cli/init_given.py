"""What the options of `allegra init` say that cannot be meant, and what a path in them means in another folder.

Here: `sound`. Not here: the questions about what no option says (`init_asked.py`). Invariant: whatever is written into
the file means there what it meant where it was typed.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
from pathlib import Path
from typing import Any

import click

LOGINS = ("password_env", "password_file", "password_command")

MAY_BE_EMPTY = ("move_on_success", "since")
"""Options that say something by being empty: done mail stays where it is."""

LATER = Path("/run/credentials")
"""Files that systemd hands to a service are there while it runs."""


def sound(given: dict[str, Any], directory: Path) -> dict[str, Any]:
    """Give the options as they are meant for a file in `directory`. Raises click.UsageError."""
    for name, value in given.items():
        if value == "" and name not in MAY_BE_EMPTY:
            raise click.UsageError(f"{_option(name)} is empty: leave it out, or say what it is")
    ways = [_option(name) for name in LOGINS if given[name]]
    if len(ways) > 1:
        raise click.UsageError(f"the password is given twice: {' and '.join(ways)}")
    if given["smtp"] == "none" and given["sender"]:
        raise click.UsageError("--from does nothing with --smtp none")
    if given["password_env"] and not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", given["password_env"]):
        raise click.UsageError("--password-env: write the name of a variable, such as ALLEGRA_IMAP_PASSWORD")
    return {
        **given,
        "password_file": _file(given["password_file"], directory),
        "password_command": _command(given["password_command"]),
    }


def _option(name: str) -> str:
    return "--from" if name == "sender" else f"--{name.replace('_', '-')}"


def _file(typed: str | None, directory: Path) -> str | None:
    """A path as the file of the folder has to say it: paths there are taken from that folder."""
    if typed is None:
        return None
    path = Path(typed).expanduser()
    if not path.is_file() and not path.is_relative_to(LATER):
        raise click.UsageError(f"--password-file: there is no file {typed}")
    here, there = Path(os.path.abspath(path)), Path(os.path.abspath(directory))  # noqa: PTH100 - links stay
    if path.is_absolute() or there == Path.cwd():
        return typed
    return str(here.relative_to(there) if here.is_relative_to(there) else here)


def _command(typed: str | None) -> str | None:
    """A command whose program is found from wherever it is run: a path in it becomes a whole one."""
    if typed is None:
        return None
    try:
        program, *words = shlex.split(typed)
    except ValueError:
        raise click.UsageError("--password-command: this is no program, or a quotation mark does not end") from None
    found = shutil.which(program)
    if found is None:
        raise click.UsageError(f"--password-command: there is no program {program}")
    return shlex.join([os.path.abspath(found), *words]) if "/" in program else typed  # noqa: PTH100 - links stay
