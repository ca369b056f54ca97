"""The two spellings of a domain name."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.domains import ascii_form, other_spelling, readable, spellings


@pytest.mark.parametrize(
    ("domain", "form"),
    [
        ("Example.COM", "example.com"),
        ("example.com.", "example.com"),
        ("bücher.example", "xn--bcher-kva.example"),
        ("BÜCHER.example", "xn--bcher-kva.example"),
        ("bu\u0308cher.example", "xn--bcher-kva.example"),
        ("XN--bcher-KVA.Example", "xn--bcher-kva.example"),
        ("straße.example", "xn--strae-oqa.example"),
        ("例え。テスト", "xn--r8jz45g.xn--zckzah"),
        ("ｅｘａｍｐｌｅ.com", "example.com"),
        ("", ""),
    ],
)
def test_the_canonical_form_of_a_domain(domain: str, form: str) -> None:
    assert ascii_form(domain) == form
    assert ascii_form(form) == form


def test_a_text_shows_international_domains_in_their_letters_and_leaves_what_is_none() -> None:
    assert readable("info@xn--bcher-kva.example") == "info@bücher.example"
    assert readable("see XN--BCHER-KVA.example") == "see bücher.example"
    for none in ("xn--", "xn--a", "xn--99999999", "xn--BCHER-", "plain"):
        assert readable(none) == none


def test_there_is_one_other_spelling_and_back() -> None:
    assert other_spelling("info@bücher.example") == "info@xn--bcher-kva.example"
    assert other_spelling("info@xn--bcher-kva.example") == "info@bücher.example"
    assert other_spelling("jörg@example.com") == "jörg@example.com"
    assert spellings("a@bücher.example".encode()) == ("a@bücher.example".encode(), b"a@xn--bcher-kva.example")


@given(st.text())
def test_no_text_breaks_them_and_the_form_is_one(text: str) -> None:
    assert ascii_form(ascii_form(text)) == ascii_form(text)
    readable(text), other_spelling(text), spellings(text.encode("utf-8", "replace"))
