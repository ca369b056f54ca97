"""What is remembered of a listing in which nothing was new."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.run import unchanged
from engine.run.unchanged import KEPT_S, Unchanged

KEYS = st.lists(st.text(max_size=4), max_size=5)
EPOCH = ("1", 7, "anna")


@given(KEYS, KEYS)
def test_only_the_same_messages_are_the_same_listing(before: list[str], now: list[str]) -> None:
    listings = Unchanged()
    assert not listings.is_known("system", EPOCH, before)
    listings.note("system", EPOCH, before)
    assert listings.is_known("system", EPOCH, now) == (before == now)
    assert not listings.is_known("other", EPOCH, before)
    assert not listings.is_known("system", ("2", 7, "anna"), before)


def test_no_listing_is_remembered_for_long_however_often_it_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [1000.0]
    monkeypatch.setattr(unchanged, "monotonic", lambda: now[0])
    listings = Unchanged()
    listings.note("system", EPOCH, ["a"])
    for _ in range(9):
        now[0] += KEPT_S / 10
        assert listings.is_known("system", EPOCH, ["a"])
    now[0] += KEPT_S / 10
    assert not listings.is_known("system", EPOCH, ["a"])
