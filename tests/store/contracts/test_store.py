"""What every store promises across its parts: commits, counters, transactions."""

from __future__ import annotations

import pytest
from store.desk import Hears, answer, auto

from engine.model.plan import AddComment, CreateItem, Outcome, Publish, SetField
from engine.store.errors import ClaimLost, NotFound


def test_a_commit_writes_item_receipt_outbox_and_mailbox_action_together(desk, store):
    receipt = desk.item("Printer", told=(auto(),))
    assert store.items.item(receipt.item).title == "Printer"
    assert store.archive.receipts(receipt.mail) == [receipt]
    assert store.outbox.waiting() == 1
    assert [row[1:3] for row in store.mailboxes.pending_actions("system", 9)] == [("move", "Done")]


def test_who_lost_the_claim_writes_nothing(desk, store):
    (spooled,) = desk.spool()
    store.ledger.claim("system", 1, desk.later(hours=1), "another/boot/1/1")
    with pytest.raises(ClaimLost):
        desk.commit(spooled, CreateItem("support", "x", "", "jane"))
    assert store.items.newest() == [] and store.archive.receipts(spooled.mail) == []


def test_a_mail_is_committed_once(desk, store):
    (spooled,) = desk.spool()
    desk.commit(spooled, CreateItem("support", "x", "", "jane"))
    with pytest.raises(ClaimLost):
        desk.commit(spooled, CreateItem("support", "x", "", "jane"))
    assert len(store.items.newest()) == 1


def test_a_commit_is_handed_who_says_who_hears_and_without_one_nobody_is_told(desk, store):
    teller = Hears(auto())
    receipt = desk.item("x", teller=teller)
    (row,) = store.outbox.claim(9, desk.now, "me")
    assert (row.id, row.message_id) == (*receipt.outbox, ""), "its Message-ID is made with the mail"
    assert desk.item("y").outbox == ()


def test_an_act_is_done_whole_told_and_done_once_for_each_key(desk, store):
    item = desk.item().item
    effects = (AddComment(item, "On its way.", "anna"), SetField(item, "status", "Closed"))
    acted = desk.act(item, *effects, told=(answer(),), key="click")
    assert [each.event for each in acted.events] == ["item.commented", "item.closed"] and not acted.again
    assert store.items.view(item).comments[0].id == acted.comment and store.items.item(item).closed
    assert [line.act for line in store.outbox.told(item=item)] == [acted.ref]
    again = desk.act(item, *effects, told=(answer(),), key="click")
    assert (again.ref, again.comment, again.told, again.again) == (acted.ref, acted.comment, acted.told, True)
    assert len(store.items.view(item).comments) == 1


def test_an_act_that_cannot_be_done_writes_nothing(desk, store):
    item = desk.item().item
    with pytest.raises(NotFound):
        desk.act(item, AddComment(item, "x", "anna"), Publish(item, 99, "anna"))
    assert store.items.view(item).comments == () and len(store.history.of_item(item)) == 1


def test_a_savepoint_takes_back_its_own_and_the_rest_is_kept(store):
    with store.writing():
        store.archive.keep_text("a", "1")
        with pytest.raises(ValueError), store.savepoint():
            store.archive.keep_text("b", "2")
            raise ValueError
    assert [store.archive.text(digest) for digest in "ab"] == ["1", ""]


def test_an_exception_takes_a_transaction_back(store):
    with pytest.raises(ValueError), store.writing():
        store.archive.keep_text("a", "1")
        raise ValueError
    assert store.archive.text("a") == ""


def test_joining_writes_in_the_transaction_that_is_open(store):
    with pytest.raises(ValueError), store.writing():
        with store.joining():
            store.archive.keep_text("a", "1")
        raise ValueError
    with store.joining():
        store.archive.keep_text("b", "2")
    assert [store.archive.text(digest) for digest in "ab"] == ["", "2"]


def test_a_rehearsal_does_everything_and_keeps_nothing(desk, store):
    with store.rehearsal():
        assert store.items.item(desk.item().item) is not None
    assert store.items.newest() == [] and store.archive.mails() == []


def test_questions_can_be_asked_of_one_state(desk, store):
    with store.reading():
        assert store.directory.login("jane") and store.items.catalog("support")
    store.directory.put_group("written afterwards")


def test_counters_stand_still_while_nobody_writes(store):
    before = store.versions()
    store.directory.login("jane")
    assert store.changed_since(before).counters == frozenset()


def test_counters_name_what_may_have_changed(desk, store):
    before = store.versions()
    store.directory.put_account("eve")
    assert store.changed_since(before).counters == {"accounts"}
    receipt = desk.item()
    before = store.versions()
    (spooled,) = desk.spool()
    desk.commit(spooled, AddComment(receipt.item, "", "bob"), outcome=Outcome.COMMENT, item=receipt.item)
    assert {"items", "receipts"} <= store.changed_since(before).counters


def test_what_another_process_wrote_is_seen_and_counted(shared):
    desk, other = shared
    before = other.versions()
    assert other.directory.login("eve") is None
    desk.store.directory.put_account("eve")
    assert other.changed_since(before).counters and other.directory.login("eve").name == "eve"


def test_closing_twice_does_no_harm(store):
    store.close()
    store.close()
    with pytest.raises(RuntimeError, match="not open"):
        store.archive.oldest()
