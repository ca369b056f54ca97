"""What every store promises about events: those of one item, and those that a query finds."""

from __future__ import annotations

import pytest

from engine.model.hearing import Change
from engine.model.plan import AddComment, Outcome, SetField


@pytest.fixture
def history(store):
    return store.history


def comment(desk, item, text):
    (spooled,) = desk.spool()
    desk.commit(spooled, AddComment(item, text, "bob"), outcome=Outcome.COMMENT, item=item, sender="bob@example.com")


def test_what_happened_to_an_item_is_listed_the_oldest_first(desk, history):
    made = desk.item(sender="jane@example.com")
    desk.later(hours=1)
    acted = desk.act(made.item, SetField(made.item, "priority", "High"))
    comment(desk, desk.item().item, "of another item")
    assert [(each.name, each.actor, each.mail, each.act, each.changes) for each in history.of_item(made.item)] == [
        ("item.created", "jane@example.com", made.mail, "", ()),
        ("item.changed", "anna", "", acted.ref, (Change("priority", "", "High"),)),
    ]
    assert history.of_item(99) == []


def test_what_somebody_looked_at_is_an_event_of_its_own(desk, history):
    mail = desk.item().mail
    history.note("console.read", "anna", "console", "raw", mail=mail)
    history.note("console.exported", "bob", "console", "mails.csv, more than 1000 rows: \ud800 from:x")
    (read,), (taken,) = history.events("event:console.read")[0], history.events("console.exported")[0]
    assert (read.actor, read.via, read.mail, read.detail) == ("anna", "console", mail, {"said": "raw"})
    assert (taken.actor, taken.mail, taken.item) == ("bob", "", 0) and taken.detail["said"].endswith("from:x")
    assert history.events(f"mail:{mail}")[0][-1] == read


def test_events_are_found_by_a_query_the_oldest_first_and_behind_one_of_them(desk, history):
    assert history.newest_event() == 0
    number = desk.item("Printer").item
    comment(desk, number, "It smokes.")
    assert [each.name for each in history.events(f"item:{number}")[0]] == ["item.created", "item.commented"]
    first, last = history.events("")[0]
    assert history.newest_event() == last.id
    assert history.events("", after=first.id) == ([last], False)
    assert history.events("", after=last.id) == ([], False)
