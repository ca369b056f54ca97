"""Markers of another system mean items here, and cost nothing while there are none."""

from __future__ import annotations

import pytest

from engine.store.errors import NotFound, Refused

OLD = "<redmine.issue-2.20080101120000@old.example>"


@pytest.fixture
def markers(store):
    return store.markers


def test_a_marker_that_was_put_means_its_item(desk, markers):
    item = desk.item("Printer").item
    assert markers.item_of(("[#2]",)) is None
    assert [markers.put("[#2]", item), markers.put("[#2]", item)] == ["added", "same"]
    match = markers.item_of(("[#1]", "[#2]"))
    assert (match.item.id, match.message_id, match.imported, match.ours, match.private) == (
        item, "[#2]", True, False, False,
    )  # fmt: skip


def test_a_message_id_is_known_by_class_and_number_whatever_its_time_and_host(desk, markers):
    item, other = desk.item("Printer").item, desk.item("Router").item
    markers.put("<redmine.issue-2@>", item)
    assert markers.by_message_ids(("<unknown@x.example>", OLD)).item.id == item
    markers.put("<redmine.issue-2@old.example>", other)
    assert markers.by_message_ids((OLD,)).item.id == other
    assert markers.by_message_ids(("<redmine.issue-22.20080101120000@old.example>",)) is None


def test_what_our_own_mail_says_is_asked_before_theirs(desk, store, markers):
    mine, theirs = desk.item("Mine", message_id=OLD).item, desk.item("Theirs").item
    markers.put("<redmine.issue-2@>", theirs)
    match = store.ledger.item_by_message_ids((OLD,))
    assert (match.item.id, match.imported) == (mine, False)
    match = store.ledger.item_by_message_ids(("<redmine.issue-2.1@old.example>",))
    assert (match.item.id, match.imported) == (theirs, True)


def test_a_marker_is_not_turned_to_another_item_unless_that_is_asked(desk, markers):
    item, other = desk.item("a").item, desk.item("b").item
    markers.put("[#2]", item)
    with pytest.raises(Refused, match=f"means item {item} already"):
        markers.put("[#2]", other)
    assert markers.put("[#2]", other, again=True) == "changed"
    assert markers.put("[#2]", other, internal=True, again=True) == "changed"
    assert markers.item_of(("[#2]",)).private
    with pytest.raises(NotFound, match="no item 99"):
        markers.put("[#3]", 99)


def test_where_none_was_put_one_statement_is_the_whole_cost(desk, store, markers, monkeypatch):
    desk.item("a")
    asked = []
    one = store.database.one
    monkeypatch.setattr(store.database, "one", lambda sql, *words: asked.append(sql) or one(sql, *words))
    for _ in range(20):
        assert markers.item_of(("[#2]", "r-2")) is None
        assert markers.by_message_ids((OLD,)) is None
        desk.store._memory.touch("accounts")
    assert len(asked) == 1


def test_another_process_that_puts_one_is_heard(shared):
    desk, other = shared
    item = desk.item("a").item
    assert other.markers.item_of(("[#2]",)) is None
    desk.store.markers.put("[#2]", item)
    other.versions()
    assert other.markers.item_of(("[#2]",)).item.id == item
