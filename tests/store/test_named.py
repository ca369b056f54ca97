"""Whom a text names: an address whole and with any tag, names as they are written, and nobody else."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.store.named import ERASED, Named

JANE = Named({"jane.roe@big.example"}, "-", ("Jane Roe", "Will"), "jane")


@pytest.mark.parametrize(
    "text",
    ["jane.roe@big.example", "Jane.Roe@BIG.example", "<jane.roe@big.example>", "(jane.roe+shop@big.example)",
     "mailto:jane.roe@big.example?x", "jane.roe-list@big.example.", '"jane.roe@big.example"'],
)  # fmt: skip
def test_an_address_is_found_with_any_tag_and_whatever_stands_around_it(text: str) -> None:
    assert ERASED in JANE.without_addresses(text)
    assert "roe" not in JANE.without_addresses(text).casefold()
    assert JANE.stand_in(text.encode())


@pytest.mark.parametrize(
    "text",
    ["mary.jane.roe@big.example", "x-jane.roe@big.example", "jane.roe@big.example.org", "jane.roe@big.examples",
     "janeXroe@big.example", "jane.roe@bigXexample", "jane.roe @big.example"],
)  # fmt: skip
def test_an_address_that_only_holds_it_is_somebody_elses(text: str) -> None:
    assert JANE.without_addresses(text) == text
    assert not JANE.stand_in(text.encode())


def test_names_are_taken_out_as_words_and_single_ones_as_they_are_written() -> None:
    assert JANE.without("Dear JANE  roe, Jane! Janet and monroe will stay, Will goes.") == (
        f"Dear {ERASED}, {ERASED}! Janet and monroe will stay, {ERASED} goes."
    )


def test_without_a_name_only_addresses_go() -> None:
    named = Named({"jane@big.example"}, "")
    assert named.without("Jane, jane@big.example") == f"Jane, {ERASED}"


def test_an_address_in_letters_and_in_ascii_is_one() -> None:
    named = Named({"jane@xn--bcher-kva.example"}, "")
    assert named.is_theirs("Jane <jane@b\u00fccher.example>")
    assert named.without_addresses("jane@b\u00fccher.example jane@XN--BCHER-KVA.example") == f"{ERASED} {ERASED}"
    assert named.stand_in("jane@b\u00fccher.example".encode())


@given(st.text(), st.text())
def test_what_is_left_names_nobody_and_nothing_else_is_lost(before: str, after: str) -> None:
    left = JANE.without_addresses(f"{before} jane.roe@big.example {after}")
    assert JANE.without_addresses(left) == left
    assert "jane.roe@big.example" in (before + after).lower() or left == f"{before} {ERASED} {after}"
