"""Saving a rule file: what has to hold before, the file written whole, what stood there and what stands there now.

Here: `save`, `Saved`, `Conflict`. Not here: reading a file (`rule_reading.py`), what a change would do
(`rule_effect.py`), the rows (`store/rule_files.py`).
Invariant: a file is the old or the new one, whatever breaks; nobody's text is written over that they did not see; who
owns a file and who reads it stays.
"""

from __future__ import annotations

import fcntl
import os
import re
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from time import monotonic, sleep
from typing import TYPE_CHECKING

from msgspec import Struct

from engine.desk import logged, rule_reading
from engine.store.errors import Busy, Refused, Unclear
from rules.document import digest

if TYPE_CHECKING:
    from engine.config import Config
    from engine.desk.rule_places import RulePlace
    from engine.desk.rule_reading import CheckedText
    from engine.desk.scope import Scope
    from engine.run.engine import Engine

MOST_REASON = 300
"""Characters."""

PATIENCE_S = 10.0
"""How long it is waited for somebody else who saves."""


class Wish(Struct, frozen=True):
    """A text that somebody wants to save, begun from the one with the digest `base`, and what they say to it.

    They saw what it would change (`seen`), or save it without having looked (`unseen`); they accept that there are
    warnings, and an admin that tests fail.
    """

    text: str
    base: str
    reason: str
    seen: bool = False
    unseen: bool = False
    warned: bool = False
    untested: bool = False


class Saved(Struct, frozen=True):
    """What was saved: the number of the version and its digest."""

    version: int
    digest: str


class Conflict(Refused):
    """Somebody else changed the file meanwhile. `now` is its text."""

    def __init__(self, now: str, by: str) -> None:
        who = f"{by} changed" if by else "somebody changed"
        super().__init__(f"{who} this file after you began: look what is different, then save again")
        self.now = now


class NotWritable(Refused):
    """The file cannot be written from here: its text has to go there by another way."""


def save(engine: Engine, scope: Scope, login: str, place: RulePlace, wish: Wish, via: str = "console") -> Saved:
    """Save a text as the file of a place.

    Raises Conflict, NotWritable, Refused, Busy, and Unclear where something lacks.
    """
    if place.why_not:
        raise Refused(place.why_not)
    reason = " ".join(wish.reason.split())
    if not reason or len(reason) > MOST_REASON:
        raise Unclear(f"say why, in at most {MOST_REASON} characters")
    text = usual(wish.text, place)
    with _alone(place):
        now = _there(place)
        if digest(now) != wish.base:
            raise Conflict(now, _last(engine, place, now))
        try:
            text.encode()
        except UnicodeEncodeError:
            raise Unclear("this text holds half a character: it cannot be written") from None
        if text == now:
            raise Unclear("this text stands in the file already")
        _sound(rule_reading.checked(engine, scope, place, text, run=True), scope, wish)
        engine.store.rule_files.found(place.place, now)
        _write(engine.config, place, text)
        number = engine.store.rule_files.put_version(place.place, text, login, via, reason)
    logged.act(engine.config, "rules.saved", login, f"{place.name}: {reason}")
    return Saved(number, digest(text))


def usual(text: str, place: RulePlace) -> str:
    """Give a text with the line ends that its file has, and one at its end: a browser sends others."""
    flat = text.replace("\r\n", "\n").replace("\r", "\n").rstrip("\n") + "\n"
    with suppress(OSError, UnicodeDecodeError):
        if "\r\n" in rule_reading.stored(place):
            return flat.replace("\n", "\r\n")
    return flat


def _sound(looked: CheckedText, scope: Scope, wish: Wish) -> None:
    """What has to hold before a text is saved, the worst first."""
    if not looked.loads:
        raise Refused("this text does not load: mend what is marked")
    if looked.warnings and not wish.warned:
        raise Unclear(f"there are {len(looked.warnings)} warnings: mend them, or say that you accept them")
    if looked.failing and not (wish.untested and scope.admin):
        way = ", or say that you save it all the same" if scope.admin else ""
        raise Unclear(f"{looked.failing} tests do not pass: mend them{way}")
    if not (wish.seen or wish.unseen):
        raise Unclear("look at what it would change first, or say that you save it without having looked")


def _there(place: RulePlace) -> str:
    try:
        return rule_reading.stored(place)
    except (OSError, UnicodeDecodeError) as error:
        raise NotWritable(f"{place.file} cannot be read: {_why(error)}") from None


def _last(engine: Engine, place: RulePlace, now: str) -> str:
    """Who saved what stands there now, "" where that was somebody else."""
    newest = next(iter(engine.store.rule_files.versions(place.place, 1)), None)
    return newest.by if newest is not None and newest.digest == digest(now) else ""


# ── the file ──────────────────────────────────────────────────────────────────────────────────────────────────


@contextmanager
def _alone(place: RulePlace) -> Iterator[None]:
    """Let nobody else save in this folder meanwhile."""
    try:
        folder = os.open(place.path.parent, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as error:
        raise NotWritable(f"the folder of {place.file} cannot be opened: {_why(error)}") from None
    try:
        until = monotonic() + PATIENCE_S
        while not _locked(folder):
            if monotonic() > until:
                raise Busy("somebody else is saving rules: try again in a moment")
            sleep(0.05)
        yield
    finally:
        os.close(folder)


def _locked(folder: int) -> bool:
    try:
        fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _write(config: Config, place: RulePlace, text: str) -> None:
    """Put a text in the place of a file: written beside it, kept on the disk, then renamed."""
    path = place.path
    if path.is_symlink() or not path.resolve().is_relative_to(config.rules.directory.resolve()):
        raise NotWritable(f"{place.file} is a link or lies outside of rules.directory: it is not written from here")
    beside = path.with_name(f".{path.name}.{secrets.token_hex(6)}")
    try:
        for left in path.parent.iterdir():  # of one that was killed meanwhile: we are alone here
            if re.fullmatch(rf"\.{re.escape(path.name)}\.[0-9a-f]{{12}}", left.name):
                left.unlink()
        was = path.stat() if path.exists() else None
        with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600), "wb") as file:
            file.write(text.encode())
            _like(file.fileno(), was, path)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
        _keep(path.parent)
    except OSError as error:
        beside.unlink(missing_ok=True)
        raise NotWritable(f"{place.file} cannot be written: {_why(error)}; what stood there is still there") from None


def _like(file: int, was: os.stat_result | None, path: Path) -> None:
    """Give a new file the owner and the mode of the old one; of a first one those of its folder. Raises OSError."""
    like = was or path.parent.stat()
    mine = os.fstat(file)
    if (mine.st_uid, mine.st_gid) != (like.st_uid, like.st_gid):
        os.fchown(file, like.st_uid, like.st_gid)
    os.fchmod(file, stat.S_IMODE(like.st_mode) if was is not None else stat.S_IMODE(like.st_mode) & 0o666)


def _keep(folder: Path) -> None:
    """Let the disk keep that a file has another content now."""
    opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


def _why(error: Exception) -> str:
    return (error.strerror or str(error)).lower() if isinstance(error, OSError) else "it is not UTF-8 text"
