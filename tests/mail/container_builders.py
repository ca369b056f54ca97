"""Builders of containers: CMS in DER and BER, winmail.dat, packed RTF."""

from __future__ import annotations

import struct

from engine.mail import rtf, tnef_message

SIGNED, ENVELOPED = "2a864886f70d010702", "2a864886f70d010703"
PACKED, DATA = "2a864886f70d0109100109", "2a864886f70d010701"


def element(tag: int, *values: bytes, endless: bool = False) -> bytes:
    value = b"".join(values)
    if endless:
        return bytes([tag, 0x80]) + value + b"\0\0"
    size = len(value)
    length = bytes([size]) if size < 128 else bytes([0x84]) + size.to_bytes(4, "big")
    return bytes([tag]) + length + value


def container(kind: str, content: bytes, *, endless: bool = False, piece: int = 0) -> bytes:
    """A container of this kind, in DER, or in BER without lengths and with its content in pieces."""
    string = element(0x04, content)
    if piece:
        chunks = [content[at : at + piece] for at in range(0, len(content), piece)]
        string = element(0x24, *(element(0x04, each) for each in chunks), endless=endless)
    inner = element(0x30, element(0x06, bytes.fromhex(DATA)), element(0xA0, string, endless=endless), endless=endless)
    algorithms = element(0x31, element(0x30, element(0x06, b"\x2a\x03")), endless=endless)
    body = element(0x30, element(0x02, b"\x01"), algorithms, inner, element(0x31), endless=endless)
    return element(0x30, element(0x06, bytes.fromhex(kind)), element(0xA0, body, endless=endless), endless=endless)


def packed(text: bytes) -> bytes:
    """Packed without any reference: every byte as it is (MS-OXRTFCP 2.2), then the mark of the end."""
    window = len(rtf._START)
    pieces = [text[at : at + 8] for at in range(0, len(text), 8)]
    out = b"".join(b"\0" + piece for piece in pieces[:-1])
    last = pieces[-1] if pieces else b""
    end = ((window + len(text)) % 4096) << 4
    if len(last) == 8:
        out += b"\0" + last + b"\x01" + struct.pack(">H", end)
    else:
        out += bytes([1 << len(last)]) + last + struct.pack(">H", end)
    return struct.pack("<II", len(out) + 12, len(text)) + b"LZFu" + struct.pack("<I", 0) + out


def attribute(level: int, number: int, data: bytes) -> bytes:
    return struct.pack("<BII", level, number, len(data)) + data + struct.pack("<H", sum(data) & 0xFFFF)


HTML = b"<html><body><p>The scanner shows <b>E-17</b>.</p></body></html>"


def prop(kind: int, number: int, value: bytes) -> bytes:
    padded = value + b"\0" * (-len(value) % 4)
    return struct.pack("<HHII", kind, number, 1, len(value)) + padded


def winmail(*properties: bytes, name: str = "IPM.Microsoft Mail.Note", page: int = 1252, more: bytes = b"") -> bytes:
    out = tnef_message.SIGNATURE + struct.pack("<H", 1) + attribute(1, 0x00089006, struct.pack("<I", 0x00010000))
    out += attribute(1, 0x00069007, struct.pack("<II", page, 0))
    out += attribute(1, 0x00078008, name.encode() + b"\0")
    out += attribute(1, 0x00069003, struct.pack("<I", len(properties)) + b"".join(properties))
    return out + more
