"""What a winmail.dat says about its mail: the text and the message class (MS-OXTNEF, MS-OXCMAIL).

Here: `read`. Not here: the files in it, which a program apart takes out (`tnef.py`).
Invariant: nothing raises; linear and bounded; what is cut off counts up to the cut.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

from msgspec import Struct

from engine.mail import charset, rtf

SIGNATURE = b"\x78\x9f\x3e\x22"
MOST_ATTRIBUTES = 10_000
MOST_TEXT = 4_000_000

_CLASS, _BODY, _PROPERTIES, _CODE_PAGE = 0x8008, 0x800C, 0x9003, 0x9007
_P_CLASS, _P_BODY, _P_HTML, _P_RTF, _P_HTML_PAGE, _P_PAGE = 0x001A, 0x1000, 0x1013, 0x1009, 0x3FDE, 0x3FFD
_FIXED = {0x02: 4, 0x03: 4, 0x04: 4, 0x05: 8, 0x06: 8, 0x07: 8, 0x0A: 4, 0x0B: 4, 0x14: 8, 0x40: 8, 0x48: 16}
_UNICODE, _LONG = 0x1F, 0x03
_SIZED = frozenset({0x0D, 0x1E, _UNICODE, 0x102})
_PAGES = {
    65001: "utf-8", 20127: "us-ascii", 20866: "koi8-r", 21866: "koi8-u", 50220: "iso-2022-jp", 50221: "iso-2022-jp",
    50222: "iso-2022-jp", 51932: "euc-jp", 51949: "euc-kr", 936: "gb18030", 54936: "gb18030", 52936: "hz-gb-2312",
}  # fmt: skip
_OLD_CLASSES = {
    "ipm.microsoft mail.note": "IPM.Note",
    "ipm.microsoft mail.read receipt": "REPORT.IPM.Note.IPNRN",
    "ipm.microsoft mail.non-delivery": "REPORT.IPM.Note.NDR",
    "ipm.microsoft schedule.mtgreq": "IPM.Schedule.Meeting.Request",
    "ipm.microsoft schedule.mtgrespp": "IPM.Schedule.Meeting.Resp.Pos",
    "ipm.microsoft schedule.mtgrespn": "IPM.Schedule.Meeting.Resp.Neg",
    "ipm.microsoft schedule.mtgrespa": "IPM.Schedule.Meeting.Resp.Tent",
    "ipm.microsoft schedule.mtgcncl": "IPM.Schedule.Meeting.Canceled",
}
"""The names under which a winmail.dat holds the usual classes (MS-OXTNEF 2.1.3.4)."""


class Message(Struct, frozen=True):
    """What was read. `closed`: there is a text, and it could not be read."""

    message_class: str = ""
    text: str = ""
    html: str = ""
    closed: bool = False


def read(content: bytes) -> Message | None:
    """Read a winmail.dat, None for what is none."""
    if not content.startswith(SIGNATURE):
        return None
    found: dict[int, bytes] = {}
    properties: dict[int, tuple[int, bytes]] = {}
    whole = True
    for name, value, is_whole in _attributes(content):
        whole = whole and is_whole
        if name == _PROPERTIES:
            properties = dict(_properties(value))
        elif name in (_CLASS, _BODY, _CODE_PAGE):
            found.setdefault(name, value)
    page = _page(found.get(_CODE_PAGE, b"")[:4])
    said = properties.get(_P_CLASS)
    named = _text(said, page) if said else _text((0, found.get(_CLASS, b"")), page)
    html_page = _page(properties.get(_P_HTML_PAGE, (0, b""))[1]) or page
    html = charset.decode(properties[_P_HTML][1][:MOST_TEXT], html_page)[0] if _P_HTML in properties else ""
    text = _text(properties.get(_P_BODY) or (0, found.get(_BODY, b"")), page)
    packed = properties.get(_P_RTF, (0, b""))[1]
    closed = False
    if not (text.strip() or html.strip()):
        plain = rtf.unpacked(packed)
        text, broken = rtf.to_text(plain), bool(packed) and not plain.startswith(b"{\\rtf")
        closed = broken or not whole or not (found or properties)
    return Message(_OLD_CLASSES.get(named.casefold(), named)[:200], _lines(text), html.replace("\0", ""), closed)


def _attributes(content: bytes) -> Iterator[tuple[int, bytes, bool]]:
    """The attributes of the message itself, those of its files passed over; whether each is there to its end."""
    at = 6
    for _ in range(MOST_ATTRIBUTES):
        if at + 9 > len(content):
            return
        level, name, _kind, length = struct.unpack_from("<BHHI", content, at)
        if level == 1:
            yield name, content[at + 9 : at + 9 + length], at + 9 + length <= len(content)
        at += 9 + length + 2


def _properties(data: bytes) -> Iterator[tuple[int, tuple[int, bytes]]]:
    """MAPI properties: number -> type and value; one of several values ends the reading of what is not known."""
    at = 4
    try:
        for _ in range(MOST_ATTRIBUTES):
            if at + 4 > len(data):
                return
            kind, number = struct.unpack_from("<HH", data, at)
            at += 4
            if number >= 0x8000:
                at = _behind_name(data, at)
            several, kind = kind & 0x1000, kind & ~0x1000
            count = 1
            if several or kind in _SIZED:
                (count,) = struct.unpack_from("<I", data, at)
                at += 4
            for _value in range(min(count, MOST_ATTRIBUTES)):
                length, at = (struct.unpack_from("<I", data, at)[0], at + 4) if kind in _SIZED else (_FIXED[kind], at)
                if not several:
                    yield number, (kind, data[at : at + length])
                at += -(-length // 4) * 4
    except (struct.error, KeyError):
        return


def _behind_name(data: bytes, at: int) -> int:
    """Step over the name of a named property."""
    (kind,) = struct.unpack_from("<I", data, at + 16)
    if kind == 0:
        return at + 24
    (length,) = struct.unpack_from("<I", data, at + 20)
    return int(at + 24 + -(-length // 4) * 4)


def _page(stored: bytes) -> str:
    """Name the charset of a Windows code page, "" for none."""
    number = int.from_bytes(stored[:4], "little")
    if 28591 <= number <= 28605:
        return f"iso-8859-{number - 28590}"
    label = _PAGES.get(number, f"windows-{number}")
    return label if charset.codec(label) else ""


def _text(stored: tuple[int, bytes], page: str) -> str:
    kind, value = stored
    if kind == _UNICODE:
        return value[:MOST_TEXT].decode("utf-16-le", "replace").rstrip("\0")
    return charset.decode(value[:MOST_TEXT].rstrip(b"\0"), page)[0]


def _lines(text: str) -> str:
    return text.replace("\0", "").replace("\r\n", "\n").replace("\r", "\n")
