"""What a person may do with a mail, and what is refused."""

from __future__ import annotations

import pytest
from store.desk import Hears, auto

from engine.model.events import Why
from engine.model.facts import Release
from engine.model.plan import AddComment, Attach, CreateItem, Outcome, Tell
from engine.store.errors import NotFound, Refused


def again(desk, mail):
    return desk.store.ledger.claim_one(mail, desk.now, desk.owner)


def test_a_released_mail_carries_its_release_into_the_next_generation(desk):
    mail = desk.end(Outcome.HELD)
    release = Release("anna", "phoned him", "finance", 0, 2)
    desk.store.ledger.reopen(mail, release)
    spooled = again(desk, mail)
    assert (spooled.generation, spooled.attempts, spooled.release) == (2, 1, release)
    desk.commit(spooled, CreateItem("support", "x", "", "jane"))
    assert [receipt.outcome for receipt in desk.store.archive.receipts(mail)] == [Outcome.HELD, Outcome.CREATED]


@pytest.mark.parametrize("outcome", [Outcome.HELD, Outcome.DISCARDED, Outcome.REJECTED])
def test_G26_retry_is_allowed_for_what_made_nothing(desk, outcome):
    mail = desk.end(outcome)
    desk.store.ledger.reopen(mail, None, retry=True)
    assert again(desk, mail).generation == 2


def test_G26_retry_of_a_waiting_mail_starts_its_attempts_anew_in_the_same_generation(desk):
    (spooled,) = desk.spool()
    desk.store.ledger.fail(spooled, "x", desk.now, [3600.0])
    desk.store.ledger.reopen(spooled.mail, None, retry=True)
    again_ = again(desk, spooled.mail)
    assert (again_.generation, again_.attempts) == (1, 1)


def test_G26_retry_of_a_quarantined_mail(desk):
    (spooled,) = desk.spool()
    desk.store.ledger.fail(spooled, "x", desk.now, [], max_attempts=1)
    desk.store.ledger.reopen(spooled.mail, None, retry=True)
    assert again(desk, spooled.mail).generation == 2


def test_G26_what_made_an_item_is_not_retried(desk):
    receipt = desk.item()
    with pytest.raises(Refused, match="only"):
        desk.store.ledger.reopen(receipt.mail, None, retry=True)


def test_G26_what_made_an_item_once_is_not_released_again(desk):
    receipt = desk.item()
    desk.store.ledger.reopen(receipt.mail, None, replay=True)
    desk.commit(again(desk, receipt.mail), outcome=Outcome.HELD)
    with pytest.raises(Refused, match="made something before"):
        desk.store.ledger.reopen(receipt.mail, Release("anna"))


def test_G26_a_discarded_mail_is_not_released_and_one_in_work_not_taken(desk):
    mail = desk.end(Outcome.DISCARDED)
    with pytest.raises(Refused):
        desk.store.ledger.reopen(mail, Release("anna"))
    (spooled,) = desk.spool()
    with pytest.raises(Refused, match="in work"):
        desk.store.ledger.claim_one(spooled.mail, desk.now, "another/boot/1/1")
    with pytest.raises(Refused, match="does not wait"):
        desk.store.ledger.claim_one(mail, desk.now, desk.owner)


def test_replay_updates_the_item_and_tells_nobody(desk, attached):
    file = attached(b"hello", b"aGVsbG8=", 0)
    (spooled,) = desk.spool(b"aGVsbG8=")
    first = desk.commit(spooled, CreateItem("support", "One", "old", "jane"), Attach(0, file), told=(auto(),))
    desk.store.ledger.reopen(first.mail, None, replay=True)
    made = CreateItem("support", "Two", "new", "jane", (("type", "Incident"), ("F", "1")))
    teller = Hears()
    second = desk.commit(again(desk, first.mail), made, Attach(0, file), teller=teller)
    assert second.item == first.item and [batch.tell.quiet for batch in teller.batches] == [Why.QUIET]
    view = desk.store.items.view(first.item)
    assert (view.item.title, view.text, view.item.type, view.fields) == ("Two", "new", "Incident", (("F", "1"),))
    assert len(view.attachments) == 1 and desk.count("item") == 1


def test_replay_updates_the_comment(desk):
    item = desk.item().item
    (spooled,) = desk.spool()
    desk.commit(spooled, AddComment(item, "old", "bob"), outcome=Outcome.COMMENT, item=item)
    desk.store.ledger.reopen(spooled.mail, None, replay=True)
    desk.commit(again(desk, spooled.mail), AddComment(item, "new", "bob"), outcome=Outcome.COMMENT, item=item)
    assert [comment.text for comment in desk.store.items.view(item).comments] == ["new"]


def test_replay_a_second_time_still_updates_the_same_item(desk):
    first = desk.item()
    for number in range(2):
        desk.store.ledger.reopen(first.mail, None, replay=True)
        desk.commit(again(desk, first.mail), CreateItem("support", f"again {number}", "", "jane"))
    assert [row.title for row in desk.store.items.newest()] == ["again 1"]


def test_replay_makes_a_second_item_only_when_asked_and_notifies_only_when_asked(desk):
    first = desk.item("One", told=(auto(),))
    desk.store.ledger.reopen(first.mail, None, replay=True, as_new=True, notify=True)
    teller = Hears(auto())
    second = desk.commit(again(desk, first.mail), CreateItem("support", "Two", "", "jane"), teller=teller)
    assert second.item != first.item and len(second.outbox) == 1
    assert [batch.tell.quiet for batch in teller.batches] == [None]


def test_what_waits_is_not_replayed_and_what_was_purged_neither(desk):
    (spooled,) = desk.spool()
    with pytest.raises(Refused, match="waiting"):
        desk.store.ledger.reopen(spooled.mail, None, replay=True)
    mail = desk.end(Outcome.DISCARDED, action="")
    desk.store.archive.purge(mail)
    with pytest.raises(Refused, match="purged"):
        desk.store.ledger.reopen(mail, None, retry=True)


def test_ignoring_leaves_a_receipt_of_the_person(desk):
    mail = desk.end(Outcome.HELD)
    desk.store.ledger.ignore(mail, "anna", "spam after all")
    held, ignored = desk.store.archive.receipts(mail)
    assert (ignored.outcome, ignored.because, ignored.by.kind, ignored.by.name) == (
        Outcome.DISCARDED, "spam after all", "person", "anna",
    )  # fmt: skip
    assert ignored.code == held.code and desk.store.archive.held() == []
    with pytest.raises(Refused, match="already"):
        desk.store.ledger.ignore(mail, "anna", "again")


def test_ignoring_a_waiting_mail_takes_it_from_whoever_works_on_it(desk):
    from engine.store.errors import ClaimLost

    (spooled,) = desk.spool()
    desk.store.ledger.ignore(spooled.mail, "anna", "no")
    with pytest.raises(ClaimLost):
        desk.commit(spooled)


def test_rejecting_may_answer(desk):
    mail = desk.end(Outcome.HELD)
    told = desk.store.ledger.reject(mail, "anna", "not for us", Tell("mail.rejected"), Hears(auto()))
    (row,) = desk.store.outbox.claim(5, desk.now, "me")
    assert (row.id, row.event, row.mail, row.generation) == (*told, "mail.rejected", mail, 2)
    assert desk.store.archive.mail(mail).outcome == "rejected"


def test_reset_status_clears_claim_and_backoff_and_no_effect(desk):
    (spooled,) = desk.spool()
    desk.store.ledger.fail(spooled, "x", desk.now, [99999.0])
    desk.store.ledger.reset_status(spooled.mail)
    (waiting,) = desk.store.ledger.claim("system", 5, desk.now, desk.owner).mails
    assert waiting.attempts == 2
    with pytest.raises(Refused):
        desk.store.ledger.reset_status(desk.item().mail)


def test_settle_again_plans_the_action_once_more(desk):
    mail = desk.end(Outcome.DISCARDED)
    (key, *_) = desk.store.mailboxes.pending_actions("system", 5)[0]
    desk.store.mailboxes.actions_done("system", [(key, "done", "")])
    assert desk.store.mailboxes.settle_again(mail) == 1
    assert desk.store.mailboxes.pending_actions("system", 5)[0][0] == key
    assert desk.store.mailboxes.actions_planned() == 1


@pytest.mark.parametrize(
    ("part", "act"),
    [("ledger", "ignore"), ("ledger", "reject"), ("ledger", "reset_status"), ("ledger", "reopen"),
     ("mailboxes", "settle_again"), ("archive", "purge")],
)  # fmt: skip
def test_every_act_on_a_mail_that_is_not_there_says_so(desk, part, act):
    arguments = {"ignore": ("anna", "x"), "reject": ("anna", "x"), "reopen": (None,)}.get(act, ())
    with pytest.raises(NotFound):
        getattr(getattr(desk.store, part), act)("m-000000000000", *arguments)
