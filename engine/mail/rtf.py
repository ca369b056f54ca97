"""RTF -> text, and the packed form it has in winmail.dat (MS-OXRTFCP).

Here: `unpacked`, `to_text`. HTML that Outlook wrapped in RTF (MS-OXRTFEX) reads as the text a reader of RTF would see.
Invariant: linear and bounded; nothing raises; what is no RTF gives "".
"""

from __future__ import annotations

import re
import struct

from engine.mail import charset

PACKED, PLAIN = b"LZFu", b"MELA"
MOST_BYTES = 1_000_000
_START = (
    b"{\\rtf1\\ansi\\mac\\deff0\\deftab720{\\fonttbl;}{\\f0\\fnil \\froman \\fswiss \\fmodern \\fscript \\fdecor "
    b"MS Sans SerifSymbolArialTimes New RomanCourier{\\colortbl\\red0\\green0\\blue0\r\n\\par "
    b"\\pard\\plain\\f0\\fs20\\b\\i\\u\\tab\\tx"
)
"""What the window of every packed text begins with."""
_WINDOW = 4096

_TOKEN = re.compile(
    rb"\\([a-z]{1,32})(-?\d{1,9})? ?|\\'([0-9A-Fa-f]{2})|\\(.)|([{}])|[\r\n]+|([^\\{}\r\n]+)", re.DOTALL
)
_HIDDEN = frozenset(b"fonttbl colortbl stylesheet info pict object header footer listtable themedata".split())
_SIGNS = {
    b"par": b"\n", b"line": b"\n", b"row": b"\n", b"tab": b"\t", b"cell": b"\t", b"emdash": b"\x97",
    b"endash": b"\x96", b"bullet": b"\x95", b"lquote": b"\x91", b"rquote": b"\x92", b"ldblquote": b"\x93",
    b"rdblquote": b"\x94",
}  # fmt: skip


def unpacked(data: bytes) -> bytes:
    """Undo the packing of PR_RTF_COMPRESSED; b"" for what is none or too large."""
    if len(data) < 16:
        return b""
    (size,), kind = struct.unpack_from("<I", data, 4), data[8:12]
    if kind == PLAIN:
        return data[16 : 16 + size]
    return _unpacked(data, size) if kind == PACKED and size <= MOST_BYTES else b""


def _unpacked(data: bytes, size: int) -> bytes:
    window, write = bytearray(_START.ljust(_WINDOW, b"\0")), len(_START)
    out = bytearray()
    at, control, bit = 16, 0, 8
    while at < len(data) and len(out) < size:
        if bit == 8:
            control, bit, at = data[at], 0, at + 1
            continue
        if control >> bit & 1:
            token = int.from_bytes(data[at : at + 2], "big")
            read, length, at = token >> 4, (token & 15) + 2, at + 2
            if read == write:
                break
        else:
            window[write] = data[at]
            read, length, at = write, 1, at + 1
        for step in range(length):
            byte = window[(read + step) % _WINDOW]
            out.append(byte)
            window[write] = byte
            write = (write + 1) % _WINDOW
        bit += 1
    return bytes(out[:size])


def to_text(rtf: bytes) -> str:
    """Give the words of an RTF text, a line a paragraph."""
    if not rtf.startswith(b"{\\rtf"):
        return ""
    out, pending = list[str](), bytearray()
    label, depth, hides, skip, after = "windows-1252", 0, list[int](), 0, 1
    for token in _TOKEN.finditer(rtf[:MOST_BYTES]):
        word, number, byte, sign, brace, words = token.groups()
        if brace:
            depth += 1 if brace == b"{" else -1
            while hides and depth < hides[-1]:
                hides.pop()
            continue
        if sign == b"*" or word in _HIDDEN:
            hides.append(depth)
        elif word == b"ansicpg":
            label = f"windows-{int(number or 1252)}"
        elif word == b"uc":
            after = max(int(number or 1), 0)
        elif hides:
            continue
        elif word == b"u":
            out += charset.decode(bytes(pending), label)[0], chr(int(number or 63) % 0x10000)
            pending, skip = bytearray(), after
        elif word:
            pending += _SIGNS.get(word, b"")
        else:
            said = bytes([int(byte, 16)]) if byte else sign if sign in (b"\\", b"{", b"}") else words or b""
            said, skip = said[skip:], max(skip - len(said), 0)
            pending += b" " if sign == b"~" else said
    out.append(charset.decode(bytes(pending), label)[0])
    text = "".join(out).encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return "\n".join(line.rstrip() for line in text.replace("\0", "").split("\n")).strip("\n")
