"""What people see of the outbox, find in it and change."""

from __future__ import annotations

import pytest
from store.desk import answer, auto, notice, webhook

from engine.model.sight import ItemSight
from engine.model.stored import OutboxLine
from engine.store.errors import NotFound, Unclear

ME = "elsewhere/boot/7/7"


@pytest.fixture
def outbox_views(store):
    return store.outbox_views


@pytest.fixture
def rows(desk):
    """Five rows by a word each: of item 1 an answer that waits, one that failed and one that was not sent; a webhook
    that went out, and an answer by itself to item 2 that is held."""
    first = desk.item(
        "Printer", told=(answer("jane@example.com"), auto("kim@example.com"), notice(state="suppressed", why="actor"),
                         webhook("chat")),
    ).outbox  # fmt: skip
    by = dict(zip(("waits", "failed", "suppressed", "sent"), first, strict=True))
    claimed = {row.id for row in desk.store.outbox.claim(9, desk.now, ME)}
    assert claimed == {by["waits"], by["failed"], by["sent"]}
    desk.store.outbox.postponed(by["waits"], "the server is away")
    desk.store.outbox.failed(by["failed"], "550 5.1.1 no such user", None)
    desk.store.outbox.sent(by["sent"])
    desk.now = desk.later(days=2)
    (by["held"],) = desk.item("Toner", told=(auto("Jane+x@example.com", state="held", why="cap.total"),)).outbox
    return by


@pytest.mark.parametrize("query", ["", "state:sent", "to:jane@example.com", "item:1", "-class:auto", "why:actor"])
def test_who_sees_some_items_finds_letters_about_those_only(desk, outbox_views, rows, query):
    with desk.store.writing():
        desk.store.database.run("UPDATE item SET private = TRUE WHERE id = 2")
    every = outbox_views.lines(query, everything=True)[0]
    for places, inside, seen in (
        ({"support"}, {"support"}, {1, 2}), ({"support"}, set(), {1}), ({"finance"}, {"finance"}, set()),
        (set(), set(), set()),
    ):  # fmt: skip
        sight = ItemSight(False, frozenset(places), frozenset(inside))
        assert outbox_views.lines(query, everything=True, sight=sight)[0] == [row for row in every if row.item in seen]


def found(outbox_views, rows, query="", **more):
    names = {number: name for name, number in rows.items()}
    return [names[line.id] for line in outbox_views.lines(query, **more)[0]]


def test_what_is_not_over_is_listed_the_newest_first(outbox_views, rows):
    assert found(outbox_views, rows) == ["held", "failed", "waits"]
    assert found(outbox_views, rows, everything=True) == ["held", "sent", "suppressed", "failed", "waits"]
    assert found(outbox_views, rows, everything=True, limit=2) == ["held", "sent"]


@pytest.mark.parametrize("query", ["", "state:sent", "class:auto", "to:jane@example.com", "item:1", "-state:held"])
@pytest.mark.parametrize("everything", [True, False])
def test_a_list_goes_on_below_a_number_and_gives_each_row_once(outbox_views, rows, query, everything):
    whole, before = outbox_views.lines(query, everything=everything)[0], 1 << 62
    found = list[OutboxLine]()
    while lines := outbox_views.lines(query, everything=everything, limit=2, before=before)[0]:
        found, before = [*found, *lines], lines[-1].id
    assert found == sorted(whole, key=lambda line: -line.id)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("to:jane@example.com", ["held", "waits"]),
        ("jane+other@example.com", ["held", "waits"]),
        ("to:bob", []),
        ("item:1", ["failed", "waits"]),
        ("#1", ["failed", "waits"]),
        ("state:sent", ["sent"]),
        ("state:suppressed state:sent", ["sent", "suppressed"]),
        ("-state:sent -state:held", ["suppressed", "failed", "waits"]),
        ("class:auto", ["held", "failed"]),
        ("-class:auto", ["waits"]),
        ("event:item.created", ["held", "failed", "waits"]),
        ("event:mail", []),
        ("why:cap.total", ["held"]),
        ("why:cap", ["held"]),
        ("state:suppressed why:actor", ["suppressed"]),
        ("newer_than:1d", ["held"]),
        ("older_than:1d", ["failed", "waits"]),
        ("older_than:1d to:jane@example.com", ["waits"]),
    ],
)
def test_every_word_finds_what_it_says(outbox_views, rows, query, expected):
    assert found(outbox_views, rows, query) == expected


def test_rows_are_found_by_the_beginning_of_a_mail_and_by_a_login(desk, outbox_views, rows):
    mail = outbox_views.line(rows["waits"]).mail
    assert found(outbox_views, rows, f"mail:{mail[:8]}") == found(outbox_views, rows, f"mail:{mail[2:]}")
    assert found(outbox_views, rows, f"mail:{mail}") == ["failed", "waits"]
    assert found(outbox_views, rows, "to:anna state:suppressed") == ["suppressed"]


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("colour:red", "there are class:, event:"),
        ("printer", 'what is "printer"'),
        ("state:lost", "there are: queued"),
        ("why:moon", "there is no reason 'moon'"),
        ("class:letter", "auto, notice"),
        ("event:item.burnt", "there are: item.answered"),
        ("item:one", "takes a number"),
        ("newer_than:soon", "an age is a number"),
        ("to:", 'to:jane@example.com'),
        ("state:sent " * 60, "50 words at most"),
    ],
)  # fmt: skip
def test_a_query_that_means_nothing_says_what_would(outbox_views, query, said):
    with pytest.raises(Unclear, match=said.replace("+", r"\+")):
        outbox_views.lines(query)


def test_nothing_of_a_query_becomes_a_statement(outbox_views, rows):
    for text in ("x' OR 1=1 --", "'; DROP TABLE outbox; --", "%", "\x00", "\ud800"):
        assert found(outbox_views, rows, f'to:"{text}"') == []


def test_a_row_tells_what_became_of_it(outbox_views, desk, rows):
    line = outbox_views.line(rows["failed"])
    assert (line.state, line.kind, line.to, line.said) == (
        "failed",
        "auto",
        "kim@example.com",
        "550 5.1.1 no such user",
    )
    assert (line.title, line.item, line.attempts, line.subject) == ("Printer", 1, 1, "")
    with pytest.raises(NotFound):
        outbox_views.line(999)


def test_the_bytes_of_a_mail_are_kept_with_its_subject(outbox_views, desk, rows):
    assert outbox_views.content(rows["waits"]) == b""
    content = b"From: a@example.com\r\nSubject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\n\r\nhello\r\n"
    desk.store.outbox.composed(rows["waits"], "<ours@example.com>", content)
    assert outbox_views.content(rows["waits"]) == content
    assert outbox_views.line(rows["waits"]).subject == "Grüße"


def test_only_rows_in_the_states_named_are_changed(outbox_views, desk, rows):
    numbers = list(rows.values())
    assert outbox_views.change("hold", numbers, ("queued",), "anna", "held by anna") == [rows["waits"]]
    assert desk.store.outbox.waiting() == 0
    assert outbox_views.line(rows["waits"]).said == "held by anna"
    again = outbox_views.change("retry", numbers, ("held", "failed"), "anna")
    assert sorted(again) == sorted([rows["waits"], rows["held"], rows["failed"]])
    assert {row.id for row in desk.store.outbox.claim(9, desk.now, ME)} == {*again}
    assert outbox_views.line(rows["held"]).why == ""
    assert outbox_views.change("drop", [rows["sent"], rows["waits"]], ("queued", "held"), "anna", "no") == []


def test_what_is_known_against_an_address_is_listed_and_forgotten(outbox_views, desk):
    assert outbox_views.addresses() == []
    assert outbox_views.clear("jane@example.com", "anna") is False
