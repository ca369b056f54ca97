"""S/MIME containers that need no key: what stands inside of a signed or compressed one (RFC 5652, RFC 3274).

Here: `content`, a walk along the few elements in front of the content, in DER or BER. Not here: signatures, which are
neither verified nor trusted; the mail inside (`containers.py`).
Invariant: nothing raises; linear and bounded whatever the bytes; of a container that was cut off comes what is there.
"""

from __future__ import annotations

import re
import zlib
from typing import NamedTuple

SEQUENCE, OID, EXPLICIT, OCTETS, OCTETS_IN_PIECES = 0x30, 0x06, 0xA0, 0x04, 0x24
_KINDS = {
    bytes.fromhex("2a864886f70d010702"): "signed",
    bytes.fromhex("2a864886f70d010703"): "encrypted",
    bytes.fromhex("2a864886f70d0109100117"): "encrypted",
    bytes.fromhex("2a864886f70d0109100109"): "compressed",
}
_ENTITY = re.compile(rb"\s{0,100}(?:content-[a-z-]{2,40}|mime-version)[ \t]*:", re.IGNORECASE)
MOST_ELEMENTS = 100_000
MOST_BYTES = 60_000_000


def content(data: bytes) -> tuple[str, bytes]:
    """Tell what kind of container this is ("" for none), and give its content where no key is needed."""
    walk = _Walk(data)
    kind = _KINDS.get(walk.value(OID), "") if walk.enter(SEQUENCE) else ""
    if kind not in ("signed", "compressed") or not (walk.enter(EXPLICIT) and walk.enter(SEQUENCE)):
        return kind, b""
    if not (walk.skip() and walk.skip() and walk.enter(SEQUENCE) and walk.skip() and walk.enter(EXPLICIT)):
        return kind, b""
    inside = walk.octets()
    return kind, _inflated(inside) if kind == "compressed" else inside


def is_mail(inside: bytes) -> bool:
    """Tell whether a content is a mail (RFC 8551, 3.1), not a document that somebody signed."""
    return _ENTITY.match(inside) is not None


def _inflated(data: bytes) -> bytes:
    try:
        return zlib.decompressobj().decompress(data, MOST_BYTES)
    except zlib.error:
        return b""


class _Element(NamedTuple):
    """An element: its tag, and the slice of its value. `end` is -1 where only a mark tells the end (X.690, 8.1.3.6)."""

    tag: int
    start: int
    end: int


class _Walk:
    """Goes along elements; `at` is where the next one begins."""

    def __init__(self, data: bytes) -> None:
        self.data, self.at = data, 0

    def _next(self) -> _Element | None:
        data, at = self.data, self.at
        if at + 2 > len(data) or data[at] & 0x1F == 0x1F:
            return None
        tag, length, start = data[at], data[at + 1], at + 2
        if length == 0x80:
            return _Element(tag, start, -1)
        if length > 0x80:
            more = start + (length & 0x7F)
            length, start = int.from_bytes(data[start:more], "big"), more
        return _Element(tag, start, min(start + length, len(data)))

    def enter(self, tag: int) -> bool:
        """Step into an element of this kind."""
        found = self._next()
        if found is None or found.tag != tag:
            return False
        self.at = found.start
        return True

    def value(self, tag: int) -> bytes:
        """Take the value of an element of this kind, b"" if it is another."""
        found = self._next()
        if found is None or found.tag != tag or found.end < 0:
            return b""
        self.at = found.end
        return self.data[found.start : found.end]

    def skip(self) -> bool:
        """Step over an element, whatever is in it."""
        opened = 0
        for _ in range(MOST_ELEMENTS):
            found = self._next()
            if found is None:
                return False
            if found.end < 0:
                opened, self.at = opened + 1, found.start
            else:
                self.at = found.end
                opened -= found.tag == 0 and opened > 0
            if not opened:
                return True
        return False

    def octets(self) -> bytes:
        """Take a string of bytes, in one piece or in many."""
        first = self._next()
        if first is None or first.tag not in (OCTETS, OCTETS_IN_PIECES):
            return b""
        if first.tag == OCTETS:
            return self.value(OCTETS)
        end, opened = (first.end, 0) if first.end >= 0 else (len(self.data), 1)
        self.at = first.start
        pieces: list[bytes] = []
        while self.at < end and len(pieces) < MOST_ELEMENTS:
            found = self._next()
            if found is None or found.tag not in (OCTETS, OCTETS_IN_PIECES, 0):
                break
            if found.tag == OCTETS:
                pieces.append(self.data[found.start : max(found.end, found.start)])
            opened += found.end < 0
            opened -= found.tag == 0
            self.at = found.end if found.end >= 0 and found.tag != OCTETS_IN_PIECES else found.start
            if found.tag == 0 and opened <= 0:
                break
        return b"".join(pieces)
