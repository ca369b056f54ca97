"""The form in which addresses compare."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.model.addresses import bare, base_key, fits, is_one_of, key_of, written
from rules.pattern import compile_pattern


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("Info@Bücher.example", "info@xn--bcher-kva.example", True),
        ("Jane@Example.COM", "jane@example.com.", True),
        ("JÖRG@example.com", "jörg@example.com", True),
        ("a@straße.example", "a@strasse.example", False),
        ("Anna", "anna", True),
    ],
)
def test_F053_two_spellings_of_one_address_have_one_key(one: str, other: str, same: bool) -> None:
    assert (key_of(one) == key_of(other)) is same


@pytest.mark.parametrize(
    ("key", "separators", "base"),
    [
        ("a+0001@x.example", "", "a@x.example"),
        ("a+1+2@x.example", "", "a@x.example"),
        ("a-1@x.example", "", "a-1@x.example"),
        ("a-1+2@x.example", "-", "a@x.example"),
        ("+a@x.example", "", "+a@x.example"),
        ("nobody", "", "nobody"),
    ],
)
def test_F061_a_tag_makes_nobody_new(key: str, separators: str, base: str) -> None:
    assert base_key(key, separators) == base


def test_an_address_of_ours_is_one_with_a_tag_too() -> None:
    own = ("help@example.com", "x+y@example.com")
    assert is_one_of("help+a@example.com", own) and is_one_of("x+y@example.com", own)
    assert not is_one_of("helper@example.com", own) and not is_one_of("help-a@example.com", own)


def test_F050_patterns_for_addresses_read_any_case_and_either_spelling() -> None:
    for pattern in ("/@BÜCHER\\.example$/", "/@xn--bcher-kva\\.example$/"):
        for address in ("Info@bücher.example", "info@XN--BCHER-KVA.example"):
            assert fits(compile_pattern(pattern), address)
    assert not fits(compile_pattern("/@bücher\\.example$/"), "info@bucher.example")


@given(st.text(), st.emails())
def test_name_and_address_are_written_on_one_line_and_the_address_is_read_back(name: str, address: str) -> None:
    text = written(name, key_of(address))
    assert text.isprintable() and bare(text) == key_of(address)


@given(st.text(), st.text(max_size=3))
def test_no_address_breaks_them_and_a_key_is_its_own_key(text: str, separators: str) -> None:
    assert key_of(key_of(text)) == key_of(text)
    assert base_key(base_key(text, separators), separators) == base_key(text, separators)
