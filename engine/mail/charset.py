"""Bytes in some charset -> text.

Here: which charset labels mean what, and how to read bytes whose label is wrong, unknown or missing.
Not here: transfer encodings (`parts`) and encoded words (`headers`).
Invariant: every byte string becomes text that holds no lone surrogate; only codecs of the table below are ever
called, all of them linear (a label like `punycode` or `unicode_escape` never reaches Python's registry).
"""

from __future__ import annotations

import codecs
import re
from functools import lru_cache

_LABEL = re.compile(r"[A-Za-z0-9][\w.:+-]*")
_ESCAPE = re.compile(rb"\x1b(\$[@B]|\$\([A-D@]|\([A-Z])")

_SUPPLEMENT = re.compile(rb"[\x21-\x7e]{2}")
MOST_ESCAPES = 200_000
GUESS = "guess"
"""Stands for labels that say nothing: the bytes have to tell."""

_WESTERN = "".join(
    bytes([b]).decode("cp1252" if b not in (0x81, 0x8D, 0x8F, 0x90, 0x9D) else "latin-1") for b in range(256)
)


_SAYS_NOTHING = """usascii ascii ansix341968 ansix341986 iso646us isoir6 646 us csascii iso646 unknown8bit xunknown
unknown default none binary 7bit 8bit xuserdefined ansi ascii8bit"""
_CODE_PAGES = "437 720 737 775 850 852 855 857 858 860 861 862 863 864 865 866 869 874 1125"


_LABELS = {
    "utf-7": "utf7 unicode11utf7 csunicode11utf7",
    "utf-16": "utf16 ucs2 unicode iso10646ucs2 csunicode",
    "utf-16-le": "utf16le",
    "utf-16-be": "utf16be",
    "utf-32": "utf32 ucs4 iso10646ucs4",
    "utf-32-le": "utf32le",
    "utf-32-be": "utf32be",
    "iso2022jp": "iso2022jp iso2022jpms iso2022jp1 iso2022jp2 iso2022jp3 iso2022jpext csiso2022jp jis"
    " cp50220 cp50221 cp50222 xiso2022jp",
    "cp932": "shiftjis sjis xsjis csshiftjis mskanji windows31j cswindows31j cp932 ms932 xmscp932 windows932",
    "euc_jp": "eucjp xeucjp cseucpkdfmtjapanese ujis eucjpms cp51932",
    "cp949": "euckr cseuckr cp949 uhc ksc56011987 ksc56011989 ksc5601 ksx1001 windows949 xwindows949 ms949"
    " isoir149 korean",
    "iso2022_kr": "iso2022kr csiso2022kr",
    "johab": "johab cp1361 xjohab",
    "gb18030": "gb2312 gb231280 csgb2312 csiso58gb231280 gbk xgbk gb18030 cp936 ms936 windows936"
    " euccn xeuccn chinese isoir58 gb",
    "hz": "hz hzgb2312",
    "cp950": "big5 cnbig5 csbig5 xxbig5 cp950 windows950 big5eten",
    "big5hkscs": "big5hkscs",
    "koi8_r": "koi8r cskoi8r koi8 koi",
    "koi8_u": "koi8u koi8ru",
    "koi8_t": "koi8t",
    "kz1048": "kz1048 strk10482002 rk1048",
    "ptcp154": "ptcp154 pt154 cyrillicasian",
    "mac_roman": "macintosh mac macroman xmacroman",
    "mac_cyrillic": "maccyrillic xmaccyrillic xmacukrainian",
    "mac_latin2": "macce xmacce macce2 xmaccentraleurroman",
    "mac_greek": "macgreek xmacgreek",
    "mac_turkish": "macturkish xmacturkish",
    "iso8859_6": "iso88596e iso88596i arabic ecma114 asmo708",
    "iso8859_7": "greek greek8 ecma118",
    "iso8859_8": "iso88598i iso88598e logical hebrew visual",
    "iso8859_5": "cyrillic",
    "iso8859_11": "tis620 iso885911 thai",
    "cp874": "windows874 xwindows874 cp874",
    "western": "ibm819 cp819 isoir100 iso88591windows1252",
}  # fmt: skip
"""Labels that follow no pattern, by the codec that reads them."""


def _table() -> dict[str, str]:
    """Build label -> codec; a label is compared lower case and without punctuation."""
    table = {"utf8": "utf-8", "unicode11utf8": "utf-8", "utf8mb4": "utf-8", "utf8sig": "utf-8", "cp65001": "utf-8"}
    table |= dict.fromkeys(_SAYS_NOTHING.split(), GUESS)
    for number in (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 14, 15, 16):
        codec = "western" if number == 1 else f"iso8859_{number}"
        table |= {f"iso8859{number}": codec, f"8859{number}": codec, f"isolatin{number}": codec}
    for latin, number in enumerate((1, 2, 3, 4, 9, 10, 13, 14, 15, 16), 1):
        table[f"latin{latin}"] = table[f"l{latin}"] = table[f"csisolatin{latin}"] = table[f"iso8859{number}"]
    for page in range(1250, 1259):
        codec = "western" if page == 1252 else f"cp{page}"
        table |= {f"{prefix}{page}": codec for prefix in ("windows", "cp", "xcp", "win", "ms", "")}
    for code_page in _CODE_PAGES.split():
        table |= {f"{prefix}{code_page}": f"cp{code_page}" for prefix in ("cp", "ibm", "windows", "dos")}
    for codec, labels in _LABELS.items():
        table |= dict.fromkeys(labels.split(), codec)
    return table


_CODECS = _table()


@lru_cache(maxsize=1024)
def codec(label: str) -> str:
    """Find the codec a label stands for: a name `decode` understands, `GUESS`, or "" for an unknown label."""
    found = _LABEL.search(label[:80])
    if found is None:
        return GUESS
    key = re.sub(r"[^a-z0-9]", "", found.group().lower())
    return _CODECS.get(key, "")


def decode(data: bytes, label: str = "") -> tuple[str, str]:
    """Decode `data` and tell what was odd: "", `charset_undeclared`, `charset_unknown` or `charset_bad_bytes`."""
    name = codec(label) if label else GUESS
    if name == GUESS:
        return guess(data), "charset_undeclared" if not data.isascii() else ""
    if name == "":
        return guess(data), "charset_unknown"
    if name == "utf-8":
        return _utf8(data)
    if name == "western":
        return western(data), ""
    if name == "iso2022jp":
        return _iso2022jp(data)
    try:
        text, odd = data.decode(name), ""
    except UnicodeError:
        text, odd = data.decode(name, "replace"), "charset_bad_bytes"
    if name.startswith("utf"):
        text = text.encode("utf-8", "replace").decode("utf-8").lstrip("\ufeff")
    return text, odd


def guess(data: bytes, hint: str = "") -> str:
    """Read bytes that come without a believable label: by their escapes, as UTF-8, by `hint`, as western."""
    if data.isascii():
        return _iso2022jp(data)[0] if b"\x1b$" in data else data.decode("ascii")
    try:
        return data.decode("utf-8").removeprefix("\ufeff")
    except UnicodeDecodeError:
        pass
    name = codec(hint) if hint else ""
    if name not in ("", GUESS, "utf-8"):
        text, odd = decode(data, hint)
        if not odd:
            return text
    return _utf8(data)[0]


def western(data: bytes) -> str:
    """Decode as windows-1252 the way browsers do, also what calls itself ISO-8859-1: no byte is an error."""
    return codecs.charmap_decode(data, "strict", _WESTERN)[0]


def _utf8(data: bytes) -> tuple[str, str]:
    """Decode UTF-8; where hardly any of it is UTF-8 the label lies and the bytes are read as western."""
    try:
        return data.decode("utf-8").removeprefix("\ufeff"), ""
    except UnicodeDecodeError:
        pass
    text = data.decode("utf-8", "replace")
    bad = text.count("\ufffd")
    good = len(text) - len(text.encode("ascii", "ignore")) - bad
    return (text if good >= bad else western(data)), "charset_bad_bytes"


def _iso2022jp(data: bytes) -> tuple[str, str]:
    """Decode ISO-2022-JP, with the vendor characters (circled digits and the like) that mail software puts in."""
    try:
        return data.decode("iso2022_jp_ext"), ""
    except UnicodeError:
        pass
    if data.count(b"\x1b") > MOST_ESCAPES:
        return data.decode("iso2022_jp_ext", "replace"), "charset_bad_bytes"
    out, charset = [], b"(B"
    for index, piece in enumerate(_ESCAPE.split(data)):
        if index % 2:
            charset = piece
        elif charset in (b"$B", b"$@"):
            out.append(_jis_rows(piece))
        elif charset == b"$(D":
            out.append(_SUPPLEMENT.sub(_as_euc, piece).decode("euc_jp", "replace"))
        elif charset == b"(I":
            out.append(bytes(b | 0x80 if 0x20 < b < 0x60 else b for b in piece).decode("cp932", "replace"))
        else:
            out.append(piece.decode("cp932", "replace"))
    text = "".join(out)
    return text, "charset_bad_bytes" if "\ufffd" in text else ""


def _as_euc(found: re.Match[bytes]) -> bytes:
    """Write a pair of JIS X 0212 as EUC-JP does."""
    return bytes((0x8F, found[0][0] | 0x80, found[0][1] | 0x80))


def _jis_rows(piece: bytes) -> str:
    """Decode JIS X 0208 pairs, vendor rows included, by way of Shift_JIS; a line break ends the two-byte state."""
    out, position = bytearray(), 0
    while position < len(piece):
        row = piece[position]
        if row < 0x21 or row > 0x7E or position + 1 == len(piece):
            out.append(row)
            position += 1
            continue
        cell = piece[position + 1]
        out.append(((row + 1) >> 1) + (112 if row < 95 else 176))
        out.append((cell + (32 if cell > 95 else 31) if row & 1 else cell + 126) & 0xFF)
        position += 2
    return out.decode("cp932", "replace")
