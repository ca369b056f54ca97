"""Every list is searched by words of one kind; what a word cannot mean is told, and no large table is read through."""

from __future__ import annotations

import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from store.desk import NOW, Desk, furnish

from engine.model.draft import Role
from engine.model.hearing import Change
from engine.model.plan import AddComment, AddLabel, AddPerson, Outcome, SetField, Tell
from engine.model.sight import ItemSight
from engine.store import event_query, item_query
from engine.store.errors import Unclear
from engine.store.place import Url
from engine.store.query import words
from engine.store.store import Store


@pytest.fixture
def desk():
    with Store.open(":memory:") as store:
        made = Desk(store)
        store.database.clock = made.clock
        furnish(store)
        yield made


@pytest.fixture
def items(desk):
    """Three items by a word each: one that anna has, with a label; one of a guest, unanswered; one that is closed."""
    has = desk.item("Printer prints 100%", AddLabel(0, "Urgent"), fields=(("assigned_to", "anna"),)).item
    (spooled,) = desk.spool()
    answered = AddComment(has, "It is mended.", "anna")
    desk.commit(spooled, answered, outcome=Outcome.COMMENT, item=has, sender="anna@example.com")
    desk.store.database.run("UPDATE event SET name = 'item.answered' WHERE name = 'item.commented'")
    desk.now = desk.later(days=2)
    guest = desk.item("Toner", AddPerson(0, "bob", Role.WATCHER)).item
    desk.store.database.run(
        "UPDATE item SET author_id = NULL, sender = 'Kim Doe <kim@big.example>' WHERE id = ?", guest
    )
    closed = desk.item("Old", SetField(0, "status", "Closed")).item
    return {has: "has", guest: "guest", closed: "closed"}


def found(desk, items, query, **more):
    return [items[row.id] for row in desk.store.items.found(query, **more)[0]]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", ["closed", "guest", "has"]),
        ("toner", ["guest"]),
        ("title:print", ["has"]),
        ('"100%"', ["has"]),
        ("1_0%", []),
        ("status:open", ["guest", "has"]),
        ("status:CLOSED", ["closed"]),
        ("-status:closed", ["guest", "has"]),
        ("assigned:anna", ["has"]),
        ("assigned:ANNA unanswered", []),
        ("-assigned:anna", ["closed", "guest"]),
        ("assigned:anna@example.com", ["has"]),
        ("assigned:-", ["closed", "guest"]),
        ("from:kim", ["guest"]),
        ("from:jane", ["closed", "has"]),
        ("from:jane@example.com", ["closed", "has"]),
        ("label:urgent", ["has"]),
        ("workspace:support", ["closed", "guest", "has"]),
        ("workspace:finance", []),
        ("unanswered", ["guest"]),
        ("-unanswered", ["closed", "has"]),
        ("older_than:1d", ["has"]),
        ("newer_than:1d workspace:support -old", ["guest"]),
    ],
)
def test_every_word_finds_items(desk, items, query, expected):
    assert found(desk, items, query) == expected


def test_an_item_waits_again_for_an_answer_when_its_customer_wrote_last(desk, items):
    (has,) = [number for number, name in items.items() if name == "has"]
    (spooled,) = desk.spool()
    desk.commit(spooled, AddComment(has, "It is not.", "jane"), outcome=Outcome.COMMENT, item=has)
    assert found(desk, items, "unanswered") == ["guest", "has"]


def test_the_author_of_a_guests_item_is_told_as_one(desk, items):
    (row,) = desk.store.items.found("from:kim")[0]
    assert (row.by, row.author, row.sender_name) == ("kim@big.example (guest)", "kim@big.example", "Kim Doe")
    assert (row.sender, row.writer) == ("Kim Doe <kim@big.example>",) * 2
    assert desk.store.items.found("assigned:anna")[0][0].by == "jane"


def test_events_are_found_by_every_word_the_newest_last(desk, items):
    events = desk.store.history.events()[0]
    assert [each.id for each in events] == list(range(1, len(events) + 1))
    first = events[0]
    acted = desk.act(1, SetField(1, "priority", "High"), Tell())
    for query, names in (
        ("item:1", ["item.created", "item.answered", "item.changed"]),
        ("event:item.answered", ["item.answered"]),
        ("item.answered", ["item.answered"]),
        ("event:item", [each.name for each in events] + ["item.changed"]),
        (f"mail:{first.mail[:8]}", ["item.created"]),
        (first.mail, ["item.created"]),
        (f"act:{acted.ref}", ["item.changed"]),
        (acted.ref[:5], ["item.changed"]),
        ("actor:anna", ["item.answered", "item.changed"]),
        ("anna@example.com", ["item.answered", "item.changed"]),
        ("via:mail item:1", ["item.created", "item.answered"]),
        ("workspace:support #1 -via:mail", ["item.changed"]),
        ("older_than:1d", ["item.created", "item.answered"]),
        ("newer_than:1d item:1", ["item.changed"]),
        ("actor:-", []),
    ):
        assert [each.name for each in desk.store.history.events(query)[0]] == names, query
    assert desk.store.history.events("", 1)[0][0].detail == {"changes": (Change("priority", "", "High"),)}


def test_what_happened_behind_an_event_comes_from_the_oldest_so_that_none_is_missed(desk, items):
    rows, beyond = desk.store.history.events("", 2, after=1)
    assert [each.id for each in rows] == [2, 3] and not beyond
    assert desk.store.history.events("item:1", 9, after=1)[0][0].name == "item.answered"
    assert desk.store.history.events("", 9, after=desk.store.history.newest_event()) == ([], False)


WORDS = ("", "status:open", "unanswered", "-label:urgent", "printer", "workspace:support", "workspace:finance")
PLACES = st.frozensets(st.sampled_from(["support", "finance", "nowhere"]))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.builds(ItemSight, st.booleans(), PLACES, PLACES), st.sampled_from(WORDS), st.integers(0, 6))
def test_only_items_that_are_seen_are_found(desk, items, sight, query, before):
    if len(desk.store.items.found()[0]) == len(items):
        desk.item("Salary", workspace="finance")
        secret = desk.item("Secret").item
        desk.store.database.run("UPDATE item SET private = TRUE WHERE id = ?", secret)
    private = {number for (number,) in desk.store.database.rows("SELECT id FROM item WHERE private = TRUE")}
    every = [row for row in desk.store.items.found(query)[0] if not before or row.id < before]
    seen = [row for row in every if sight.sees(row.workspace, private=row.id in private)]
    assert desk.store.items.found(query, sight=sight, before=before)[0] == seen


def test_who_sees_some_items_is_told_of_no_status_of_others(desk, items):
    sight = ItemSight(workspaces=frozenset({"support"}))
    assert desk.store.items.found("status:nonsense", sight=sight) == ([], False)


@pytest.mark.parametrize(
    ("searched", "query", "said"),
    [
        ("items", "asigned:anna", "did you mean assigned:?"),
        ("items", "colour:red", "there are assigned:, from:, label:"),
        ("items", "label:", "as in label:urgent"),
        ("items", "older_than:soon", "an age is a number"),
        (
            "items",
            "status:opn",
            "there is no status 'opn'; did you mean open? there are: New, In progress",
        ),
        ("items", "printer -status:nw", "did you mean New?"),
        ("items", "x " * 51, "50 words at most"),
        ("events", "acter:anna", "did you mean actor:?"),
        ("events", "event:item.answerd", "did you mean item.answered?"),
        ("events", "printer", 'what is "printer"? name it by one of act:'),
        ("events", "item:x", "item: takes a number"),
    ],
)
def test_what_a_query_cannot_mean_is_told_with_what_may_be_meant(desk, searched, query, said):
    with pytest.raises(Unclear, match=re.escape(said)):
        {"items": desk.store.items.found, "events": desk.store.history.events}[searched](query)


def test_a_status_that_items_have_is_looked_for_though_no_workspace_offers_it(desk, items):
    desk.store.database.run("UPDATE item SET status = 'Parked' WHERE title = 'Old'")
    assert [row.title for row in desk.store.items.found("status:parked")[0]] == ["Old"]
    assert desk.store.items.found("status:Parked from:nobody") == ([], False)
    assert desk.store.items.found("status:new title:nothing") == ([], False)


def test_a_word_has_a_name_a_value_and_may_be_turned_round():
    known = {"": "x", "from": "x"}
    assert [*words('from:"a b" -c', known)] == [("from", "a b", False), ("", "c", True)]


QUERIES = ("", "item:12", "mail:m-1", "act:a-1", "event:item", "actor:anna", "via:mail", "newer_than:1d", "workspace:x")


@pytest.mark.parametrize("query", QUERIES)
@pytest.mark.parametrize("after", [0, 7])
def test_events_are_never_read_from_end_to_end(desk, query, after):
    asked = event_query.read(query, NOW, after).statement
    plan = [row[-1] for row in desk.store.database.rows(f"EXPLAIN QUERY PLAN {asked.sql}", *asked.params, 50)]
    assert any(step.startswith(("SEARCH event USING", "MULTI-INDEX")) for step in plan), plan
    assert not any(re.match(r"SCAN (event|inbound|account|email)\b", step) for step in plan), plan


@pytest.mark.parametrize(
    "query", ["", "x", "status:New", "assigned:a", "from:a", "label:x", "workspace:x", "unanswered"]
)
def test_items_are_never_read_from_end_to_end(desk, query):
    asked = item_query.read(query, NOW).statement
    plan = [row[-1] for row in desk.store.database.rows(f"EXPLAIN QUERY PLAN {asked.sql}", *asked.params, 50)]
    scanned = [step for step in plan if step.startswith("SCAN") and step != "SCAN CONSTANT ROW"]
    assert scanned == ([] if query else ["SCAN item"]), plan  # from the newest on, as many as are shown


def test_what_somebody_has_to_do_is_found_without_reading_what_others_have(desk):
    asked = item_query.read("unanswered assigned:a", NOW).statement
    plan = [row[-1] for row in desk.store.database.rows(f"EXPLAIN QUERY PLAN {asked.sql}", *asked.params, 50)]
    assert any("item_assigned" in step for step in plan), plan


def test_what_no_index_finds_is_looked_for_among_the_newest_events_and_items(desk, items):
    run = desk.store.database.run
    run("UPDATE item SET id = ? WHERE title = 'Old'", item_query.WINDOW + 2)
    assert desk.store.items.found("toner") == ([], True)
    assert len(desk.store.items.found("workspace:support")[0]) == 3
    run("UPDATE event SET id = ? WHERE id = 3", event_query.WINDOW + 3)
    assert desk.store.history.events("actor:anna") == ([], True)
    assert len(desk.store.history.events("item:1")[0]) == 2


@pytest.mark.server
@pytest.mark.parametrize(
    "query", ["ÜBERGABE", "Übergabe", "title:ÜBERgabe", "label:Äußerst", "assigned:group:Öfen", "status:Übergeben"]
)
def test_letters_beyond_z_are_found_as_they_stand_there_on_both_databases(postgres_url, query):
    """A server that folds `lower(?)` by its own locale, and the column by none, found none of them."""
    with Store.open(":memory:") as file, Store.open(Url(postgres_url)) as server:
        for store in (file, server):
            made = Desk(store)
            furnish(store)
            item = made.item("ÜBERGABE", AddLabel(0, "Äußerst"), SetField(0, "status", "Übergeben")).item
            made.item("Übergabe")
            store.database.run("UPDATE item SET assigned_to = 'group:Öfen' WHERE id = ?", item)
        found = [[row.title for row in store.items.found(query)[0]] for store in (file, server)]
    assert found[0] == found[1] != []
