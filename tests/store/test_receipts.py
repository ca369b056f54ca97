"""Items and earlier mails as decisions ask for them."""

from __future__ import annotations

import hashlib
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from store.desk import auto, notice

from engine.model.addresses import base_key
from engine.model.desk import Kind
from engine.model.draft import Decider, Disposition, Verdict
from engine.model.facts import Facts, Sender
from engine.model.mail import Address, Mail, Origin, RawMail
from engine.model.plan import AddComment, CreateItem, Outcome, Plan, PostToTopic
from engine.store.receipts import body_key
from engine.store.store import Store


def test_item_knows_everyone_on_it_by_login_and_address(desk):
    item = desk.item(fields=(("assigned_to", "bob"),), sender="jane@home.example").item
    (spooled,) = desk.spool()
    desk.commit(spooled, AddComment(item, "x", ""), outcome=Outcome.COMMENT, item=item, sender="friend@example.org")
    (spooled,) = desk.spool()
    desk.commit(
        spooled, AddComment(item, "x", "", True), outcome=Outcome.NOTE, item=item, sender="stranger@example.org"
    )
    facts = desk.store.items.item(item)
    assert {
        "jane",
        "jane@example.com",
        "jane@home.example",
        "bob",
        "bob.lund@example.com",
        "friend@example.org",
    } <= set(facts.people)
    assert "stranger@example.org" not in facts.people


@pytest.mark.parametrize(
    ("one", "other", "equal"),
    [
        ("Disk 93% full on WEB7\r\n", "disk 94% full\non web12", True),
        ("Plattenplatz für Büro 3", "plattenplatz für büro 4", True),
        ("a" * 4000 + "x", "a" * 4000 + "y", True),
        ("\ud800 broken", "\ud801 broken", False),
        ("yes", "no", False),
    ],
)
def test_texts_are_equal_but_for_case_digits_and_blanks(one, other, equal):
    assert (body_key(one) == body_key(other)) == equal


@given(st.text())
def test_every_text_has_a_key_or_says_nothing(text):
    key = body_key(text)
    assert (key is None) == all(each in " \t\r\n\v\f0123456789" for each in text)
    assert key is None or len(key) == 8


@pytest.mark.parametrize("number", [0, -1, 99, 2**63, 10**30])
def test_numbers_that_name_nothing_find_nothing(desk, number):
    assert desk.store.items.item(number) is None and desk.store.items.topic(number) is None


def test_F107_a_reply_finds_the_item_by_the_message_id_of_an_earlier_mail(desk):
    item = desk.item(message_id="<one@example.com>").item
    match = desk.store.ledger.item_by_message_ids(("<zero@example.com>", "one@example.com"))
    assert (match.item.id, match.message_id, match.private) == (item, "one@example.com", False)


def test_F106_a_reply_finds_the_item_by_the_message_id_of_our_mail(desk):
    item = desk.item("x", told=(auto(),)).item
    (row,) = desk.store.outbox.claim(1, desk.now, "me")
    desk.store.outbox.composed(row.id, "<ours@example.com>", b"")
    desk.store.outbox.sent(row.id)
    assert desk.store.ledger.item_by_message_ids(("ours@example.com",)).item.id == item


def test_the_first_message_id_that_is_stored_wins(desk):
    one, two = desk.item(message_id="<one@example.com>").item, desk.item(message_id="<two@example.com>").item
    assert desk.store.ledger.item_by_message_ids(("<two@example.com>", "<one@example.com>")).item.id == two
    assert desk.store.ledger.item_by_message_ids(("<one@example.com>", "<two@example.com>")).item.id == one


def test_a_forged_message_id_does_not_take_a_conversation_over(desk):
    first = desk.item(message_id="<same@example.com>").item
    desk.item(message_id="<same@example.com>")
    assert desk.store.ledger.item_by_message_ids(("<same@example.com>",)).item.id == first


def test_F117_an_answer_to_a_note_is_private(desk):
    item = desk.item().item
    (spooled,) = desk.spool()
    note = AddComment(item, "", "", True)
    desk.commit(spooled, note, outcome=Outcome.NOTE, item=item, message_id="<note@example.com>")
    assert desk.store.ledger.item_by_message_ids(("<note@example.com>",)).private


def test_a_held_mail_is_no_conversation(desk):
    desk.end(Outcome.HELD, message_id="<held@example.com>")
    assert desk.store.ledger.item_by_message_ids(("<held@example.com>",)) is None


def test_F120_a_reply_finds_a_topic(desk):
    desk.store.database.run(
        "INSERT INTO topic (id, workspace_id, title, locked, created_at) VALUES (7, 1, '', TRUE, 0)"
    )
    (spooled,) = desk.spool()
    post = PostToTopic(7, "", "jane")
    desk.commit(spooled, post, outcome=Outcome.COMMENT, item=7, message_id="<post@example.com>")
    facts = desk.store.ledger.item_by_message_ids(("<post@example.com>",)).item
    assert (facts.id, facts.kind, facts.locked) == (7, Kind.TOPIC, True)


def test_F120_mail_about_a_topic_leads_to_the_topic_and_never_to_the_item_of_that_number(desk):
    item = desk.item().item
    desk.store.database.run("INSERT INTO topic (id, workspace_id, title, created_at) VALUES (?, 1, 'Q', 0)", item)
    (spooled,) = desk.spool()
    desk.commit(spooled, PostToTopic(item, "", "jane"), told=(auto(),), outcome=Outcome.COMMENT, item=item)
    (row,) = desk.store.outbox.claim(1, desk.now, "me")
    assert (row.item, row.topic, row.event) == (0, item, "topic.posted")
    find = desk.store.ledger.item_by_message_ids
    desk.store.outbox.composed(row.id, "<ours@example.com>", b"")
    assert find(("<ours@example.com>",)).item.kind is Kind.TOPIC
    desk.store.database.run("UPDATE outbox SET item = topic")  # as earlier releases left it
    assert find(("<ours@example.com>",)).item.kind is Kind.TOPIC


def test_a_message_id_of_ours_tells_to_whom_it_was_sent(desk):
    bob = desk.store.directory.login("bob").id
    desk.item("x", told=(notice("bob@example.com", account=bob), auto()))
    toward_jane, toward_bob = desk.handed_over()
    find = desk.store.ledger.item_by_message_ids
    assert (find((toward_bob,)).account, find((toward_jane,)).account) == (bob, 0)


def test_F117_an_answer_to_the_notice_of_a_note_is_private(desk):
    item = desk.item().item
    (spooled,) = desk.spool()
    noted = AddComment(item, "Not for customers.", "bob", True)
    desk.commit(spooled, noted, told=(notice(),), outcome=Outcome.NOTE, item=item)
    assert desk.store.ledger.item_by_message_ids((*desk.handed_over(),)).private


def test_item_by_field_finds_the_newest_with_exactly_that_value(desk):
    desk.item(fields=(("external_ref", "INC1"),))
    newest = desk.item(fields=(("external_ref", "INC1"),)).item
    desk.item(fields=(("external_ref", "INC11"),))
    number = desk.item(fields=(("order", 47112),)).item
    assert desk.store.items.item_by_field("External_Ref", "INC1").id == newest
    assert desk.store.items.item_by_field("external_ref", "INC") is None
    assert desk.store.items.item_by_field("order", "47112").id == number
    assert desk.store.items.item_by_field("no such field", "x") is None


def test_duplicate_is_the_same_content_in_the_same_workspace_within_30_days(desk):
    mail = desk.item(fingerprint="f1").mail
    ask = desk.store.ledger.duplicate
    assert ask("support", "f1") == mail
    assert ask("finance", "f1") == ""
    assert ask("support", "f2") == ""
    assert ask("support", "") == ""
    assert ask("support", "f1", other_than=mail) == ""
    desk.later(days=31)
    assert ask("support", "f1") == ""


@pytest.mark.parametrize(
    ("outcome", "counts"), [(Outcome.HELD, True), (Outcome.REJECTED, False), (Outcome.DISCARDED, False)]
)
def test_only_what_reached_the_workspace_has_duplicates(desk, outcome, counts):
    desk.end(outcome, fingerprint="f1")
    assert bool(desk.store.ledger.duplicate("support", "f1")) is counts


def test_the_same_message_id_with_other_content_is_no_duplicate(desk):
    desk.item(message_id="<same@example.com>", fingerprint="f1")
    assert desk.store.ledger.duplicate("support", "f2") == ""


def test_sender_rate_counts_decided_mails_of_the_hour_before(desk):
    for minutes in (0, 30, 30):
        desk.later(minutes=minutes)
        desk.end(Outcome.HELD, sender="Jane@Example.com".casefold())
    desk.end(Outcome.HELD, sender="other@example.com")
    desk.spool()
    assert desk.store.ledger.sender_rate("JANE@example.com", 3600, desk.now) == 2
    assert desk.store.ledger.sender_rate("jane@example.com", 3600, desk.now + timedelta(seconds=1)) == 2
    assert desk.store.ledger.sender_rate("jane@example.com", 7200, desk.now + timedelta(seconds=1)) == 3


WHO = ("ann@x.example", "ann+a@x.example", "ann-b@x.example", "bob@x.example", "ann@y.example")
STEP = st.tuples(
    st.sampled_from(("mail", "ask", "undo", "elsewhere")), st.integers(0, 5000), st.sampled_from(WHO),
    st.sampled_from(("", "-")),
)  # fmt: skip


def decided(store: Any, number: int, moment: datetime, sender: str) -> None:
    """Spool a mail and end it, in the transaction that is open."""
    data = b"%d" % number
    raw = RawMail(data, Origin("m", str(number), 1), moment, hashlib.sha256(data).hexdigest())
    plan = Plan(Disposition(Verdict.HOLD, "x", "y", Decider("gate", "g")), Outcome.HELD, "w")
    (spooled,) = store.ledger.spool([raw], "h/b/1/1")
    facts = Facts("m", sender=Sender(Address(sender)))
    store.commit(spooled, Mail(raw), facts, plan, b"{}", "", "")


@settings(max_examples=60, deadline=None)
@given(st.lists(STEP, max_size=30), st.sampled_from([60, 600, 3600]))
def test_rates_that_are_remembered_are_what_a_fresh_count_would_say(steps: Any, seconds: int) -> None:
    """Mails received at any time, in any order, some rolled back, some decided by another; questions for any time."""
    start = datetime(2026, 1, 1, tzinfo=UTC)
    with TemporaryDirectory() as folder, Store.open(Path(folder) / "a.db") as store, \
            Store.open(Path(folder) / "a.db") as other:  # fmt: skip
        store.items.put_workspace("w")
        came: list[tuple[datetime, str]] = []
        for number, (what, at, sender, separators) in enumerate(steps):
            moment = start + timedelta(seconds=at)
            if what == "ask":
                inside = [who for each, who in came if moment - timedelta(seconds=seconds) <= each < moment]
                base = base_key(sender, separators)
                wanted = sum(base_key(who, separators) == base for who in inside)
                with store.reading():  # as every decision does
                    assert store.ledger.total_rate(seconds, moment) == len(inside)
                    assert store.ledger.sender_rate(sender, seconds, moment, separators) == wanted
                assert store.ledger.total_rate(seconds, moment) == len(inside)
                assert store.ledger.sender_rate(sender, seconds, moment, separators) == wanted
                continue
            noted = number % 3 > 0
            with suppress(ZeroDivisionError), (other if what == "elsewhere" else store).writing(noted):
                decided(other if what == "elsewhere" else store, number, moment, sender)
                if what == "undo":
                    raise ZeroDivisionError
                came.append((moment, sender))


def test_items_are_listed_newest_first(desk):
    numbers = [desk.item(f"item {number}").item for number in range(3)]
    (spooled,) = desk.spool()
    desk.commit(spooled, CreateItem("finance", "money", "", "anna"), workspace="finance")
    assert [row.id for row in desk.store.items.newest("support")] == numbers[::-1]
    assert [row.title for row in desk.store.items.newest(limit=1)] == ["money"]
    assert [row.id for row in desk.store.items.newest("support", before=numbers[1])] == [numbers[0]]
    assert desk.store.items.count("support") == 3
    assert desk.store.items.view(99) is None
