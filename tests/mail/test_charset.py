"""Charsets: labels, wrong labels, no labels."""

from __future__ import annotations

import encodings.aliases
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.mail import charset

SURROGATES = re.compile("[\ud800-\udfff]")


@pytest.mark.parametrize(
    ("label", "codec", "words"),
    [
        ("UTF-8", "utf-8", "Größe €"),
        ('"utf8"', "utf-8", "Größe €"),
        ("ISO_8859-1", "latin-1", "Größe"),
        ("iso-8859-15", "iso8859-15", "Größe €"),
        ("Windows-1252", "cp1252", "“Größe” €"),
        ("cp-850", "cp850", "Größe"),
        ("windows-1258", "cp1258", "đ"),
        ("KOI8-R", "koi8-r", "Ошибка"),
        ("x-sjis", "cp932", "報告①"),
        ("EUC-JP", "euc-jp", "報告"),
        ("iso-2022-jp", "iso2022-jp", "報告"),
        ("ks_c_5601-1987", "cp949", "똠방각하"),
        ("euc-kr", "cp949", "똠방각하"),
        ("gb2312", "gb18030", "朱镕基€"),
        ("GBK", "gbk", "错误"),
        ("HZ-GB-2312", "hz", "中文"),
        ("Big5", "cp950", "錯誤"),
        ("tis-620", "tis-620", "ภาษา"),
        ("unicode-1-1-utf-7", "utf-7", "Größe"),
        ("utf-16", "utf-16", "Größe €"),
        ("utf-16le", "utf-16-le", "Größe €"),
        ("utf-16be", "utf-16-be", "Größe €"),
        ("utf-32le", "utf-32-le", "Größe €"),
        ("utf-32be", "utf-32-be", "Größe €"),
        ("macintosh", "mac-roman", "Größe"),
        ("us-ascii (Plain text)", "ascii", "plain"),
    ],
)
def test_F097_text_in_a_labelled_charset_is_read(label: str, codec: str, words: str) -> None:
    assert charset.decode(words.encode(codec), label) == (words, "")


@pytest.mark.parametrize(
    "label", ["punycode", "idna", "unicode_escape", "raw_unicode_escape", "base64", "rot13", "zlib", "mbcs"]
)
def test_labels_that_name_something_else_never_reach_a_codec(label: str) -> None:
    assert charset.decode(b"xn--a-\\x41", label) == ("xn--a-\\x41", "charset_unknown")


@pytest.mark.parametrize("name", sorted(set(charset._CODECS.values()) - {charset.GUESS}))
def test_every_codec_of_the_table_exists_and_reads_what_it_wrote(name: str) -> None:
    labels = [label for label, codec in charset._CODECS.items() if codec == name]
    content = "abc 12".encode({"western": "cp1252", "iso2022jp": "iso2022_jp"}.get(name, name))
    assert {charset.decode(content, label) for label in labels} == {("abc 12", "")}
    assert {charset.codec(label) for label in labels} == {name}


def test_a_label_that_says_nothing_lets_the_bytes_tell() -> None:
    labels = [label for label, codec in charset._CODECS.items() if codec == charset.GUESS]
    assert {charset.decode("für".encode(), label) for label in labels} == {("für", "charset_undeclared")}


def test_labels_of_python_that_are_charsets_are_mostly_known() -> None:
    """The number of them grows with every Python: 3.14 has 341."""
    known = [alias for alias in encodings.aliases.aliases if charset.codec(alias)]
    assert len(known) >= 160


@pytest.mark.parametrize(
    ("data", "label", "expected"),
    [
        (b"f\xfcr", "utf-8", ("für", "charset_bad_bytes")),
        ("Здравствуйте".encode() + b"\xff", "utf-8", ("Здравствуйте\ufffd", "charset_bad_bytes")),
        (b"f\xfcr", "us-ascii", ("für", "charset_undeclared")),
        ("für".encode(), "", ("für", "charset_undeclared")),
        (b"\x93hi\x94 \x81", "iso-8859-1", ("“hi” \x81", "")),
        (b"f\xfcr", "x-klingon", ("für", "charset_unknown")),
        (b"\xef\xbb\xbfhi", "utf-8", ("hi", "")),
        (b"\xff\xfeh\x00i\x00", "utf-16", ("hi", "")),
        ("報告".encode("iso2022-jp"), "us-ascii", ("報告", "")),
    ],
)
def test_F097_wrong_labels_lose_nothing(data: bytes, label: str, expected: tuple[str, str]) -> None:
    assert charset.decode(data, label) == expected


def test_hint_counts_where_utf8_does_not_fit() -> None:
    assert charset.guess("Ошибка".encode("koi8-r"), "koi8-r") == "Ошибка"
    assert charset.guess("Größe".encode(), "koi8-r") == "Größe"


@given(st.binary(max_size=100), st.sampled_from(sorted(charset._CODECS)))
def test_any_bytes_in_any_charset_become_text_without_surrogates(data: bytes, label: str) -> None:
    words, odd = charset.decode(data, label)
    assert not SURROGATES.search(words) and odd in ("", "charset_undeclared", "charset_bad_bytes")


READ_OTHERWISE = "¢£¥¬‖‾−〜"
"""What mail programs mean by these places of the table, and the library takes for another sign that looks alike."""


@given(st.text(st.characters(codec="iso2022_jp_ext", exclude_categories=("C",), exclude_characters=READ_OTHERWISE)))
def test_own_reading_of_iso_2022_jp_is_that_of_the_library_where_it_has_one(words: str) -> None:
    data = words.encode("iso2022_jp_ext")
    vendor = b"\x1b$B\x2d\x21\x1b(B"
    assert charset.decode(data + vendor, "iso-2022-jp") == (f"{words}①", "")
