"""Looking at the outbox never reads it from end to end, and what people do to it is written down."""

from __future__ import annotations

import json
import re

import pytest
from posted import NOW, of, row

from engine.model.sight import EVERY_ITEM, ItemSight
from engine.store.outbox_query import BOUNCED_FOR, WINDOW, read
from engine.store.store import Store

LEADING = re.compile(r"(SEARCH outbox|SCAN outbox USING (COVERING )?INDEX outbox_(state|queued|digest))")
"""A search, or a walk through an index that holds only what is not over."""

QUERIES = [
    "", "to:jane@example.com", "to:anna", "item:12", "mail:m-4f2a", "state:failed", "state:queued", "state:sent",
    "state:suppressed why:loop", "class:auto", "event:item.created", "why:cap", "newer_than:7d", "older_than:1y",
    "-class:auto", "-state:sent", "to:jane@example.com state:sent newer_than:1d", "item:12 class:answer -why:loop",
]  # fmt: skip


@pytest.fixture
def store():
    with Store.open(":memory:", clock=lambda: NOW) as opened:
        yield opened


SOME = ItemSight(workspaces=frozenset({"support"}), inside=frozenset({"support"}))


@pytest.mark.parametrize("sight", [EVERY_ITEM, SOME], ids=["all", "some"])
@pytest.mark.parametrize("everything", [False, True])
@pytest.mark.parametrize("query", QUERIES)
def test_every_query_goes_through_an_index(store, query, everything, sight):
    for statement in read(query, NOW, everything, sight=sight).statements:
        plan = [row[-1] for row in store.database.rows(f"EXPLAIN QUERY PLAN {statement.sql}", *statement.params, 50)]
        about = [step for step in plan if re.search(r"\boutbox\b", step)]
        assert about and all(LEADING.match(step) for step in about if not step.startswith("SEARCH")), plan
        assert not any(re.match(r"SCAN (inbound|account|email)", step) for step in plan), plan


def test_the_columns_of_rows_are_found_by_their_numbers(store):
    seen = []
    original = store.database.rows
    store.database.rows = lambda sql, *params: seen.append((sql, params)) or original(sql, *params)
    row(store)
    store.outbox_views.lines()
    store.outbox_views.line(1)
    for sql, params in seen:
        for step in original(f"EXPLAIN QUERY PLAN {sql}", *params):
            assert not step[-1].startswith("SCAN") or LEADING.match(step[-1]), (step, sql)


def test_what_no_index_finds_is_looked_for_among_the_newest(store):
    assert [read(query, NOW, everything=True).windowed for query in QUERIES[:6]] == [True, *[False] * 5]
    old = row(store, state="sent", event="item.closed", id=1)
    assert [line.id for line in store.outbox_views.lines("event:item.closed state:sent")[0]] == [old]
    row(store, state="sent", id=WINDOW + 1)
    assert store.outbox_views.lines("event:item.closed state:sent") == ([], True)
    assert store.outbox_views.lines("to:jane@bigcorp.example state:sent event:item.closed")[0][0].id == old


def test_what_came_back_is_shown_for_a_week_and_found_for_ever(store):
    row(store, state="bounced", at=NOW - BOUNCED_FOR * 2)
    fresh = row(store, state="bounced", at=NOW - BOUNCED_FOR / 2)
    assert [line.id for line in store.outbox_views.lines()[0]] == [fresh]
    assert len(store.outbox_views.lines("state:bounced")[0]) == 2


def test_what_a_person_does_is_an_event_with_their_name(store):
    number = row(store, "answer", item=12)
    store.outbox_views.change("drop", [number], ["queued"], "anna", "dropped by anna: too late")
    (told,) = store.database.rows("SELECT name, actor, via, item, detail FROM event")
    assert told[:4] == ("outbox.drop", "anna", "command", 12)
    assert json.loads(told[4]) == {"outbox": number, "said": "dropped by anna: too late"}
    assert of(store, number, "state", "error") == ("dropped", "dropped by anna: too late")


def test_suspended_failing_and_muted_addresses_are_listed_and_cleared(store):
    insert = store.database.run
    with store.writing():
        insert("INSERT INTO address_state VALUES ('gone@x.example', 3, '550 5.1.1 no such user', ?)", 5_000_000)
        insert("INSERT INTO address_state VALUES ('ill@x.example', 1, '550 5.2.1 mailbox is closed', 0)")
        until = 2 * 10**15
        insert("INSERT INTO mute VALUES ('loop@x.example', 12, ?, '5 mails in 10 min')", until)
        insert("INSERT INTO mute VALUES ('old@x.example', 0, 5, 'over long ago')")
    found = store.outbox_views.addresses()
    assert [(each.address, each.state, each.failures, each.item) for each in found] == [
        ("gone@x.example", "suspended", 3, 0), ("ill@x.example", "failing", 1, 0), ("loop@x.example", "muted", 0, 12),
    ]  # fmt: skip
    for address in ("gone@x.example", "loop@x.example"):
        assert store.outbox_views.clear(address, "anna")
    assert [each.address for each in store.outbox_views.addresses()] == ["ill@x.example"]
    assert not store.outbox_views.clear("gone@x.example", "anna")
