"""The log: a line for each thing that was done, in the file of `[log]`, and with `-v` on standard error.

Here: what a line looks like, and writing lines. Not here: which lines there are (the rooms that do things), the table
of events (`store/history.py`), secrets (`config/secrets.py`).
Invariant: nothing that is logged depends on the log: a file that cannot be written, is full or blocks loses lines and
nothing else, and that is told once. A batch is one write, to the file that has the name now, so whoever moves it away
need not tell us. No secret and no control character is in a line.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from msgspec import Struct

from engine.config.secrets import redact
from engine.model.whole import as_json
from engine.plain_text import printable, safe_json

if TYPE_CHECKING:
    from pathlib import Path

    from engine.config import Config

LEVELS = ("debug", "info", "warning", "error")

LONGEST = 500
"""Characters of what a line says."""

MODE = 0o640

_told: set[Path] = set()
"""Files of which was said that they cannot be written."""


class Entry(Struct, frozen=True):
    """Something to log: what happened, to which item, mail or mailbox, how long it took, more in words."""

    level: str
    event: str
    said: str = ""
    item: int = 0
    mail: str = ""
    mailbox: str = ""
    ms: float = 0.0


def write(config: Config, entries: Iterable[Entry], *, kept: bool = True) -> None:
    """Log what reaches the level of `[log]`, and all of it on standard error where somebody wants to see it.

    What is not `kept`, because it is taken back, is only shown.
    """
    wanted, settings = tuple(entries), config.log
    at = datetime.now(UTC).isoformat(timespec="milliseconds")
    if config.verbose and wanted:
        _tell("".join([_text(each, at) for each in wanted]))
    least = LEVELS.index(settings.level)
    lines = [each for each in wanted if LEVELS.index(each.level) >= least]
    if settings.file is not None and lines and kept:
        shape: Callable[[Entry, str], str] = _json if settings.format == "json" else _text
        _append(settings.file, "".join([shape(each, at) for each in lines]).encode("utf-8", "replace"))


def problem(file: Path) -> str:
    """Say why a log cannot be written, "" where nothing stands against it; nothing is made."""
    if file.is_dir():
        return "it is a folder"
    if file.exists():
        return "" if os.access(file, os.W_OK) else "it may not be written by this user"
    folder = next((each for each in file.parents if each.exists()), file.parent)
    may = folder.is_dir() and os.access(folder, os.W_OK | os.X_OK)
    return "" if may else f"this user may not make it in {folder}"


def _append(file: Path, content: bytes) -> None:
    try:
        log = _opened(file)
        try:
            while content:
                content = content[os.write(log, content) :]
        finally:
            os.close(log)
    except OSError as error:
        if file not in _told:
            _told.add(file)
            _tell(f"allegra: the log {file} cannot be written: {_because(error)}; lines are lost, nothing else is\n")


def _opened(file: Path) -> int:
    """Open the file that has this name now; a pipe that nobody reads does not make us wait."""
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NONBLOCK | os.O_NOCTTY
    try:
        return os.open(file, flags, MODE)
    except FileNotFoundError:
        file.parent.mkdir(0o750, parents=True, exist_ok=True)
        return os.open(file, flags, MODE)


def _because(error: OSError) -> str:
    return error.strerror or type(error).__name__


def _text(entry: Entry, at: str) -> str:
    about = (entry.mail, f"#{entry.item}" if entry.item else "", entry.mailbox, _took(entry), _said(entry))
    return " ".join(filter(None, (at, f"{entry.level:<7}", entry.event, *about))) + "\n"


def _json(entry: Entry, at: str) -> str:
    line = {
        "schema": "allegra.log/1", "at": at, "level": entry.level, "event": entry.event, "mail": entry.mail or None,
        "item": entry.item or None, "mailbox": entry.mailbox or None, "ms": round(entry.ms, 2) or None,
        "said": _said(entry),
    }  # fmt: skip
    return safe_json(as_json(line).decode()) + "\n"


def _took(entry: Entry) -> str:
    return f"{entry.ms:.1f}ms" if entry.ms else ""


def _said(entry: Entry) -> str:
    return printable(redact(entry.said)[: 2 * LONGEST], LONGEST)


def _tell(text: str) -> None:
    """Say something on standard error, where there is one."""
    with suppress(OSError, ValueError, AttributeError):
        sys.stderr.write(text)
