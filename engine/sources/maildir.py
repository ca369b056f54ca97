"""Mail from a Maildir.

Here: the files in new/ and cur/, flags in their names, Maildir++ folders, writing a new mail.
Not here: reading a file (`disk.py`).
Invariant: a message keeps its unique name (up to the colon) whatever happens to it; nothing is overwritten.
"""
# ruff: noqa: PTH108, PTH112, PTH119, PTH120 - every mail passes here; a Path for each step would cost as much as the step

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, BinaryIO, Self

from engine.model.mail import RawMail
from engine.sources.disk import move_file, read_header, read_mail
from engine.sources.source import Action, Limits, Listed, Peek, Settled, SourceError, file_key, folders_before, raw_mail

if TYPE_CHECKING:
    from engine.config import Mailbox
    from engine.sources.arrival import Judged


class MaildirSource:
    """A Maildir or a Maildir++ folder below it. See `Source`."""

    uidnext = 0

    def __init__(self, mailbox: Mailbox, limits: Limits, now: Callable[[], datetime]) -> None:
        self.mailbox, self._limits, self._now = mailbox, limits, now
        self.root = mailbox.path or Path()
        self._paths: dict[str, str] = {}
        self._folders: dict[str, str] = {}
        self._ready: set[str] = set()
        self._refusals: dict[str, str] = {}

    def __enter__(self) -> Self:
        self.home = self._folder(self.mailbox.folder or "INBOX")
        if not os.path.isdir(f"{self.home}/cur") or not os.path.isdir(f"{self.home}/new"):
            code = "source.folder_missing" if self.root.is_dir() else "source.unreachable"
            raise SourceError(code, f"mailbox {self.mailbox.name}: {self.home} is no Maildir (no new/ and cur/ in it)")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._paths = {}

    def epoch(self) -> str:
        return ""

    def list(self) -> list[Listed]:
        found: list[tuple[int, str, int]] = []
        for key, path in self._scan().items():
            try:
                told = os.lstat(path)
            except OSError:  # moved by somebody between the two looks
                continue
            found.append((told.st_mtime_ns, key, told.st_size))
        found.sort(reverse=self.mailbox.order == "newest-first")
        return [Listed(key, size, datetime.fromtimestamp(changed / 1e9, UTC)) for changed, key, size in found]

    def _scan(self) -> dict[str, str]:
        """Read the directories: path by key, deleted messages left out. Raises SourceError."""
        self._paths = {}
        for name in ("new", "cur"):
            directory = f"{self.home}/{name}"
            try:
                with os.scandir(directory) as entries:
                    for entry in entries:
                        if entry.name.startswith(".") or not entry.is_file(follow_symlinks=False):
                            continue
                        if name == "cur" and "T" in _flags(entry.name):
                            continue
                        self._paths[file_key(entry.name)] = entry.path
            except OSError as error:
                sentence = f"mailbox {self.mailbox.name}: {directory} cannot be read ({error.strerror})"
                raise SourceError("source.unreachable", sentence) from None
        return self._paths

    def _places(self, key: str) -> Iterator[str]:
        """Where a message was when we last looked, then where it is now: another client may have renamed it."""
        known = self._paths.get(key)
        if known is not None:
            yield known
        found = self._scan().get(key)
        if found is not None:
            yield found

    def fetch(self, keys: Sequence[str], limits: Limits) -> Iterator[RawMail]:
        for key in keys:
            for path in self._places(key):
                try:
                    content, size, truncated = read_mail(path, limits)
                except FileNotFoundError:
                    continue
                except OSError as error:
                    self._refusals[key] = error.strerror or str(error)
                else:
                    yield raw_mail(self.mailbox.name, key, content, self._now(), size, truncated)
                break

    def judge(self, listed: Sequence[Listed], since: datetime) -> Judged:
        """By the time of the file: of its delivery, which copying with times and Dovecot keep."""
        from engine.sources.arrival import by_listing

        return by_listing(listed, since)

    def refusal(self, key: str) -> str:
        return self._refusals.get(key, "")

    # ── settling and looking ──────────────────────────────────────────────────────────────────────────────────

    def settle(self, actions: Sequence[Action]) -> Sequence[Settled]:
        return [self._settle(action) for action in actions]

    def _settle(self, action: Action) -> Settled:
        if action.kind == "keep":
            return Settled(action.key, "done")
        for path in chain(self._places(action.key), self._moved_before(action)):
            try:
                if action.kind == "move" and self._folder(action.folder or "-") == _folder_of(path):
                    return Settled(action.key, "kept")
                self._do(action, path)
            except FileNotFoundError:  # the message, or the folder we had made
                self._ready.clear()
                continue
            except (OSError, ValueError, SourceError) as error:
                return Settled(action.key, "failed", str(error))
            return Settled(action.key, "done")
        return Settled(action.key, "gone")

    def _moved_before(self, action: Action) -> Iterator[str]:
        """Where we moved a message to before: its name is its own in all folders, and so are its bytes."""
        import hashlib

        for folder in folders_before(self.mailbox, action):
            directory = Path(self._folder(folder)) / "cur"
            for path in list(directory.iterdir()) if directory.is_dir() else ():
                if file_key(path.name) == action.key and path.is_file() and not path.is_symlink():
                    with path.open("rb") as file:
                        same = hashlib.file_digest(file, "sha256").hexdigest() == action.digest
                    if same:
                        yield str(path)

    def _do(self, action: Action, path: str) -> None:
        name = os.path.basename(path)
        if action.kind == "delete":
            os.unlink(path)
            self._paths.pop(action.key, None)
        elif action.kind == "seen":
            target = f"{_folder_of(path)}/cur/{_flagged(name, 'S')}"
            if target != path:
                move_file(path, target)
            self._paths[action.key] = target
        elif action.kind == "move" and action.folder:
            home = self._folder(action.folder)
            if home not in self._ready:
                self._make(Path(home))
                self._ready.add(home)
            move_file(path, f"{home}/cur/{_flagged(name, 'S')}")
            self._paths.pop(action.key, None)
        else:
            raise ValueError(f"a Maildir cannot {action.kind or 'do nothing'}")

    def _make(self, home: Path) -> None:
        for name in ("tmp", "new", "cur"):
            (home / name).mkdir(mode=0o700, parents=True, exist_ok=True)
        if home != self.root:
            (home / "maildirfolder").touch(mode=0o600)

    def _folder(self, name: str) -> str:
        """The directory of a folder: Maildir++ writes `Allegra/Done` as `.Allegra.Done`. Raises SourceError."""
        if name not in self._folders:
            self._folders[name] = str(self._named(name))
        return self._folders[name]

    def _named(self, name: str) -> Path:
        if name.upper() == "INBOX":
            return self.root
        parts = name.split("/")
        if not all(part and part.isprintable() and not part.startswith(".") for part in parts):
            raise SourceError(
                "source.bad_name", f"mailbox {self.mailbox.name}: a Maildir folder cannot be called {name!r}"
            )
        return self.root / ("." + ".".join(parts))

    def peek(self, n: int) -> Sequence[Peek]:
        found = []
        for listed in self.list()[:n]:
            path = self._paths[listed.key]
            try:
                header = read_header(path, self._limits)
            except OSError:
                continue
            flags = tuple(sorted(_flags(os.path.basename(path))))
            found.append(Peek(listed.key, listed.size_bytes or 0, listed.internaldate, flags, header))
        return found

    def folders(self) -> Sequence[str]:
        names = [each.name for each in self.root.iterdir() if each.name.startswith(".") and (each / "cur").is_dir()]
        return ["INBOX", *(name[1:].replace(".", "/") for name in sorted(names))]

    def describe(self) -> Sequence[tuple[str, str]]:
        writable = os.access(f"{self.home}/cur", os.W_OK) and os.access(f"{self.home}/new", os.W_OK)
        return [
            ("path", self.home),
            ("messages", str(len(self._scan()))),
            ("writable", "yes" if writable else "no"),
        ]


def _folder_of(path: str) -> str:
    """The directory of the folder in whose new/ or cur/ a message lies."""
    return os.path.dirname(os.path.dirname(path)) or "."


def _flags(name: str) -> str:
    """The flags in a file name: what stands behind `:2,`."""
    _, mark, flags = name.partition(":2,")
    return flags if mark else ""


def _flagged(name: str, flag: str) -> str:
    """The name with one more flag; flags stand in ASCII order."""
    return f"{name.partition(':')[0]}:2,{''.join(sorted(set(_flags(name)) | {flag}))}"


def deliver_into(folder: Path, stream: BinaryIO) -> str:
    """Write a mail into a Maildir, durably, and give its file name; made where it is missing. Raises OSError.

    Of a stream that holds nothing nothing is written, and the name is "".

    Into tmp/ first, renamed into new/ when it is on disk: a reader never sees half a mail, and after this returned
    not even a power cut loses it (https://cr.yp.to/proto/maildir.html).
    """
    import secrets

    for name in ("tmp", "new", "cur"):
        (folder / name).mkdir(mode=0o700, parents=True, exist_ok=True)
    name = f"{time.time_ns() // 10**9}.M{time.time_ns() // 1000 % 10**6}P{os.getpid()}R{secrets.token_hex(4)}.allegra"
    draft = folder / "tmp" / name
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            blank = True
            while piece := stream.read(1 << 20):
                blank = blank and not piece.strip()
                file.write(piece)
            file.flush()
            os.fsync(file.fileno())
        if blank:
            draft.unlink()
            return ""
        draft.rename(folder / "new" / name)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise
    for directory in (folder / "new", folder):
        opened = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(opened)
        finally:
            os.close(opened)
    return name
