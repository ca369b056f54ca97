"""The content of a part: transfer encodings undone, text decoded and its lines joined.

Here: base64, quoted-printable, uuencode, charsets of bodies, format=flowed. Not here: where the parts are (`split`),
which of them are the body (`body`).
Invariant: whatever the bytes, content comes out and nothing raises; bytes that decode are never dropped because of
some that do not.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Iterable
from contextlib import suppress
from itertools import islice

from pybase64 import b64decode

from engine.mail import charset
from engine.model.mail import Part

_PADDING_INSIDE = re.compile(rb"=[\s=]*[^\s=]")
_NO_BASE64_LINE = re.compile(rb"^(?![A-Za-z0-9+/]*+={0,2}[ \t\r]*$)", re.MULTILINE)
_PIECE = re.compile(rb"[^=]+=*")
_ALPHABET = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
_NOT_BASE64 = bytes(byte for byte in range(256) if byte not in _ALPHABET)
_SOFT_BREAK = re.compile(rb"=[ \t]+(\r?\n)")
_META_CHARSET = re.compile(rb"""<meta[^>]{0,200}?charset\s*=\s*["']?\s*([\w.:-]{1,40})""", re.IGNORECASE)
META_BYTES = 4096
MOST_FLOWED = 4_000_000
MOST_PIECES = 100_000
MOST_LINES = 1_000_000
UUENCODE = frozenset({"x-uuencode", "uuencode", "x-uue", "uue"})


def content(raw: bytes, part: Part) -> bytes:
    """Give the decoded bytes of a part."""
    return decoded(raw, part)[0]


def text(raw: bytes, part: Part) -> str:
    """Give the text of a part: lines end with a newline, flowed lines are joined (RFC 3676), no NUL."""
    return read(raw, part)[0]


def without(words: str, spans: Iterable[tuple[int, int]]) -> str:
    """Leave spans out of a text; they stand in order and do not overlap."""
    kept, after = [], 0
    for start, end in spans:
        kept.append(words[after:start])
        after = end
    return "".join(kept) + words[after:]


def decoded(raw: bytes, part: Part) -> tuple[bytes, str]:
    """Undo the transfer encoding; the second value is "" or the code of a defect."""
    body = raw[part.start : part.end]
    encoding = part.encoding
    if encoding == "base64":
        return _base64(body)
    if encoding == "quoted-printable":
        return quoted_printable(body), ""
    if encoding in UUENCODE:
        return _uudecode(body)
    return body, ""


def read(raw: bytes, part: Part, hint: str = "") -> tuple[str, tuple[str, ...]]:
    """Give the text of a part and the codes of its defects; `hint` is a charset to try where none is declared."""
    data, broken = decoded(raw, part)
    label = part.charset
    if (
        not data.isascii()
        or (label and charset.codec(label) not in (charset.GUESS, "utf-8", "western"))
        or b"\x1b$" in data
    ):
        words, odd = _in_charset(data, label, part.content_type, hint)
    else:
        words, odd = data.decode("ascii"), ""
        if label and not charset.codec(label):
            odd = "charset_unknown"
    if "\r" in words:
        words = words.replace("\r\r\n", "\n").replace("\r\n", "\n").replace("\r", "\n")
    nul = ""
    if "\x00" in words:
        words, nul = words.replace("\x00", ""), "nul_in_text"
    if part.flowed and part.content_type == "text/plain" and len(words) < MOST_FLOWED:
        words = unflowed(words, part.delsp)
    return words, tuple(code for code in (broken, odd, nul) if code)


def _in_charset(data: bytes, label: str, content_type: str, hint: str) -> tuple[str, str]:
    if not label or charset.codec(label) in ("", charset.GUESS):
        if content_type == "text/html":
            meta = _META_CHARSET.search(data, 0, META_BYTES)
            if meta and charset.codec(meta[1].decode("ascii")) not in ("", charset.GUESS, "utf-16"):
                return charset.decode(data, meta[1].decode("ascii"))
        text = charset.guess(data, hint)
        return text, "charset_unknown" if label and not charset.codec(label) else "charset_undeclared"
    return charset.decode(data, label)


# ── base64 ────────────────────────────────────────────────────────────────────────────────────────────────────


def _base64(body: bytes) -> tuple[bytes, str]:
    """Decode base64 (RFC 2045 6.8): the clean by a strict and fast library, anything odd letter by letter."""
    for unbroken in (_even_lines_joined, _lines_joined):
        with suppress(binascii.Error):
            return b64decode(unbroken(body), validate=True), ""
    if _PADDING_INSIDE.search(body):
        return _several_base64(body), "base64_broken"
    try:
        return binascii.a2b_base64(body), ""
    except binascii.Error:
        return _base64_of(body), "base64_broken"


def _even_lines_joined(body: bytes) -> bytes | bytearray:
    """Take out the line ends of lines as long as the first, in half the time of looking for each.

    Others stay, and nothing is decoded with them.
    """
    joined, width = bytearray(body), body.find(b"\n") + 1
    for end in (b"\n", b"\r"):
        if width > 1 and not joined[width - 1 :: width].strip(end):
            del joined[width - 1 :: width]
            width -= 1
    return joined.rstrip(b"\r\n")


def _lines_joined(body: bytes) -> bytes | bytearray:
    return body.translate(None, b"\r\n")


def _several_base64(body: bytes) -> bytes:
    """Decode pieces that were encoded one by one and then joined; a line that is none (a list's footer) ends it."""
    footer = _NO_BASE64_LINE.search(body)
    end = footer.start() if footer and footer.start() else len(body)
    out, position = bytearray(), 0
    for piece in islice(_PIECE.finditer(body, 0, end), MOST_PIECES):
        out += _base64_of(piece.group())
        position = piece.end()
    return bytes(out + _base64_of(body[position:end])) or _base64_of(body)


def _base64_of(piece: bytes) -> bytes:
    clean = piece.translate(None, _NOT_BASE64)
    if len(clean) % 4 == 1:
        clean = clean[:-1]
    return binascii.a2b_base64(clean + b"==")


# ── quoted-printable and uuencode ─────────────────────────────────────────────────────────────────────────────


def quoted_printable(body: bytes) -> bytes:
    """Decode quoted-printable (RFC 2045 6.7); blanks behind a soft break are the work of a gateway and go."""
    return binascii.a2b_qp(_SOFT_BREAK.sub(rb"=\1", body) if _SOFT_BREAK.search(body) else body)


def _uudecode(body: bytes) -> tuple[bytes, str]:
    """Decode uuencoded lines between `begin` and `end`; a line that cannot be decoded is left out."""
    out, broken = bytearray(), ""
    start = body.find(b"begin ")
    position = body.find(b"\n", start) + 1 if start >= 0 else 0
    for _ in range(MOST_LINES):
        if position >= len(body):
            break
        newline = body.find(b"\n", position)
        line_end = newline if newline >= 0 else len(body)
        line = body[position:line_end].rstrip(b"\r")
        position = line_end + 1
        if line == b"end":
            break
        try:
            out += binascii.a2b_uu(line)
        except binascii.Error:
            whole = (((line[0] - 32) & 63) * 4 + 5) // 3  # some encoders write more behind a line
            try:
                out += binascii.a2b_uu(line[:whole])
            except binascii.Error:
                broken = "uuencode_broken"
    else:
        broken = "uuencode_broken"
    return bytes(out), broken


# ── format=flowed ─────────────────────────────────────────────────────────────────────────────────────────────


def unflowed(words: str, delsp: bool) -> str:
    """Join flowed lines of the same quote depth (RFC 3676 4.2 to 4.5); a signature separator is never joined."""
    out: list[str] = []
    paragraph, depth = "", -1
    for line in words.split("\n"):
        quotes = len(line) - len(line.lstrip(">"))
        body = line[quotes:]
        body = body[1:] if body[:1] == " " else body
        if depth >= 0 and (quotes != depth or body == "-- "):
            out.append(_quoted(paragraph, depth))
            paragraph, depth = "", -1
        flows = body.endswith(" ") and body != "-- "
        paragraph += body[:-1] if flows and delsp else body
        if flows:
            depth = quotes
        else:
            out.append(_quoted(paragraph, quotes))
            paragraph, depth = "", -1
    if depth >= 0:
        out.append(_quoted(paragraph, depth))
    return "\n".join(out)


def _quoted(paragraph: str, depth: int) -> str:
    return f"{'>' * depth} {paragraph}" if depth else paragraph
