"""Header fields and encoded words."""

from __future__ import annotations

import base64
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mail_builders import read

from engine.mail import headers

SURROGATES = re.compile("[\ud800-\udfff]")


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("plain words", "plain words"),
        ("=?utf-8?q?caf=C3=A9?=", "café"),
        ("=?UTF-8?B?Y2Fmw6k=?=", "café"),
        ("=?utf-8*fr?q?caf=C3=A9?=", "café"),
        ("=?iso-8859-1?Q?a_b?= =?iso-8859-1?Q?c?=", "a bc"),
        ("=?iso-8859-1?Q?=E9?= =?utf-8?Q?=C3=A9?= x", "éé x"),
        ("=?utf-8?q?=C3?= =?utf-8?q?=A9?=", "é"),
        ("=?utf-8?B?w6?= =?utf-8?B?k=?=", "é"),
        ("=?utf-8?B?w6k?=", "é"),
        ("=?NONE?B?VEVTVA=?=", "TEST"),
        ("=?utf-8?q?a?= (=?utf-8?q?b?=)", "a (b)"),
        ("=?x?q?=?utf-8?q?ok?=", "=?x?q?ok"),
        ("=?utf-8?x?nonsense?=", "=?utf-8?x?nonsense?="),
        ("a =? b ?= c", "a =? b ?= c"),
        ("=?utf-8?b??=", ""),
        ("=?utf-8?q?a=0D=0AX-Evil:_1?=", "a X-Evil: 1"),
        ("=?utf-8?q?a=00b?=", "ab"),
        ("=?iso-2022-jp?B?GyRCJUYlOSVIGyhCCg=?=", "テスト "),
        ("=?utf-16?B?/v8AZA==?=", "d"),
        ("=?utf-7?Q?+2AA-?=", "?"),
        ("=?hz-gb-2312?Q?~{VPND~}?=", "中文"),
    ],
)
def test_F092_encoded_words_are_decoded_as_far_as_they_go(written: str, expected: str) -> None:
    assert headers.decode(written) == expected


def test_raw_bytes_are_read_as_utf8_then_by_the_hint_then_as_western() -> None:
    assert headers.decode("Köln".encode()) == "Köln"
    assert headers.decode("Ошибка".encode("koi8-r"), "koi8-r") == "Ошибка"
    assert headers.decode("Köln".encode("latin-1"), "utf-8") == "Köln"


def test_raw_bytes_inside_an_encoded_word_belong_to_its_charset() -> None:
    assert headers.decode(b"=?iso-8859-1?Q?K\xf6ln?= K\xc3\xb6ln") == "Köln Köln"


@given(
    st.text(st.characters(codec="utf-8", exclude_categories=("C", "Z")), min_size=1, max_size=60), st.integers(1, 30)
)
def test_words_of_any_text_split_anywhere_come_back(words: str, size: int) -> None:
    data = words.encode()
    written = " ".join(
        f"=?utf-8?B?{base64.b64encode(data[at : at + size]).decode()}?=" for at in range(0, len(data), size)
    )
    assert headers.decode(written) == words


@given(st.text(max_size=80))
def test_decoded_values_hold_no_control_character_and_no_surrogate(written: str) -> None:
    found = headers.decode(written)
    found.encode("utf-8")
    assert not set(found) & set("\r\n\x00\x0b\u2028")


@given(st.binary(max_size=80))
def test_any_bytes_decode(written: bytes) -> None:
    for value in (written, b"=?utf-8?q?" + written + b"?="):
        found = headers.decode(value)
        assert not SURROGATES.search(found) and headers.decode(found.encode()) == headers.decode(found)


@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
def test_folded_fields_are_unfolded(end: bytes) -> None:
    mail = read(end.join([b"Subject: one", b"\ttwo", b"  three", b"X-B:four ", b"", b"body"]))
    assert [(header.name, header.value) for header in mail.headers] == [("Subject", "one two three"), ("X-B", "four")]
    assert mail.text == "body"


def test_header_values_are_found_in_any_case_top_first() -> None:
    mail = read(b"X-A: 1\nx-a: 2\n\n")
    assert (mail.header("X-a"), mail.header_values("X-A"), mail.header("X-B", "none")) == ("1", ("1", "2"), "none")


def test_carriage_return_inside_a_value_makes_no_second_field() -> None:
    mail = read(b"Subject: hello\rFrom: ceo@example.com\nFrom: eve@evil.example\n\nx")
    assert [person.address for person in mail.from_] == ["eve@evil.example"]
    assert mail.subject == "hello From: ceo@example.com"


def test_field_without_a_name_is_no_field() -> None:
    mail = read(b"Subject: x\n: nothing\nDate: Fri, 20 Nov 2026 10:31:00 +0100\n\nbody")
    assert [header.name for header in mail.headers] == ["Subject", "Date"]
    assert mail.text == "body"


def test_unfolded_blank_line_of_blanks_does_not_end_the_header() -> None:
    assert read(b"Subject: x\n \nX-A: y\n\nbody").header("X-A") == "y"
