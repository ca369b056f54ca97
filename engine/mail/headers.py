"""Header fields: where a header block ends, its fields, their decoded values.

Here: RFC 5322 2.2 (fields and folding) and RFC 2047 (encoded words), tolerant.
Not here: parameters (`parameters`), what single fields mean (`addresses`, `parse`, `auth`).
Invariant: a raw value is text with bytes beyond ASCII kept as surrogates (as the standard library does); a decoded
value holds no surrogate and no control character, so nothing decoded can pass for a second line. Linear throughout.
Over 300 lines: one reader from bytes to decoded fields, each step of it small.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple, Protocol

from engine.mail import charset
from engine.model.mail import Defect

Fields = list[tuple[str, str]]
"""Names as written, values unfolded and raw, in the order of the mail."""


class HeaderLimits(Protocol):
    """The part of `[limits]` that headers are read under: bytes, bytes, count."""

    @property
    def header_block(self) -> int: ...
    @property
    def header(self) -> int: ...
    @property
    def headers(self) -> int: ...


class Block(NamedTuple):
    """A header block: its fields and the offset at which the body begins."""

    fields: Fields
    body: int


_FOLD = re.compile(r"\n[ \t]+")
_ODD_FOLD = re.compile(r"\r*\n[ \t]+")
_FIELD_NAME = re.compile(r"[!-9;-~]+")
_BLANK = re.compile(rb"\n\r*\n")
_NAME = re.compile(rb"([!-9;-~]+)[ \t]*:")
_KNOWN = re.compile(
    rb"(?:content-(?:type|transfer-encoding|disposition|id|description)|mime-version|from|to|cc|subject|date|received"
    rb"|message-id|reply-to|sender|return-path|references|in-reply-to|dkim-signature|x-[a-z0-9-]+)[ \t]*:",
    re.IGNORECASE,
)
CACHED_LENGTH = 200
_TAIL_COUNTS = frozenset({"references", "in-reply-to"})
LOOK_AHEAD_LINES = 8
LONGEST_NAME = 200


# ── where the block ends, and its lines ───────────────────────────────────────────────────────────────────────


def read(raw: bytes, start: int, end: int, limits: HeaderLimits, note: list[Defect]) -> Block:
    """Read the header block of the entity in `raw[start:end]`; what is odd is added to `note`."""
    if raw.startswith((b"\n", b"\r\n"), start, end):
        return Block([], raw.index(b"\n", start) + 1)
    stop, body = _blank_line(raw, start, end)
    if stop - start > limits.header_block:
        stop = _whole_fields(raw, start, start + limits.header_block)
        note.append(Defect("header_block_cut", f"the header is larger than {limits.header_block} bytes"))
    fields = []
    for line in _unfolded(raw[start:stop].decode("ascii", "surrogateescape")).split("\n"):
        name, colon, value = line.partition(":")
        name = _name(name)
        if not name or not colon:
            return _limited(_read_odd(raw, start, stop, body, note), limits, note)
        fields.append((name, value.strip(" \t\r")))
    return _limited(Block(fields, body), limits, note)


def _unfolded(text: str) -> str:
    """Undo folding (RFC 5322 2.2.3); what a line was indented with becomes one blank."""
    if "\r" in text:
        text = text.replace("\r\n", "\n")
    return (_ODD_FOLD if "\r" in text else _FOLD).sub(" ", text)


@lru_cache(maxsize=4096)
def _name(text: str) -> str:
    """Give a field name without the blanks behind it, "" if it is none."""
    name = text.rstrip(" \t")
    return name if len(name) <= LONGEST_NAME and _FIELD_NAME.fullmatch(name) else ""


def _whole_fields(raw: bytes, start: int, stop: int) -> int:
    """Cut a block so that it does not end within the name of a field; a value may be cut."""
    last = raw.rfind(b"\n", start, stop)
    cut_name = last >= 0 and b":" not in raw[last:stop] and raw[last + 1 : last + 2] not in (b" ", b"\t")
    return last if cut_name else stop


def _blank_line(raw: bytes, start: int, end: int) -> tuple[int, int]:
    """Find the first empty line: where the last line before it ends, and where the line after it begins.

    The kind of the first line break is searched for first, so that the other search stays within the header.
    """
    first = raw.find(b"\n", start, end)
    kinds = (b"\n\r\n", b"\n\n") if first > start and raw[first - 1] == 13 else (b"\n\n", b"\n\r\n")
    stop, width = raw.find(kinds[0], start, end), len(kinds[0])
    other = raw.find(kinds[1], start, stop if stop >= 0 else end)
    if other >= 0:
        stop, width = other, len(kinds[1])
    if stop < 0:
        found = _BLANK.search(raw, start, end)
        return (found.start(), found.end()) if found else (end, end)
    return stop, stop + width


def _read_odd(raw: bytes, start: int, stop: int, body: int, note: list[Defect]) -> Block:
    """Read a block in which some line is no header field.

    A stray line between fields continues the field before it; one that no known field follows soon begins the body.
    """
    fields: list[tuple[str, list[bytes]]] = []
    position = start
    while position < stop:
        newline = raw.find(b"\n", position, stop)
        line_end = newline + 1 if newline >= 0 else stop
        line = raw[position:line_end].rstrip(b"\r\n")
        named = _NAME.match(line)
        if named:
            fields.append((named[1].decode("ascii"), [line[named.end() :]]))
        elif line[:1] in (b" ", b"\t"):
            if fields:
                fields[-1][1].append(b" " + line.strip(b" \t"))
        elif not fields and line.startswith((b"From ", b">From ")):
            note.append(Defect("mbox_line", "the mail begins with a line of a mailbox file"))
        elif _fields_go_on(raw, line_end, stop):
            note.append(Defect("header_stray_line", _shown(line)))
            if fields and line.strip():
                fields[-1][1].append(b" " + line)
        else:
            note.append(Defect("header_no_blank_line", _shown(line)))
            body = position
            break
        position = line_end
    return Block([(name, b"".join(pieces).decode("ascii", "surrogateescape").strip()) for name, pieces in fields], body)


def _fields_go_on(raw: bytes, position: int, stop: int) -> bool:
    for _ in range(LOOK_AHEAD_LINES):
        if position >= stop:
            return False
        if _KNOWN.match(raw, position, stop):
            return True
        position = raw.find(b"\n", position, stop) + 1 or stop
    return False


def _shown(line: bytes) -> str:
    return line[:60].decode("ascii", "replace")


def _limited(block: Block, limits: HeaderLimits, note: list[Defect]) -> Block:
    """Cut what is too long and too many. Of threading ids both ends count, so there the middle goes."""
    fields = block.fields
    if len(fields) > limits.headers:
        note.append(Defect("header_too_many", f"{len(fields)} fields, {limits.headers} are read"))
        fields = fields[: limits.headers]
    allowed = limits.header
    for index, (name, value) in enumerate(fields):
        if len(value) > allowed:
            note.append(Defect("header_field_cut", f"{name}: {len(value)} bytes, {allowed} are read"))
            half = allowed // 2
            kept = value[:half] + " " + value[-half:] if name.lower() in _TAIL_COUNTS else value[:allowed]
            fields[index] = (name, kept)
    return Block(fields, block.body)


# ── values ────────────────────────────────────────────────────────────────────────────────────────────────────

_WORD_HEAD = re.compile(r"=\?([^?\s]{1,80})\?([bBqQ])\?")
_CONTROL = re.compile(r"[\x00-\x1f\x7f\x85\u2028\u2029]+")
_HEX = re.compile(rb"=([0-9A-Fa-f]{2})")
_NOT_BASE64 = re.compile(r"[^A-Za-z0-9+/]+")


def decode(value: str | bytes, hint: str = "") -> str:
    """Decode a header value for reading (RFC 2047); raw bytes beyond ASCII are read as UTF-8, `hint`, or western.

    Tolerated: encoded words without blanks around them, with blanks inside, with a character split between two,
    without their end, without padding. What cannot be decoded stays as it stands.
    """
    text = value.decode("ascii", "surrogateescape") if isinstance(value, bytes) else value
    if "=?" not in text and text.isprintable():
        return text
    return _decode_cached(text, hint) if len(text) <= CACHED_LENGTH else _decode(text, hint)


def _decode(text: str, hint: str) -> str:
    text = _encoded_words(text, hint) if "=?" in text else _plain(text, hint)
    return text if text.isprintable() else _CONTROL.sub(_blank_for_control, text)


def plain(value: str) -> str:
    """Make the value of a field that machines write readable: no encoded word is decoded in it."""
    return value if value.isprintable() else _CONTROL.sub(_blank_for_control, _plain(value, ""))


_decode_cached = lru_cache(maxsize=4096)(_decode)


def _blank_for_control(found: re.Match[str]) -> str:
    return "" if found.group().strip("\x00\x7f") == "" else " "


def _plain(text: str, hint: str) -> str:
    """Read text outside encoded words."""
    if text.isascii() and "\x1b$" not in text:
        return text
    return charset.guess(as_bytes(text), hint)


def as_bytes(text: str) -> bytes:
    """Give raw text its bytes back."""
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return text.encode("utf-8", "replace")


class _Word(NamedTuple):
    """An encoded word and where it stands."""

    start: int
    end: int
    label: str
    base64: bool
    payload: str


def _encoded_words(text: str, hint: str) -> str:
    """Decode all encoded words; neighbours of one charset are put together before they are decoded."""
    out: list[str] = []
    run: list[_Word] = []
    position = 0
    for word in _words(text):
        between = text[position : word.start]
        if not run or between.strip() or word.label != run[0].label:
            out.append(_decoded(run))
            if not run or between.strip():  # RFC 2047 6.2: blanks between encoded words say nothing
                out.append(_plain(between, hint))
            run = []
        run.append(word)
        position = word.end
    out.append(_decoded(run))
    out.append(_plain(text[position:], hint))
    return "".join(out)


def _words(text: str) -> Iterator[_Word]:
    """Find the encoded words. One that never ends counts if it is the last thing in the value."""
    close = 0
    head = _WORD_HEAD.search(text)
    while head is not None:
        if 0 <= close < head.end():
            close = text.find("?=", head.end())
        following = _WORD_HEAD.search(text, head.end(), close if close >= 0 else len(text))
        if following is None:
            payload = text[head.end() : close] if close >= 0 else text[head.end() :]
            if close < 0 and (" " in payload or not charset.codec(head[1])):
                return
            end = close + 2 if close >= 0 else len(text)
            label = head[1].partition("*")[0].lower()  # RFC 2231 5: charset*language
            yield _Word(head.start(), end, label, head[2] in "bB", payload)
            following = _WORD_HEAD.search(text, end)
        head = following


def _decoded(run: list[_Word]) -> str:
    """Decode neighbours of one charset; base64 that was cut between two of them is joined first."""
    if not run:
        return ""
    data, cut = bytearray(), ""
    for word in run:
        if word.base64:
            cut += _NOT_BASE64.sub("", word.payload)
            if len(cut) % 4 and not word.payload.rstrip().endswith("="):
                continue
            data += _base64(cut)
        else:
            data += _base64(cut) + _q(word.payload)
        cut = ""
    return charset.decode(bytes(data + _base64(cut)), run[0].label)[0]


def _base64(text: str) -> bytes:
    length = len(text) - (len(text) % 4 == 1)
    return binascii.a2b_base64(text[:length].encode("ascii") + b"==") if length else b""


def _q(text: str) -> bytes:
    data = as_bytes(text.replace("_", " "))
    return _HEX.sub(lambda found: bytes([int(found[1], 16)]), data) if b"=" in data else data
