"""What every outbox promises: automatic mail at most once, notifications at least once."""

from __future__ import annotations

from datetime import timedelta

import pytest

from engine.model.plan import CallWebhook, Outcome, SendMail

ME, DEAD = "elsewhere/boot/7/7", "elsewhere/boot/8/8"
ACK = SendMail("ack", "ack", ("Jane@example.com",))
NOTICE = SendMail("notify", "notify", ("staff",), automatic=False)


@pytest.fixture
def outbox(store):
    return store.outbox


def test_a_row_for_each_recipient_and_groups_are_resolved(desk, outbox):
    receipt = desk.item("x", ACK, NOTICE, SendMail("notify", "notify", ("bob",), automatic=False))
    rows = outbox.claim(9, desk.now, ME)
    assert [row.to for row in rows] == [("Jane@example.com",), ("anna",), ("bob",)], "nobody is told twice"
    assert {(row.mail, row.item, row.attempts) for row in rows} == {(receipt.mail, receipt.item, 1)}
    assert receipt.outbox == tuple(row.id for row in rows)
    assert len({row.message_id for row in rows}) == len({row.key for row in rows}) == 3


def test_a_claimed_row_is_nobody_elses(desk, outbox):
    desk.item("x", ACK)
    assert outbox.waiting() == 1
    assert len(outbox.claim(9, desk.now, ME)) == 1
    assert outbox.claim(9, desk.now, DEAD) == []


def test_what_a_dead_process_was_sending_goes_again_unless_it_is_automatic(desk, outbox):
    desk.item("x", ACK, NOTICE)
    ack, *notices = outbox.claim(9, desk.now, DEAD)
    again = outbox.claim(9, desk.later(hours=1), ME)
    assert [(row.id, row.message_id, row.attempts) for row in again] == [
        (row.id, row.message_id, 2) for row in notices
    ]  # fmt: skip
    assert outbox.count("jane@example.com", desk.now.replace(year=2020)) == 1, "it may have gone out"
    assert ack.automatic


def test_a_failed_row_waits_or_has_failed_for_good(desk, outbox):
    desk.item("x", ACK)
    (row,) = outbox.claim(9, desk.now, ME)
    outbox.failed(row.id, "no route", desk.now.replace(hour=23))
    assert outbox.waiting() == 0 and outbox.waiting(desk.now.replace(hour=23)) == 1
    (row,) = outbox.claim(9, desk.now.replace(hour=23), ME)
    outbox.failed(row.id, "no such person", None)
    assert outbox.waiting(desk.later(days=9)) == 0


def test_a_row_that_was_not_tried_waits_without_an_attempt(desk, outbox):
    desk.item("x", ACK)
    (row,) = outbox.claim(9, desk.now, ME)
    outbox.postponed(row.id, "too much now", desk.now.replace(hour=23))
    assert outbox.waiting() == 0
    (again,) = outbox.claim(9, desk.now.replace(hour=23), ME)
    assert (again.id, again.attempts) == (row.id, row.attempts)


def test_G18_a_clock_that_ran_ahead_neither_parks_a_row_nor_counts_for_a_year(desk, outbox):
    desk.item("x", ACK)
    (row,) = outbox.claim(9, desk.now, ME)
    outbox.failed(row.id, "no route", desk.now + timedelta(days=365))
    assert outbox.waiting() == 1
    (row,) = outbox.claim(9, desk.now, ME)
    outbox.sent(row.id, row.message_id, desk.now + timedelta(days=365))
    assert outbox.count("jane@example.com", desk.now - timedelta(hours=1)) == 0


def test_an_unknown_fate_is_never_tried_again_and_counts_as_sent(desk, outbox):
    desk.item("x", ACK)
    (row,) = outbox.claim(9, desk.now, ME)
    outbox.unknown(row.id)
    assert outbox.claim(9, desk.later(days=9), ME) == []
    assert outbox.count("jane@example.com", desk.now.replace(year=2020)) == 1


def test_what_went_out_is_counted_by_recipient_kind_item_and_time(desk, outbox):
    began = desk.now
    receipt = desk.item("x", ACK, NOTICE)
    for row in outbox.claim(9, desk.now, ME):
        outbox.sent(row.id, row.message_id, desk.now)
    assert outbox.count("JANE@example.com", began) == 1 and outbox.count("", began) == 3
    assert outbox.count("", began, automatic=True) == 1 and outbox.count("", began, kinds=("notify", "x")) == 2
    assert outbox.count("", began, item=receipt.item) == 3 and outbox.count("", began, item=receipt.item + 1) == 0
    assert outbox.count("", desk.later(seconds=1)) == 0


def test_a_mail_that_waits_is_told_once_for_each_occasion(desk, outbox):
    (spooled,) = desk.spool()
    outbox.tell(spooled, [ACK], "waits", lambda mail, generation, n, item, topic: f"<{mail}.{n}@x>")
    outbox.tell(spooled, [ACK], "waits")
    outbox.tell(spooled, [ACK], "waits still")
    rows = outbox.claim(9, desk.now, ME)
    assert [row.to for row in rows] == [("Jane@example.com",)] * 2
    assert rows[0].message_id.startswith(f"<{spooled.mail}.")


def test_an_answer_knows_what_it_answers(desk, outbox):
    received = b"References: <a@x>\r\n <b@x>\r\nSubject: Printer\r\n\r\nhello"
    receipt = desk.item("Toner", ACK, content=received, message_id="<1@example.com>")
    (row,) = outbox.claim(9, desk.now, ME)
    about = outbox.context(row.id)
    assert (about.mail, about.mailbox, about.sender) == (receipt.mail, "system", "jane@example.com")
    assert (about.message_id, about.references) == ("<1@example.com>", ("<a@x>", "<b@x>"))
    assert (about.item, about.title, about.workspace) == (receipt.item, "Toner", "support")
    assert outbox.context(row.id + 1).mail == ""


def test_a_webhook_waits_like_a_mail(desk, outbox):
    desk.end(Outcome.HELD)
    (spooled,) = desk.spool()
    desk.commit(spooled, CallWebhook("crm", "held"), outcome=Outcome.HELD)
    (row,) = outbox.claim(9, desk.now, ME)
    assert (row.kind, row.to, row.automatic) == ("webhook", (), False)


def test_tags_of_one_person_are_counted_together(desk, outbox):
    for to in ("a+1@x.example", "A+2@X.example", "a-3@x.example", "a@x.example", "ab@x.example", "a+1@y.example"):
        desk.item("x", SendMail("ack", "ack", (to,)))
        (row,) = outbox.claim(1, desk.now, "me")
        outbox.sent(row.id, now=desk.now)
    since = desk.now - timedelta(hours=1)
    assert outbox.count("a+9@x.example", since) == 3
    assert outbox.count("a@x.example", since, separators="-") == 4
    assert outbox.count("ab@x.example", since) == 1
