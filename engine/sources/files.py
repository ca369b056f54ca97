"""Mail from `.eml` files, from directories of them, and from standard input.

Here: which files are mail, one bounded read of a stream. Not here: what a command does with them.
Invariant: files named on a command line are only read; nothing is moved or deleted.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

from engine.model.mail import Envelope, RawMail
from engine.sources.disk import read_header, read_mail
from engine.sources.source import Action, Limits, Listed, Peek, Settled, SourceError, content_key, header_of, raw_mail

SUFFIXES = (".eml", ".msg", ".mail", ".txt", "")
"""What counts as a mail in a directory; a file that is named itself always counts."""


def mail_files(paths: Iterable[str | Path]) -> list[Path]:
    """Find the files: each path itself, or the mails of a directory by name. What is not there stays in the list."""
    found: list[Path] = []
    for path in map(Path, paths):
        if path.is_dir():
            found += sorted(
                each
                for each in path.iterdir()
                if each.suffix.lower() in SUFFIXES and each.is_file() and each.name[0] != "."
            )
        else:
            found.append(path)
    return found


def read_file(path: Path, limits: Limits, now: datetime, mailbox: str = "files") -> RawMail:
    """Read one file as a mail, its sha256 the key. Raises OSError."""
    content, size, truncated = read_mail(path, limits)
    return raw_mail(mailbox, content_key(content), content, now, size, truncated)


def read_stdin(
    mailbox: str,
    limits: Limits,
    now: datetime,
    *,
    envelope: Envelope | None = None,
    queue_id: str = "",
    stream: BinaryIO | None = None,
) -> RawMail:
    """Read one mail from standard input (or `stream`), at most `limits.raw` of it. Raises OSError.

    Over the limit only the header is kept (`truncated`) and the rest is read away, so that the writer does not see
    a broken pipe. The key is `queue-id/recipient` as an MTA tells them, else the sha256: an MTA that tries again
    sends the same bytes.
    """
    source = stream or sys.stdin.buffer
    content = source.read(limits.raw + 1)
    size, truncated = len(content), len(content) > limits.raw
    while truncated and (more := source.read(1 << 20)):
        size += len(more)
    if truncated:
        content = header_of(content[: limits.header_block])
    told = envelope or Envelope()
    key = f"{queue_id}/{','.join(told.forward_paths)}" if queue_id else content_key(content)
    raw = raw_mail(mailbox, key, content, now, size, truncated)
    return RawMail(raw.content, raw.origin, now, raw.digest, told, truncated)


class FilesSource:
    """Files and directories as a source, for commands that read mails somebody names. See `Source`."""

    def __init__(
        self, paths: Iterable[str | Path], limits: Limits, now: Callable[[], datetime], mailbox: str = "files"
    ) -> None:
        self._files = {str(path): path for path in mail_files(paths)}
        self._limits, self._now, self.mailbox = limits, now, mailbox

    def __enter__(self) -> Self:
        for path in self._files.values():
            if not path.is_file():
                raise SourceError("source.unreachable", f"{path}: no such file")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Nothing is open."""

    def epoch(self) -> str:
        return ""

    def list(self) -> list[Listed]:
        told = [(key, path.stat()) for key, path in self._files.items()]
        return [Listed(key, each.st_size, datetime.fromtimestamp(each.st_mtime, UTC)) for key, each in told]

    def fetch(self, keys: Sequence[str], limits: Limits) -> Iterator[RawMail]:
        for key in keys:
            try:
                content, size, truncated = read_mail(self._files[key], limits)
            except (OSError, KeyError) as error:
                raise SourceError(
                    "source.unreachable", f"{key}: {getattr(error, 'strerror', '') or error}", key
                ) from None
            yield raw_mail(self.mailbox, key, content, self._now(), size, truncated)

    def refusal(self, key: str) -> str:
        return ""

    def settle(self, actions: Sequence[Action]) -> Sequence[Settled]:
        return [
            Settled(each.key, "done")
            if each.kind in ("keep", "seen")
            else Settled(each.key, "failed", "files are only read")
            for each in actions
        ]

    def peek(self, n: int) -> Sequence[Peek]:
        found = []
        for listed in self.list()[:n]:
            header = read_header(self._files[listed.key], self._limits)
            found.append(Peek(listed.key, listed.size_bytes or 0, listed.internaldate, (), header))
        return found

    def folders(self) -> Sequence[str]:
        return []

    def describe(self) -> Sequence[tuple[str, str]]:
        return [("files", str(len(self._files)))]
