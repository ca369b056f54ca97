"""Mail from an mbox file, which is only read.

Here: finding the mails in the file (RFC 4155, "mboxo" and "mboxrd"). Not here: moving or deleting: that would mean
to rewrite a file that others append to. Invariant: the key is the sha256 of a mail's bytes as they stand in the file.
"""

from __future__ import annotations

import mmap
import re
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from engine.model.mail import RawMail
from engine.sources.arrival import Judged, of_from_line
from engine.sources.source import Action, Limits, Listed, Peek, Settled, SourceError, content_key, header_of, raw_mail

if TYPE_CHECKING:
    from engine.config import Mailbox

_FROM = re.compile(rb"^From [^\r\n]*\r?\n", re.MULTILINE)
_STUFFED = re.compile(rb"^>(>*From )", re.MULTILINE)


class MboxSource:
    """An mbox file. See `Source`; `settle` can only keep."""

    uidnext = 0

    def __init__(self, mailbox: Mailbox, limits: Limits, now: Callable[[], datetime]) -> None:
        self.mailbox, self._limits, self._now = mailbox, limits, now
        self._places: dict[str, tuple[int, int]] = {}
        self._lines: dict[int, bytes] = {}
        self._map: mmap.mmap | None = None

    def __enter__(self) -> Self:
        path = Path(self.mailbox.path or ".")
        try:
            with path.open("rb") as file:
                self._map = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) if path.stat().st_size else None
        except OSError as error:
            sentence = f"mailbox {self.mailbox.name}: {path} cannot be read ({error.strerror})"
            raise SourceError("source.unreachable", sentence) from None
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._map is not None:
            self._map.close()
            self._map = None

    def epoch(self) -> str:
        return ""

    def list(self) -> list[Listed]:
        self._places = {content_key(self._stored(place)): place for place in self._mails()}
        listed = [Listed(key, end - start) for key, (start, end) in self._places.items()]
        return listed[::-1] if self.mailbox.order == "newest-first" else listed

    def _mails(self) -> Iterator[tuple[int, int]]:
        """Where mails begin and end: behind a From line that opens the file or follows an empty line."""
        if self._map is None:
            return
        start = -1
        for found in _FROM.finditer(self._map):
            at = found.start()
            if at == 0 or self._map[max(0, at - 2) : at] == b"\n\n" or self._map[max(0, at - 4) : at] == b"\r\n\r\n":
                if start >= 0:
                    yield start, at
                start = found.end()
                self._lines[start] = found.group()
        if start >= 0:
            yield start, len(self._map)

    def _stored(self, place: tuple[int, int]) -> bytes:
        """The bytes of a mail without the empty line before the next; of one over the limit only the beginning."""
        assert self._map is not None  # noqa: S101 - a place comes from the map
        start, end = place
        cut = self._map[start : min(end, start + self._limits.raw + 4)]
        return cut[: len(cut) - 1 - cut.endswith(b"\r\n\r\n")] if cut.endswith((b"\n\n", b"\r\n\r\n")) else cut

    def fetch(self, keys: Sequence[str], limits: Limits) -> Iterator[RawMail]:
        if not self._places:
            self.list()
        for key in keys:
            if key not in self._places:
                continue
            start, end = self._places[key]
            content = _STUFFED.sub(rb"\1", self._stored((start, end)))
            truncated = end - start > limits.raw
            if truncated:
                content = header_of(content[: limits.header_block])
            yield raw_mail(self.mailbox.name, key, content, self._now(), end - start, truncated)

    def judge(self, listed: Sequence[Listed], since: datetime) -> Judged:
        """By the date in the From line, else by the time of the file: no mail in it came later."""
        told = Path(self.mailbox.path or ".").stat().st_mtime
        older = (
            each.key
            for each in listed
            if each.key in self._places
            and (of_from_line(self._lines[self._places[each.key][0]]) or datetime.fromtimestamp(told, UTC)) < since
        )
        return Judged(frozenset(older))

    def refusal(self, key: str) -> str:
        return ""

    def settle(self, actions: Sequence[Action]) -> Sequence[Settled]:
        why = "an mbox file is only read: its mails can be kept, not moved or deleted"
        return [
            Settled(each.key, "done") if each.kind in ("keep", "seen") else Settled(each.key, "failed", why)
            for each in actions
        ]

    def peek(self, n: int) -> Sequence[Peek]:
        return [
            Peek(each.key, each.size_bytes or 0, None, (), header_of(self._stored(self._places[each.key])))
            for each in self.list()[:n]
        ]

    def folders(self) -> Sequence[str]:
        return []

    def describe(self) -> Sequence[tuple[str, str]]:
        return [("file", str(self.mailbox.path)), ("messages", str(len(self.list())))]
