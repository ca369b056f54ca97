"""What a store promises of what people are writing on items."""

from __future__ import annotations

from typing import Any

import pytest
from store.desk import Desk

from engine.model.acts import Act
from engine.model.plan import DeleteItem, MergeItem


@pytest.fixture
def begun_words(store: Any) -> Any:
    return store.begun_words


def number(store: Any, login: str) -> int:
    return int(store.directory.login(login).id)


def test_what_somebody_writes_is_kept_for_each_person_and_item(desk: Desk, store: Any, begun_words: Any) -> None:
    anna, bob, item = number(store, "anna"), number(store, "bob"), desk.item().item
    assert begun_words.begun(anna, item) is None
    assert begun_words.put(anna, item, "answer", "We th") and begun_words.put(bob, item, "note", "he is")
    desk.later(hours=1)
    assert begun_words.put(anna, item, "note", "We think")
    kept = begun_words.begun(anna, item)
    assert (kept.mode, kept.words, kept.at) == ("note", "We think", desk.now)
    assert begun_words.begun(bob, item).words == "he is", "each has their own"
    assert begun_words.begun(anna, item + 1) is None
    assert begun_words.drop(anna, item) and not begun_words.drop(anna, item)
    assert begun_words.begun(anna, item) is None and begun_words.begun(bob, item) is not None


def test_what_was_sent_does_not_come_back(desk: Desk, store: Any, begun_words: Any) -> None:
    anna, item = number(store, "anna"), desk.item().item
    assert begun_words.put(anna, item, "note", "half", key="k")
    store.act(Act(store.directory.login("anna"), (), item, key="k"), None)
    assert begun_words.drop(anna, item)
    assert not begun_words.put(anna, item, "note", "half", key="k"), "a page that came late"
    assert begun_words.begun(anna, item) is None
    assert begun_words.put(anna, item, "note", "the next", key="another")


def test_it_goes_with_the_account_and_with_the_item(desk: Desk, store: Any, begun_words: Any) -> None:
    anna, bob = number(store, "anna"), number(store, "bob")
    stays, goes = desk.item().item, desk.item().item
    for account in (anna, bob):
        begun_words.put(account, stays, "note", "half")
        begun_words.put(account, goes, "note", "half")
    store.act(Act(store.directory.login("anna"), (DeleteItem(goes),), goes), None)
    assert begun_words.begun(anna, goes) is None and begun_words.begun(anna, stays) is not None
    store.directory.remove_account("bob")
    assert begun_words.begun(bob, stays) is None and begun_words.begun(anna, stays) is not None


def test_it_moves_with_an_item_that_is_merged(desk: Desk, store: Any, begun_words: Any) -> None:
    anna, bob = number(store, "anna"), number(store, "bob")
    item, into = desk.item().item, desk.item().item
    begun_words.put(anna, item, "note", "of the first")
    begun_words.put(bob, item, "note", "second")
    begun_words.put(bob, into, "answer", "first")
    store.act(Act(store.directory.login("anna"), (MergeItem(item, into, "Closed"),), item), None)
    assert begun_words.begun(anna, item) is begun_words.begun(bob, item) is None
    assert begun_words.begun(anna, into).words == "of the first"
    both = begun_words.begun(bob, into)
    assert (both.mode, both.words) == ("answer", "first\n\nsecond")


def test_it_is_kept_whatever_is_written(desk: Desk, store: Any, begun_words: Any) -> None:
    anna, item = number(store, "anna"), desk.item().item
    for words in ("x" * 900_000, "ünïcödé \U0001f469\u200d\U0001f467 <b>", "a\r\nb", "0"):
        begun_words.put(anna, item, "answer", words)
        assert begun_words.begun(anna, item).words == words
