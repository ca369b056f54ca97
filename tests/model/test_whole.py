"""`whole`: whatever text comes, JSON and the database take it."""

from __future__ import annotations

import json
from typing import Any

import databases
from hypothesis import given
from hypothesis import strategies as st

from engine.model.whole import as_json, whole
from engine.store.store import Store

TEXTS = st.text(st.characters(), max_size=30)  # halves of surrogates are characters too
DATA = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=10,
)


@given(TEXTS)
def test_text_becomes_storable_and_keeps_its_length(text: str) -> None:
    told = whole(text)
    assert told.encode("utf-8").decode("utf-8") == told
    assert len(told) == len(text)
    assert told == text or any("\ud800" <= char <= "\udfff" for char in text)


@given(DATA)
def test_any_data_becomes_json(data: Any) -> None:
    assert json.loads(as_json(data)) == whole(data)


def test_database_takes_any_text() -> None:
    with Store.open(databases.fresh()) as store:
        store.directory.put_account("eve", name="Eve \udc94", emails=["eve@example.com"])
        found = store.directory.login("eve")
    assert found is not None and found.name == "Eve ?"
