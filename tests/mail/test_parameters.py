"""Parameters of Content-Type and Content-Disposition, and file names in them."""

from __future__ import annotations

import re
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.mail.parameters import file_name, parameters

SURROGATES = re.compile("[\ud800-\udfff]")


@pytest.mark.parametrize(
    ("written", "kind", "expected"),
    [
        ("text/plain", "text/plain", {}),
        ('Text/PLAIN; Charset="utf-8" ; format=flowed', "text/plain", {"charset": "utf-8", "format": "flowed"}),
        ("multipart/mixed; boundary=----=_Part_1", "multipart/mixed", {"boundary": "----=_Part_1"}),
        ('attachment; filename="a;b.txt"', "attachment", {"filename": "a;b.txt"}),
        ('attachment; filename="a \\"b\\".txt"', "attachment", {"filename": 'a "b".txt'}),
        ('attachment; filename="a "b" c.pdf"; size=3', "attachment", {"filename": 'a "b" c.pdf', "size": "3"}),
        ('attachment; filename="C:\\dir\\f.txt"', "attachment", {"filename": "C:\\dir\\f.txt"}),
        ("attachment; filename=my report.pdf", "attachment", {"filename": "my report.pdf"}),
        ('attachment; filename="open.txt', "attachment", {"filename": "open.txt"}),
        ('attachment; filename="a.pdf" size=12', "attachment", {"filename": "a.pdf"}),
        ('application/pdf name="x y.pdf"', "application/pdf", {"name": "x y.pdf"}),
        ('filename="x.pdf"', "", {"filename": "x.pdf"}),
        ("a; n*0=b; n*1=c; n*2*=%64", "a", {"n": "bcd"}),
        ("a; n*1=two; n*0=one", "a", {"n": "onetwo"}),
        ("a; n*=iso-8859-1'de'%FCber", "a", {"n": "über"}),
        ("a; n*=%C3%BCber", "a", {"n": "über"}),
        ("a; n=plain; n*=utf-8''better", "a", {"n": "better"}),
        ("a; n*=no-such-charset''%C3%BC", "a", {"n": "ü"}),
        ("a; n=first; n=second", "a", {"n": "first"}),
        ("", "", {}),
        (";;;;", "", {}),
    ],
)
def test_F133_parameters_are_read_as_programs_write_them(written: str, kind: str, expected: dict[str, str]) -> None:
    assert parameters(written) == (kind, expected)


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("report.pdf", "report.pdf"),
        ("=?utf-8?q?=C3=9Cbersicht?=.pdf", "Übersicht.pdf"),
        ("=?utf-8?B?w5w=?= =?utf-8?B?YmVyc2ljaHQ=?=", "Übersicht"),
        ("utf-8''%C3%9Cbersicht.pdf", "Übersicht.pdf"),
        ("it''s 100%.pdf", "it''s 100%.pdf"),
    ],
)
def test_F133_file_names_are_decoded(written: str, expected: str) -> None:
    assert file_name(written) == expected


@given(st.text(st.characters(codec="utf-8", exclude_categories=("C",)), min_size=1, max_size=60), st.integers(1, 9))
def test_rfc_2231_sections_of_any_name_come_back(name: str, size: int) -> None:
    escaped = quote(name, safe="")
    pieces = [escaped[at : at + size] for at in range(0, len(escaped), size)]
    if any("%" in piece[-2:] for piece in pieces):
        pieces = [escaped]
    written = "attachment" + "".join(
        f"; filename*{number}*={chr(39).join(('utf-8', '', '')) if number == 0 else ''}{piece}"
        for number, piece in enumerate(pieces)
    )
    assert parameters(written)[1]["filename"] == name


@given(st.text(max_size=100))
def test_any_text_has_parameters(written: str) -> None:
    kind, found = parameters("x/y; " + written)
    assert kind == "x/y" and all(name == name.lower() for name in found)
    for value in (kind, *found.values()):
        assert not SURROGATES.search(file_name(value))
