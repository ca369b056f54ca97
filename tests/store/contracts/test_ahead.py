"""What every store promises of what is foreseen: it changes no answer, whether it is asked then or not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from engine.model.plan import AddComment, Outcome


@pytest.fixture
def ahead(store):
    return store.ahead


def alike(store: Any, foresee: Callable[[], None], ask: Callable[[], Any]) -> Any:
    """Ask where it was foreseen, and where it was not; gives the one answer."""
    with store.reading():
        foresee()
        told = ask()
    with store.reading():
        assert ask() == told
    return told


def test_accounts_are_what_they_are(desk, store, ahead):
    addresses = (
        "jane@example.com",
        "BOB.lund@example.com",
        "nobody@example.com",
        "jane+x@example.com",
        "ü@example.com",
    )

    def ask():
        store.database.rolled_back()  # nothing is remembered
        return [store.directory.account(each, "+").account for each in addresses]

    found = alike(store, lambda: [ahead.account(each, "+") for each in addresses], ask)
    assert [each.login if each else "" for each in found] == ["jane", "bob", "", "", ""]


def test_items_are_what_they_are_and_so_are_those_that_are_not_there(desk, store, ahead):
    made = [desk.item(f"Printer {number}").item for number in range(3)]
    desk.commit(desk.spool()[0], AddComment(made[1], "Mine, too.", "bob"), outcome=Outcome.COMMENT, item=made[1])
    numbers = (*made, 99, 0, 2**70)
    found = alike(
        store, lambda: [ahead.item(each) for each in numbers], lambda: [store.items.item(each) for each in numbers]
    )
    assert [each.title if each else "" for each in found] == ["Printer 0", "Printer 1", "Printer 2", "", "", ""]


def test_earlier_mails_of_a_content_are_found_in_their_workspace(desk, store, ahead):
    (spooled,) = desk.spool()
    desk.commit(spooled, fingerprint="aa")
    asked = [(place, content) for place in ("support", "finance") for content in ("aa", "bb", "")]
    found = alike(
        store,
        lambda: [ahead.duplicate(content, "", desk.now) for _, content in asked],
        lambda: [store.ledger.duplicate(place, content, now=desk.now) for place, content in asked],
    )
    assert found == [spooled.mail, "", "", "", "", ""]


def test_rates_are_what_they_are(desk, store, ahead):
    for sender in ("jane@example.com", "jane@example.com", "bob@example.com"):
        desk.commit(desk.spool()[0], sender=sender)
    senders = ("jane@example.com", "bob@example.com", "anna@example.com")
    now = desk.later(seconds=1)
    found = alike(
        store,
        lambda: [ahead.sender_rate(each, 60, now, "") for each in senders],
        lambda: [store.ledger.sender_rate(each, 60, now) for each in senders],
    )
    assert found == [2, 1, 0]


def test_conversations_are_found_by_the_message_ids_of_others_and_ours(desk, store, ahead):
    first = desk.item("First", message_id="<first@example.com>").item
    second = desk.item("Second", message_id="<second@example.com>").item
    asked = (("<first@example.com>",), ("<no@example.com>", "<second@example.com>"), ("<no@example.com>",), ())
    found = alike(
        store,
        lambda: [ahead.item_by_message_ids(each) for each in asked],
        lambda: [store.ledger.item_by_message_ids(each) for each in asked],
    )
    assert [each.item.id if each else 0 for each in found] == [first, second, 0, 0]
