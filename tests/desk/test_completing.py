"""How a search may go on: each that is offered can be read, finds something, and tells of nothing foreign."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from store.desk import Desk, furnish

from engine.desk.completing import MOST, WORDS, complete
from engine.desk.scope import EVERYTHING, Scope
from engine.model.plan import AddLabel
from engine.store.errors import Unclear
from engine.store.store import Store

NOBODY = Scope("nobody")
AGENT = Scope("anna", workspaces={"view_mail": frozenset({"support"}), "view_items": frozenset({"support"})})


@pytest.fixture(scope="module")
def store() -> Any:
    with Store.open(":memory:") as store:
        desk = Desk(store)
        store.database.clock = desk.clock
        furnish(store)
        desk.item("Printer", AddLabel(0, "x"), fields=(("status", "In progress"), ("assigned_to", "bob")))
        desk.item("Salary", workspace="finance")
        store.items.put_item({"id": 50, "workspace": "finance", "title": "x", "status": "Secret word"})
        yield store


@pytest.mark.parametrize(
    ("what", "text", "first"),
    [
        ("items", "sta", "status:"),
        ("items", "printer sta", "printer status:"),
        ("items", "un", "unanswered"),
        ("items", "-ass", "-assigned:"),
        ("items", "status:", "status:open"),
        ("items", "status:in", 'status:"In progress"'),
        ("items", 'status:"in p', 'status:"In progress"'),
        ("items", "status:open assigned:", "status:open assigned:anna"),
        ("items", "assigned:b", "assigned:bob"),
        ("items", "workspace:s", "workspace:support"),
        ("mails", "out", "outcome:"),
        ("mails", "outcome:he", "outcome:held"),
        ("mails", "on:t", "on:today"),
        ("mails", "newer_than:7", "newer_than:7d"),
        ("mails", "workspace:", "workspace:support"),
    ],
)
def test_a_search_goes_on_as_it_was_begun(store: Any, what: str, text: str, first: str) -> None:
    assert complete(store, AGENT, what, text)[0] == first


@pytest.mark.parametrize(
    "text", ["", " ", "printer", "status:open", "nonsense:x", "item:1", '"a b', "x" * 2000, "a:b:c"]
)
def test_where_nothing_goes_on_nothing_is_offered(store: Any, text: str) -> None:
    assert complete(store, EVERYTHING, "items", text) == []


def test_only_lists_that_have_words_are_known(store: Any) -> None:
    with pytest.raises(Unclear, match="there are mails, items"):
        complete(store, EVERYTHING, "people", "x")


@pytest.mark.parametrize("word", sorted({word for words in WORDS.values() for word in words if word}))
def test_nothing_foreign_is_offered(store: Any, word: str) -> None:
    for what in WORDS:
        told = {name: str(complete(store, scope, what, f"{word}:")) for name, scope in
                (("nobody", NOBODY), ("agent", AGENT), ("all", EVERYTHING))}  # fmt: skip
        assert "finance" not in told["agent"] + told["nobody"] and "Secret" not in told["agent"] + told["nobody"]
        assert "support" not in told["nobody"] and "bob" not in told["nobody"] and "progress" not in told["nobody"]


@given(st.sampled_from(sorted(WORDS)), st.text(alphabet='stauoworkpce:" -_7d', max_size=30))
def test_what_is_offered_can_be_read_and_begins_as_it_was_typed(store: Any, what: str, text: str) -> None:
    offered = complete(store, EVERYTHING, what, text)
    assert len(offered) <= MOST and len(set(offered)) == len(offered)
    searched = {"mails": store.archive.mails, "items": store.items.found}[what]
    for each in offered:
        if not each.endswith(":"):
            before = re.sub(r"(^|\s)\S*$", "", text.rpartition('"')[0] if text.count('"') % 2 else text)
            try:
                searched(before, 1)
            except Unclear:
                continue
            searched(each, 1)
