"""Writing a mail: header fields and parts as bytes (RFC 5322, RFC 2047, RFC 2045).

Here: the encodings. Not here: which headers and parts there are (`compose.py`).
Why not the standard library's `EmailMessage`: it decodes encoded-words that stand in a value given to it, so that a
stranger's subject of `=?utf-8?q?=00?=` becomes a NUL. Here a value is only ever written.
Invariant: text becomes ASCII without control characters; lines end in CRLF and are at most 998 bytes long.
"""

from __future__ import annotations

import re
from base64 import b64encode
from binascii import b2a_base64, b2a_qp
from collections.abc import Iterable, Sequence
from hashlib import sha256
from urllib.parse import quote

PLAIN_CHARS = 66
WORD_BYTES = 42
"""Bytes of text in one encoded-word: as base64 with `=?utf-8?b?…?=` they stay below 75 characters (RFC 2047, 2)."""

_TYPE = re.compile(r"(?!multipart/|message/)[a-z0-9!#$&^_.+-]{1,60}/[a-z0-9!#$&^_.+-]{1,60}")
"""A type that a part of any bytes may have: those that hold parts may not be base64 (RFC 2045, 6.4)."""

_PLAIN_NAME = re.compile(r"[A-Za-z0-9 ._()+-]{1,60}")

OCTETS = "application/octet-stream"

PIECE_CHARS = 54
_PIECES = re.compile(r"(?:%[0-9A-F]{2}|[^%]){1,18}")

_ATOMS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~ -]+")


def unstructured(value: str) -> str:
    """The value of a field such as Subject: as it stands if it is short ASCII, else in encoded-words."""
    if len(value) <= PLAIN_CHARS and value.isascii() and value.isprintable() and "=?" not in value:
        return value
    return encoded_words(value)


def encoded_words(value: str) -> str:
    """Text in encoded-words of whole characters, one a line."""
    words, piece = [], b""
    for char in value:
        encoded = char.encode()
        if len(piece) + len(encoded) > WORD_BYTES:
            words.append(piece)
            piece = b""
        piece += encoded
    words.append(piece)
    return "\r\n ".join(f"=?utf-8?b?{b64encode(word).decode()}?=" for word in words)


def mailbox(name: str, address: str) -> str:
    """A mailbox with or without a display name; the name never needs to be read to find the address."""
    if not name:
        return address
    if name.isascii() and _ATOMS.fullmatch(name) and "=?" not in name and len(name) <= PLAIN_CHARS:
        return f'"{name}"\r\n <{address}>'
    return f"{encoded_words(name)}\r\n <{address}>"


def text_part(text: str) -> bytes:
    """A text/plain part with its header; `text` has plain line ends."""
    body = b2a_qp(text.encode()).replace(b"\n", b"\r\n")
    head = b"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
    return head + body + (b"" if body.endswith(b"\r\n") else b"\r\n")


def html_part(html: str) -> bytes:
    """A text/html part with its header; `html` has plain line ends."""
    head = b"Content-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    return head + _base64(html.encode())


def alternative(text: str, html: bytes) -> bytes:
    """The same said twice: as text, and as a part with HTML (RFC 2046, 5.1.4)."""
    return _multipart("alternative", (text_part(text), html))


def related(html: bytes, pictures: Sequence[bytes]) -> bytes:
    """HTML with the pictures that stand in it (RFC 2387); alone where there are none."""
    return _multipart("related", (html, *pictures)) if pictures else html


def picture_part(content_id: str, content: bytes, content_type: str) -> bytes:
    """A picture that HTML shows by its Content-ID (RFC 2392)."""
    head = (
        f"Content-Type: {content_type if _TYPE.fullmatch(content_type) else OCTETS}\r\nContent-ID: <{content_id}>\r\n"
        "Content-Disposition: inline\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    )
    return head.encode("ascii") + _base64(content)


def file_part(name: str, content: bytes, content_type: str = "") -> bytes:
    """An attachment of any bytes; a name that is not plain is written by RFC 2231. HTML is never shown inline."""
    kind = content_type if _TYPE.fullmatch(content_type) else OCTETS
    head = (
        f"Content-Type: {kind}\r\nContent-Disposition: attachment;\r\n {_filename(name or 'file')}\r\n"
        "Content-Transfer-Encoding: base64\r\n\r\n"
    )
    return head.encode() + _base64(content)


def _base64(content: bytes) -> bytes:
    """Base64 in lines of 76 characters (RFC 2045, 6.8)."""
    encoded = b2a_base64(content, newline=False)
    return b"\r\n".join([encoded[at : at + 76] for at in range(0, len(encoded), 76)]) + b"\r\n"


def encoded_size(size_bytes: int) -> int:
    """Bytes that a file takes up in a mail, about: base64 in lines of 76 characters, and its header."""
    return (size_bytes + 56) // 57 * 78 + 200


def _filename(name: str) -> str:
    """The parameter with the name of a file; a long one in pieces, a line each (RFC 2231, 3 and 4)."""
    if _PLAIN_NAME.fullmatch(name):
        return f'filename="{name}"'
    encoded = quote(name.encode(), safe="")
    if len(encoded) <= PIECE_CHARS:
        return f"filename*=utf-8''{encoded}"
    pieces = _PIECES.findall(encoded)
    pieces[0] = f"utf-8''{pieces[0]}"
    return ";\r\n ".join(f"filename*{number}*={piece}" for number, piece in enumerate(pieces))


def message(fields: Iterable[tuple[str, str]], parts: tuple[bytes, ...]) -> bytes:
    """Put header and parts together."""
    head = "".join(f"{name}: {value}\r\n" for name, value in fields).encode() + b"MIME-Version: 1.0\r\n"
    return head + (parts[0] if len(parts) == 1 else _multipart("mixed", parts))


def _multipart(kind: str, parts: tuple[bytes, ...]) -> bytes:
    """Parts behind a boundary; it begins with `=_`, which no encoded part contains, and hangs on what it parts."""
    boundary = f"=_{kind[:3]}{sha256(b''.join(parts)).hexdigest()[:24]}"
    mark = b"--" + boundary.encode()
    whole = b"".join(mark + b"\r\n" + part + b"\r\n" for part in parts)
    return f'Content-Type: multipart/{kind}; boundary="{boundary}"\r\n\r\n'.encode() + whole + mark + b"--\r\n"
