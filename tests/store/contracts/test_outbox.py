"""What every outbox promises: automatic mail at most once, notifications at least once."""

from __future__ import annotations

from datetime import timedelta

import pytest
from store.desk import answer, auto, notice, webhook

from engine.model.plan import Outcome, Tell

ME, DEAD = "elsewhere/boot/7/7", "elsewhere/boot/8/8"
ACK = auto("Jane@example.com")
NOTICE = notice()


@pytest.fixture
def outbox(store):
    return store.outbox


def test_a_row_for_each_hearer(desk, outbox):
    receipt = desk.item("x", told=(ACK, NOTICE, answer("karl@example.com")))
    rows = outbox.claim(9, desk.now, ME)
    assert {row.told.to for row in rows} == {"Jane@example.com", "anna@example.com", "karl@example.com"}
    assert {(row.mail, row.item, row.attempts) for row in rows} == {(receipt.mail, receipt.item, 1)}
    assert {*receipt.outbox} == {row.id for row in rows}
    assert len({row.key for row in rows}) == 3 and {row.message_id for row in rows} == {""}


def test_a_claimed_row_is_nobody_elses(desk, outbox):
    desk.item("x", told=(ACK,))
    assert outbox.waiting() == 1
    assert len(outbox.claim(9, desk.now, ME)) == 1
    assert outbox.claim(9, desk.now, DEAD) == []


def test_what_went_out_is_over_and_known_by_its_message_id(desk, outbox):
    receipt = desk.item("x", told=(ACK,))
    (row,) = outbox.claim(9, desk.now, ME)
    outbox.composed(row.id, "<ours@example.com>", b"")
    outbox.sent(row.id, desk.later(minutes=1))
    (line,) = outbox.told(receipt.mail)
    assert (line.state, line.message_id, line.tried_at) == ("sent", "<ours@example.com>", desk.now)
    assert outbox.waiting() == 0 and outbox.claim(9, desk.later(days=9), ME) == []


def test_what_a_dead_process_was_sending_goes_again_unless_it_is_automatic(desk, outbox):
    desk.item("x", told=(ACK, NOTICE))
    ack, *notices = outbox.claim(9, desk.now, DEAD)
    again = outbox.claim(9, desk.later(hours=1), ME)
    assert [(row.id, row.message_id, row.attempts) for row in again] == [
        (row.id, row.message_id, 2) for row in notices
    ]  # fmt: skip
    assert ack.automatic


def test_a_failed_row_waits_or_has_failed_for_good(desk, outbox):
    desk.item("x", told=(ACK,))
    (row,) = outbox.claim(9, desk.now, ME)
    outbox.failed(row.id, "no route", desk.now.replace(hour=23))
    assert outbox.waiting() == 0 and outbox.waiting(desk.now.replace(hour=23)) == 1
    (row,) = outbox.claim(9, desk.now.replace(hour=23), ME)
    outbox.failed(row.id, "no such person", None)
    assert outbox.waiting(desk.later(days=9)) == 0


def test_a_row_that_was_not_tried_waits_without_an_attempt(desk, outbox):
    desk.item("x", told=(ACK,))
    (row,) = outbox.claim(9, desk.now, ME)
    later = desk.item("y", told=(ACK,)).outbox
    outbox.postponed(row.id, "the server is away")
    assert outbox.waiting() == 2
    again, other = outbox.claim(9, desk.now, ME)
    assert (again.id, again.attempts) == (row.id, row.attempts), "its turn stays"
    assert (other.id,) == later


def test_what_waits_too_long_is_found_but_for_what_a_person_sent_again(desk, outbox):
    old, again = (desk.item(title, told=(ACK, NOTICE)).outbox for title in "xy")
    outbox.failed(outbox.claim(1, desk.now, ME)[0].id, "no route", None)
    desk.store.outbox_views.change("hold", again, ("queued",), "anna")
    desk.now = desk.later(days=6)
    desk.store.outbox_views.change("retry", again, ("held",), "anna")
    assert outbox.queued() == (3, desk.now.replace(day=20))
    overdue = outbox.overdue(desk.now - timedelta(days=5), 9)
    assert overdue == [old[1]] and outbox.row(overdue[0]).attempts == 0


def test_G18_a_clock_that_ran_ahead_parks_no_row(desk, outbox):
    desk.item("x", told=(ACK,))
    (row,) = outbox.claim(9, desk.now, ME)
    outbox.failed(row.id, "no route", desk.now + timedelta(days=365))
    assert outbox.waiting() == 1
    assert [each.id for each in outbox.claim(9, desk.now, ME)] == [row.id]


def test_an_unknown_fate_is_never_tried_again(desk, outbox):
    desk.item("x", told=(ACK,))
    (row,) = outbox.claim(9, desk.now, ME)
    outbox.unknown(row.id)
    assert outbox.claim(9, desk.later(days=9), ME) == []
    assert [line.state for line in outbox.told(row.mail)] == ["unknown"]


def test_a_dropped_row_is_never_tried_again_and_says_why(desk, outbox):
    desk.item("x", told=(ACK,))
    (row,) = outbox.claim(9, desk.now, ME)
    outbox.dropped(row.id, "locked")
    assert outbox.claim(9, desk.later(days=9), ME) == []
    assert [(line.state, line.why) for line in outbox.told(row.mail)] == [("dropped", "locked")]


def test_a_second_attempt_has_the_bytes_of_the_first(desk, outbox):
    desk.item("x", told=(NOTICE,))
    (row,) = outbox.claim(9, desk.now, ME)
    outbox.composed(row.id, "<ours@example.com>", b"Subject: x")
    outbox.failed(row.id, "later", desk.now)
    assert [each.content for each in outbox.claim(9, desk.now, ME)] == [b"Subject: x"]


def test_who_is_not_told_leaves_a_row_that_is_never_sent(desk, outbox):
    receipt = desk.item("x", told=(notice(state="suppressed", why="prefers_not"), answer(state="held", why="unproven")))
    assert outbox.waiting() == 0 and outbox.claim(9, desk.now, ME) == []
    lines = outbox.told(receipt.mail)
    assert [(line.id, line.state, line.why) for line in lines] == [
        (receipt.outbox[0], "suppressed", "prefers_not"), (receipt.outbox[1], "held", "unproven")
    ]  # fmt: skip
    assert outbox.told(item=receipt.item) == lines and outbox.told(topic=receipt.item) == []


def test_an_answer_knows_what_it_answers(desk, outbox):
    received = b"References: <a@x>\r\n <b@x>\r\nSubject: Printer\r\n\r\nhello"
    receipt = desk.item("Toner", told=(ACK,), content=received, message_id="<1@example.com>")
    (row,) = outbox.claim(9, desk.now, ME)
    about = outbox.context(row)
    assert (about.mail, about.mailbox, about.sender) == (receipt.mail, "system", "jane@example.com")
    assert (about.message_id, about.references) == ("<1@example.com>", ("<a@x>", "<b@x>"))
    assert (about.item, about.title, about.workspace) == (receipt.item, "Toner", "support")


def test_a_webhook_waits_like_a_mail(desk, outbox):
    (spooled,) = desk.spool()
    desk.commit(spooled, Tell("mail.held"), told=(webhook("crm"),), outcome=Outcome.HELD)
    (row,) = outbox.claim(9, desk.now, ME)
    assert (row.kind, row.told.to, row.event, row.automatic) == ("webhook", "crm", "mail.held", False)
