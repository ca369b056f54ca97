"""What happened is what changed: every plan leaves its events, whoever hears of them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from store.desk import Hears, attachment

from engine.model.draft import NewUser, Role
from engine.model.hearing import Actor, Change
from engine.model.mail import Address
from engine.model.plan import (
    AddComment,
    AddLabel,
    AddPerson,
    Attach,
    CreateItem,
    CreateUser,
    Outcome,
    PostToTopic,
    SetField,
    Tell,
)


def events(desk: Any, columns: str = "name") -> list[Any]:
    rows = desk.store.database.rows(f"SELECT {columns} FROM event ORDER BY id")  # noqa: S608
    return [row[0] for row in rows] if "," not in columns else rows


def details(desk: Any) -> list[Any]:
    return [json.loads(detail or "{}") for detail in events(desk, "detail")]


def reply(desk: Any, item: int, *effects: Any, **more: Any) -> Any:
    (spooled,) = desk.spool(more.pop("content", b""))
    return desk.commit(spooled, *effects, **{"outcome": Outcome.COMMENT, "item": item, **more})


def test_without_a_teller_what_happened_is_written_and_nobody_is_told(desk):
    receipt = desk.item("Printer")
    row = desk.store.archive.mail(receipt.mail).row
    assert events(desk, "name, at, actor, via, item, topic, comment, workspace, inbound_id, generation, act") == [
        (
            "item.created",
            desk.store.database.now(),
            "jane@example.com",
            "mail",
            receipt.item,
            None,
            0,
            "support",
            row,
            1,
            "",
        )
    ]
    assert receipt.outbox == () and desk.count("outbox") == 0


def test_what_is_made_with_an_item_is_no_event_of_its_own(desk):
    desk.item("x", AddLabel(0, "vip"), AddPerson(0, "bob", Role.READER), fields=(("status", "Closed"), ("F", "1")))
    assert events(desk) == ["item.created"]


def test_each_change_of_an_item_is_told_with_what_was_before(desk):
    item = desk.item(fields=(("status", "New"), ("priority", "Low"), ("Order", "1"))).item
    teller = Hears()
    reply(
        desk, item, AddComment(item, "x", "jane"), SetField(item, "priority", "High"), SetField(item, "Order", "2"),
        SetField(item, "assigned_to", "bob"), SetField(item, "status", "Closed"), AddLabel(item, "vip"),
        AddPerson(item, "bob", Role.WATCHER), teller=teller,
    )  # fmt: skip
    (batch,) = teller.batches
    assert {each.event: each.changes for each in batch.events} == {
        "item.commented": (),
        "item.changed": (
            Change("priority", "Low", "High"), Change("Order", "1", "2"), Change("label", "", "vip"),
            Change("watcher", "", "bob"),
        ),
        "item.assigned": (Change("assigned_to", "", "bob"),),
        "item.closed": (Change("status", "New", "Closed"),),
    }  # fmt: skip
    assert details(desk)[-1] == {"changes": [["status", "New", "Closed"]]}
    assert (batch.item, batch.workspace) == (item, "support")


def test_an_item_that_becomes_private_or_public_is_a_change_like_others(desk):
    item = desk.item().item
    teller = Hears()
    for value in (True, True, False, None):
        reply(desk, item, SetField(item, "private", value), teller=teller)
    assert [each.changes for batch in teller.batches for each in batch.events] == [
        (Change("private", "no", "yes"),), (Change("private", "yes", "no"),)
    ]  # fmt: skip
    assert events(desk) == ["item.created", "item.changed", "item.changed"]


def test_a_value_that_stays_is_no_news(desk):
    item = desk.item("x", AddLabel(0, "vip"), fields=(("status", "New"), ("Order", "1"))).item
    teller = Hears()
    reply(
        desk, item, SetField(item, "status", "New"), SetField(item, "Order", "1"), AddLabel(item, "vip"),
        SetField(item, "version", None), teller=teller,
    )  # fmt: skip
    assert teller.batches == [] and events(desk) == ["item.created"]


@pytest.mark.parametrize(
    ("before", "after", "event"),
    [("New", "Closed", "item.closed"), ("Closed", "New", "item.reopened"), ("New", "In Progress", "item.changed"),
     ("Closed", "Rejected", "item.changed")],
)  # fmt: skip
def test_a_status_closes_reopens_or_changes(desk, before, after, event):
    statuses = ("New", "In Progress", {"name": "Closed", "closed": True}, {"name": "Rejected", "closed": True})
    desk.store.items.put_workspace("support", lists={"statuses": statuses})
    item = desk.item(fields=(("status", before),)).item
    reply(desk, item, SetField(item, "status", after))
    assert events(desk) == ["item.created", event]


def test_a_note_is_noted_and_a_post_posted(desk):
    item = desk.item().item
    note = reply(desk, item, AddComment(item, "x", "bob", True), outcome=Outcome.NOTE)
    desk.store.database.run("INSERT INTO topic (id, workspace_id, title, created_at) VALUES (7, 1, 'Which?', 0)")
    post = reply(desk, 7, PostToTopic(7, "x", "jane"))
    assert events(desk, "name, item, topic, comment")[1:] == [
        ("item.noted", item, None, note.comment), ("topic.posted", None, 7, post.comment)
    ]  # fmt: skip


def test_files_of_a_comment_are_its_words_and_others_a_change(desk):
    content = b"aGVsbG8=aGVsbG8="
    first, second = (attachment(b"hello", b"aGVsbG8=", at, f"{at}.txt") for at in (0, 8))
    item = desk.item(content=content).item
    reply(desk, item, AddComment(item, "x", "jane"), Attach(item, first), content=content + b"1")
    reply(desk, item, Attach(item, second), content=content + b"2")
    assert events(desk) == ["item.created", "item.commented", "item.changed"]
    assert details(desk)[-1] == {"changes": [["file", "", "8.txt"]]}


def test_an_account_that_was_made_is_an_event(desk):
    user = NewUser(Address("new@example.org", "New"), "New", "One")
    (spooled,) = desk.spool()
    desk.commit(spooled, CreateUser(user), CreateItem("support", "x", "", "new@example.org"))
    assert sorted(events(desk)) == ["item.created", "person.created"]


@pytest.mark.parametrize(
    ("outcome", "event"),
    [(Outcome.HELD, "mail.held"), (Outcome.REJECTED, "mail.rejected"), (Outcome.DISCARDED, "mail.discarded"),
     (Outcome.DUPLICATE, "mail.duplicate")],
)  # fmt: skip
def test_a_mail_that_changed_nothing_is_an_event_with_its_reason(desk, outcome, event):
    (spooled,) = desk.spool()
    desk.commit(spooled, Tell(event, code="gate.dmarc", because="forged"), outcome=outcome)
    assert events(desk, "name, item, workspace") == [(event, None, "support")]
    assert details(desk) == [{"code": "gate.dmarc", "because": "forged"}]


def test_a_mail_that_a_rule_forwards_is_an_event_beside_what_it_made(desk):
    desk.item("x", Tell(forwards=("x@example.com",)))
    assert events(desk) == ["item.created", "mail.forwarded"]


def test_an_event_names_the_account_that_did_it_else_the_address(desk):
    item = desk.item(sender="stranger@example.org").item
    teller, bob = Hears(), desk.store.directory.login("bob")
    reply(desk, item, AddComment(item, "x", ""), teller=teller, sender="stranger@example.org", name="Strange")
    reply(desk, item, AddComment(item, "x", "bob"), teller=teller, sender="bob@example.com", account=bob)
    assert events(desk, "actor") == ["stranger@example.org", "stranger@example.org", "bob"]
    assert [batch.actor for batch in teller.batches] == [
        Actor(None, "stranger@example.org", "Strange"), Actor(bob, "bob@example.com")
    ]  # fmt: skip
