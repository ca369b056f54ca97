"""What every store promises about events: those of one item, and those that a query finds."""

from __future__ import annotations

import pytest

from engine.model.hearing import Change
from engine.model.plan import AddComment, Outcome, SetField
from engine.model.sight import ActSight
from engine.store.errors import NotFound


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


def test_events_are_paged_back_by_their_numbers(desk, history):
    for number in range(3):
        history.note("mailbox.pause", "anna", "console", f"number {number}")
    newest, middle, oldest = [each.id for each in history.events("", 3)[0]][::-1]
    assert [each.id for each in history.events("", 2)[0]] == [middle, newest]
    assert [each.id for each in history.events("", 2, before=middle)[0]] == [oldest]
    assert history.events("", before=oldest) == ([], False)


def test_what_a_person_does_beside_items_is_noted_with_who_by_what_and_why(desk, history):
    mail = desk.item().mail
    history.note("held.release", "anna", "console", "a customer", mail=mail, workspace="support")
    history.note("user.notify", "root", "command", "anna: new=all", account=1)
    released, told = history.events("actor:anna")[0][-1], history.events("user.notify")[0][0]
    assert (released.name, released.via, released.mail, released.workspace) == (
        "held.release", "console", mail, "support"
    )  # fmt: skip
    assert released.detail == {"said": "a customer"} and told.detail == {"account": 1, "said": "anna: new=all"}
    with pytest.raises(NotFound):
        history.note("held.release", "anna", "console", mail="m-ffffffffffff")


def test_what_is_noted_is_taken_back_with_the_transaction(desk, history):
    before = history.newest_event()
    with pytest.raises(RuntimeError), desk.store.writing():
        history.note("mailbox.pause", "anna", "console")
        raise RuntimeError
    assert history.newest_event() == before


def test_who_sees_some_workspaces_sees_what_people_did_there(desk, history):
    support, sales = ActSight(False, frozenset({"support"})), ActSight(False, frozenset({"sales"}))
    number = desk.item().item
    public = desk.act(number, SetField(number, "priority", "High")).ref
    desk.act(number, SetField(number, "private", True))
    history.note("mailbox.pause", "anna", "console", workspace="sales")
    history.note("password.set", "anna", "console")
    assert [each.name for each in history.events("", sight=sales)[0]] == ["mailbox.pause"]
    assert history.events("", sight=support)[0] == [], "it is private now"
    inside = ActSight(False, support.workspaces, support.workspaces)
    assert history.events(f"item:{number}", sight=inside)[0][0].act == public
    assert [each.name for each in history.events("via:mail", sight=inside)[0]] == [], "what came by mail is no act"
    assert history.events("", sight=ActSight())[0] == []
    assert {each.name for each in history.events("")[0]} >= {"password.set", "mailbox.pause", "item.created"}


def test_an_event_about_a_letter_is_of_the_workspace_of_its_item(desk, history):
    from store.desk import notice

    number = desk.item().item
    desk.act(number, SetField(number, "priority", "High"), told=(notice("bob@example.com"),))
    (row, *_) = desk.store.database.one("SELECT max(id) FROM outbox")
    assert desk.store.outbox_views.change("hold", [row], ("queued",), "anna", "held by anna") == [row]
    (held,) = history.events("outbox.hold")[0]
    assert (held.workspace, held.item) == ("support", number)
