"""What every store promises about items, topics, attachments and workspaces."""

from __future__ import annotations

import pytest
from store.desk import attachment
from store.plans import read_whole

from engine.model.desk import CustomField, Kind, Status
from engine.model.draft import Role
from engine.model.mail import Cutting, Part
from engine.model.plan import (
    AddComment,
    AddLabel,
    AddPerson,
    Attach,
    CreateItem,
    Outcome,
    PostToTopic,
    Publish,
    SetField,
)
from engine.model.sight import EVERY_ITEM, ItemSight
from engine.store import item_kinds
from engine.store.errors import NotFound, Refused


@pytest.fixture
def items(store):
    return store.items


def comment(desk, item, text, internal=False):
    (spooled,) = desk.spool()
    note = AddComment(item, text, "bob", internal=internal)
    outcome = Outcome.NOTE if internal else Outcome.COMMENT
    return desk.commit(spooled, note, outcome=outcome, item=item, sender="bob@example.com")


def test_an_item_tells_what_a_decision_needs(desk, items):
    given = (("status", "New"), ("assigned_to", "anna"), ("ref", "7"))
    number = desk.item("Printer", AddPerson(0, "bob", Role.WATCHER), fields=given).item
    facts = items.item(number)
    assert (facts.title, facts.workspace, facts.closed, facts.private) == ("Printer", "support", False, False)
    assert {"jane", "bob", "anna", "bob.lund@example.com"} <= set(facts.people)
    assert dict(facts.fields) == {"status": "New", "assigned_to": "anna", "ref": "7"}
    assert items.item(number + 1) is items.item(0) is items.item(2**70) is None


def test_a_closing_status_closes_an_item_and_another_opens_it(desk, items):
    number = desk.item().item
    for status, closed in (("Closed", True), ("New", False)):
        (spooled,) = desk.spool()
        desk.commit(spooled, SetField(number, "status", status), outcome=Outcome.COMMENT, item=number)
        assert items.item(number).closed is closed
    assert items.is_closed("support", "Closed") and not items.is_closed("support", "New")


def test_an_item_is_found_by_a_field_the_newest_first_and_never_by_a_column(desk, items):
    desk.item("old", fields=(("ref", "A-1"), ("status", "New")))
    newest = desk.item("new", fields=(("Ref", "A-1"),)).item
    assert items.item_by_field("ref", "A-1").id == newest
    assert items.item_by_field("ref", "A-2") is items.item_by_field("status", "New") is None


def test_a_number_that_was_given_stays_given_when_its_item_is_gone(items):
    for number in (3, 5):
        items.put_item({"id": number, "workspace": "support", "title": "x"})
    items.put_topic({"id": 2, "workspace": "support", "title": "x"})
    assert [items.given(number, False) for number in (3, 4, 5, 6)] == [True, True, True, False]
    assert [items.given(number, True) for number in (1, 2, 3)] == [True, True, False]


def test_a_topic_tells_who_wrote_in_it(desk, items):
    assert items.put_topic({"id": 7, "workspace": "support", "title": "Which?", "locked": False,
                            "posts": [{"author": "jane", "text": "This one"}]}) == "added"  # fmt: skip
    (spooled,) = desk.spool()
    desk.commit(spooled, PostToTopic(7, "", "That one", ""), outcome=Outcome.COMMENT, sender="eve@example.com")
    topic = items.topic(7)
    assert (topic.kind, topic.title, topic.locked) == (Kind.TOPIC, "Which?", False)
    assert {"jane", "jane@example.com", "eve@example.com"} <= set(topic.people)
    assert items.topic(8) is None


def test_items_are_listed_newest_first_and_counted(desk, items):
    numbers = [desk.item(f"item {number}").item for number in range(3)]
    comment(desk, numbers[0], "more")
    rows = items.newest("support", 2)
    assert [row.id for row in rows] == numbers[:0:-1]
    assert [(row.id, row.comments, row.author) for row in items.newest(before=numbers[1])] == [(numbers[0], 1, "jane")]
    assert items.newest("finance") == [] and (items.count("support"), items.count("finance")) == (3, 0)


def test_a_view_shows_everything(desk, items):
    file = attachment(b"hello", b"aGVsbG8=", 0)
    receipt = desk.item(
        "Printer", AddLabel(0, "b"), AddLabel(0, "a"), AddPerson(0, "bob", Role.READER), Attach(0, file),
        content=b"aGVsbG8=", fields=(("category", "Hall"), ("ref", "7")),
    )  # fmt: skip
    comment(desk, receipt.item, "a note", internal=True)
    view = items.view(receipt.item)
    assert (view.item.title, view.mail, view.labels) == ("Printer", receipt.mail, ("a", "b"))
    assert view.people == (("bob", "reader"),) and view.fields == (("category", "Hall"), ("ref", "7"))
    assert [(each.author, each.text, each.internal) for each in view.comments] == [("bob", "a note", True)]
    (shown,) = view.attachments
    assert (shown.name, shown.size_bytes, items.blob(shown.digest)) == ("a.txt", 5, b"hello")
    assert items.html(view.html) == "" and items.view(receipt.item + 1) is None


def test_F129_pictures_of_an_html_body_are_told_by_name_and_digest(desk, items):
    part = Part("text/html", 0, 0, pictures=(("shot@x", "ab" * 32),))
    (spooled,) = desk.spool()
    receipt = desk.commit(spooled, CreateItem("support", "x", "x", "jane", html_part=part))
    assert items.pictures(items.view(receipt.item).html) == {"shot@x": "ab" * 32}
    assert items.pictures("") == {}


def test_F103_how_an_html_body_is_cut_is_told_with_it(desk, items):
    how = Cutting("Re: Printer", "-- Jane", True)
    (spooled,) = desk.spool()
    made = CreateItem("support", "x", "x", "jane", html_part=Part("text/html", 0, 0, cutting=how))
    assert items.cutting(items.view(desk.commit(spooled, made).item).html) == how
    assert items.cutting("") is None


def test_bytes_that_are_not_there_are_said(items):
    with pytest.raises(NotFound, match="no attachment"):
        items.blob("00" * 32)


def test_F119_a_note_becomes_public_once_and_its_author_may_be_let_in(desk, items):
    number = desk.item().item
    note = comment(desk, number, "secret", internal=True).comment
    desk.act(number, Publish(number, note, "anna", authorise=True))
    assert not items.view(number).comments[0].internal and "bob" in items.item(number).people
    with pytest.raises(Refused, match="public already"):
        desk.act(number, Publish(number, note, "anna"))
    with pytest.raises(NotFound):
        desk.act(number, Publish(number, note + 1, "anna"))


def test_a_workspace_offers_its_lists_and_the_defaults_for_the_rest(items):
    assert items.put_field(CustomField("Order number")) == "added"
    assert items.put_field(CustomField("Order number")) == "same"
    lists = {"statuses": ["Open", {"name": "Gone", "closed": True}, "Resolved"]}
    assert items.put_workspace("support", lists=lists, public=False) == "changed"
    assert items.put_workspace("support", lists=lists, public=False) == "same"
    catalog = items.catalog("support")
    assert (catalog.name, catalog.types, catalog.public) == ("Support", ("Task", "Incident"), False)
    assert catalog.statuses == (Status("Open", False), Status("Gone", True), Status("Resolved", True))
    assert [field.name for field in catalog.fields] == ["Order number"]
    assert items.catalog("nowhere") is None
    assert [each.workspace for each in items.workspaces()] == ["finance", "support"]


def test_places_and_fields_have_numbers(items):
    assert items.workspace_id("support") != items.workspace_id("finance")
    with pytest.raises(NotFound, match='no workspace "nowhere"'):
        items.workspace_id("nowhere")
    assert items.field_id("New one") == items.field_id("new ONE") != items.field_id("another")


def test_an_empty_workspace_can_be_taken_away(desk, items):
    desk.item()
    with pytest.raises(Refused, match="lock it instead"):
        items.remove_workspace("support")
    items.remove_workspace("finance")
    assert items.catalog("finance") is None
    with pytest.raises(NotFound):
        items.remove_workspace("finance")


ENTRY = {
    "id": 4711, "workspace": "support", "title": "Printer", "author": "jane", "assignee": "Bob Lund",
    "watchers": ["anna"], "labels": ["hall"], "fields": {"ref": "7", "tags": ["a", "b"]},
    "comments": [{"author": "bob", "text": "on it", "internal": True}],
}  # fmt: skip


def test_an_item_of_another_system_keeps_its_number(items):
    assert items.put_item(ENTRY) == "added" and items.put_item(ENTRY) == "same"
    view = items.view(4711)
    assert (view.item.title, view.item.assigned_to, view.item.type, view.item.priority) == (
        "Printer", "bob", "Task", "Normal",
    )  # fmt: skip
    assert (view.labels, view.people, view.fields) == (
        ("hall",), (("anna", "watcher"),), (("ref", "7"), ("tags", ("a", "b"))),
    )  # fmt: skip
    assert [(each.author, each.internal) for each in view.comments] == [("bob", True)]


def test_an_item_that_is_there_keeps_what_is_not_named(items):
    items.put_item(ENTRY)
    assert items.put_item({"id": 4711, "workspace": "support", "title": "Toner", "status": "Closed"}) == "changed"
    assert (items.item(4711).title, items.item(4711).closed) == ("Toner", True)
    assert items.put_item({"id": 4711, "workspace": "support", "title": "Toner", "fields": {"ref": "8"}}) == "changed"
    assert items.item_by_field("ref", "8").id == 4711 and "bob" in items.item(4711).people


@pytest.mark.parametrize(
    "wrong", [{"workspace": "nowhere"}, {"author": "nobody"}, {"assignee": "nobody"}, {"watchers": ["nobody"]}]
)
def test_an_item_with_somebody_who_is_not_there_is_refused(items, wrong):
    with pytest.raises(NotFound):
        items.put_item({**ENTRY, **wrong})


def test_a_topic_can_be_locked_and_keeps_its_posts(items):
    entry = {"id": 7, "workspace": "support", "title": "Q", "posts": [{"author": "jane", "text": "a"}]}
    assert [items.put_topic(entry), items.put_topic(entry), items.put_topic({**entry, "locked": True})] == [
        "added", "same", "changed",
    ]  # fmt: skip
    assert items.topic(7).locked


def test_F119_drafts_are_listed_of_one_item_or_of_all_the_oldest_first(desk, items):
    first, second = desk.item("one").item, desk.item("two").item
    for number, text in ((first, "A"), (second, "B"), (first, "C")):
        (spooled,) = desk.spool()
        draft = AddComment(number, text, "bob", internal=True, draft=True)
        desk.commit(spooled, draft, outcome=Outcome.NOTE, item=number, sender="bob@example.com")
    comment(desk, first, "a note", internal=True)
    assert [(each.item, each.text, each.author) for each in items.drafts()] == [
        (first, "A", "bob"), (second, "B", "bob"), (first, "C", "bob"),
    ]  # fmt: skip
    assert [each.text for each in items.drafts(second)] == ["B"]
    assert [(each.text, each.draft, each.internal) for each in items.view(first).comments] == [
        ("A", True, True), ("C", True, True), ("a note", False, True),
    ]  # fmt: skip


def test_an_item_that_was_merged_is_found_as_that_which_it_leads_to_and_as_itself(items, store):
    for number in (3, 5, 7):
        items.put_item({"id": number, "workspace": "support", "title": str(number)})
    merged(store, 3, 5)
    merged(store, 5, 7)
    assert [items.item(number).id for number in (3, 5, 7)] == [7, 7, 7]
    assert [items.exactly(number).id for number in (3, 5, 7)] == [3, 5, 7]
    assert items.exactly(3).merged_into == 5
    assert items.exactly(99) is None


def test_a_way_in_a_circle_leads_nowhere(items, store):
    for number in (3, 5):
        items.put_item({"id": number, "workspace": "support", "title": str(number)})
    merged(store, 3, 5)
    merged(store, 5, 3)
    assert items.item(3) is None


def merged(store, item, into):
    """Write down where an item leads, as a merge does."""
    store.database.run("UPDATE item SET merged_into = ? WHERE id = ?", into, item)


def test_items_are_found_by_a_query(desk, items):
    number = desk.item("Printer").item
    desk.item("Scanner")
    assert [row.id for row in items.found("printer status:open")[0]] == [number]


def test_an_item_is_found_by_a_value_of_any_length(desk, store):
    long = "".join(f"{each:x}" for each in range(3000))
    first = desk.item(fields=(("ref", long),)).item
    desk.item(fields=(("ref", long + "x"),))
    assert store.items.item_by_field("ref", long).id == first
    assert store.items.item_by_field("ref", long[:-1]) is None


def gather(desk, items):
    """Items of two places: one that anna has, one private, one answered, one closed."""
    mine = desk.item("a", fields=(("status", "New"), ("assigned_to", "anna"))).item
    secret, answered = desk.item("b", fields=(("status", "New"),)).item, desk.item("c").item
    desk.store.database.run("UPDATE item SET private = TRUE WHERE id = ?", secret)
    desk.act(answered, AddComment(answered, "It is mended.", "anna"))
    desk.store.database.run("UPDATE event SET name = 'item.answered' WHERE name = 'item.commented'")
    desk.item("d", SetField(0, "status", "Closed"), workspace="support")
    items.put_workspace("other")
    items.put_item({"id": 90, "workspace": "other", "title": "elsewhere", "status": "Strange", "assigned_to": "bob"})
    return mine, secret


SIGHTS = (
    EVERY_ITEM, ItemSight(), ItemSight(workspaces=frozenset({"support"})), ItemSight(workspaces=frozenset({"other"})),
    ItemSight(workspaces=frozenset({"support"}), inside=frozenset({"support"})),
)  # fmt: skip


@pytest.mark.parametrize("sight", SIGHTS)
@pytest.mark.parametrize("query", ["", "status:open", "-assigned:anna", "unanswered", "title:nothing"])
def test_what_items_have_in_common_is_counted_of_those_that_are_found(desk, items, query, sight):
    gather(desk, items)
    rows, beyond, kinds = items.gathered(query, 2, sight=sight)
    every, _ = items.found(query, 100, sight=sight)
    assert (rows, beyond, kinds.items, kinds.more) == (every[:2], False, len(every), False)
    for name, values in (("status", [row.status for row in every]), ("workspace", [row.workspace for row in every]),
                         ("assigned", [row.assigned_to or "-" for row in every])):  # fmt: skip
        told = getattr(kinds, name)
        assert dict(told) == {value: values.count(value) for value in values if value}
        assert [share.items for share in told] == sorted([share.items for share in told], reverse=True)
        for share in told:
            there = items.found(f'{query} {name}:"{share.value}"', 100, sight=sight)[0]
            assert len(there) == share.items, "a click on it finds just these"
    assert kinds.unanswered == len(items.found(f"{query} unanswered", 100, sight=sight)[0])


def test_no_more_than_a_thousand_items_are_counted(desk, items, monkeypatch):
    monkeypatch.setattr(item_kinds, "MOST_COUNTED", 3)
    monkeypatch.setattr(item_kinds, "AT_ONCE", 2)
    for _ in range(5):
        desk.item("x")
    rows, _, kinds = items.gathered("", 4)
    assert (len(rows), kinds.items, kinds.more, kinds.unanswered) == (4, 3, True, 3)
    assert dict(kinds.workspace) == {"support": 3}


def test_counting_them_reads_no_table_from_end_to_end(desk, items):
    numbers, said, database = list(gather(desk, items)), [], desk.store.database
    original = database.rows
    database.rows = lambda sql, *params: said.append((sql, len(params))) or original(sql, *params)
    assert item_kinds.kinds(database, numbers).items == len(numbers)
    database.rows = original
    assert len(said) == 2
    for sql, params in said:
        assert [table for table, _ in read_whole(database, sql, params, ()) if table != "workspace"] == [], sql
