"""Writing a mail: header fields and parts as bytes (RFC 5322, RFC 2047, RFC 2045).

Here: the encodings. Not here: which headers and parts there are (`compose.py`).
Why not the standard library's `EmailMessage`: it decodes encoded-words that stand in a value given to it, so that a
stranger's subject of `=?utf-8?q?=00?=` becomes a NUL. Here a value is only ever written.
Invariant: text becomes ASCII without control characters; lines end in CRLF and are at most 998 bytes long.
"""

from __future__ import annotations

import re
from base64 import b64encode, encodebytes
from binascii import b2a_qp
from collections.abc import Iterable

PLAIN_CHARS = 66
WORD_BYTES = 42
"""Bytes of text in one encoded-word: as base64 with `=?utf-8?b?…?=` they stay below 75 characters (RFC 2047, 2)."""

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


def file_part(name: str, content: bytes) -> bytes:
    """An attachment of any bytes; `name` is one of ours."""
    head = (
        f'Content-Type: application/octet-stream\r\nContent-Disposition: attachment; filename="{name}"\r\n'
        "Content-Transfer-Encoding: base64\r\n\r\n"
    )
    return head.encode() + encodebytes(content).replace(b"\n", b"\r\n")


def message(fields: Iterable[tuple[str, str]], parts: tuple[bytes, ...], boundary: str) -> bytes:
    """Put header and parts together; `boundary` begins with `=_`, which no encoded part contains."""
    head = "".join(f"{name}: {value}\r\n" for name, value in fields).encode() + b"MIME-Version: 1.0\r\n"
    if len(parts) == 1:
        return head + parts[0]
    mark = b"--" + boundary.encode()
    whole = b"".join(mark + b"\r\n" + part + b"\r\n" for part in parts)
    return head + f'Content-Type: multipart/mixed; boundary="{boundary}"\r\n\r\n'.encode() + whole + mark + b"--\r\n"
