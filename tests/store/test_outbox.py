"""At least once for notifications, at most once for automatic mail."""

from __future__ import annotations

from datetime import timedelta

import pytest

from engine.model.plan import CallWebhook, Outcome, SendMail
from engine.store.database import us
from engine.store.locks import owner

DEAD = owner().rsplit("/", 2)[0] + "/999999999/1"


def queue(desk, *, automatic=True, to="jane@example.com", item=True):
    sent = SendMail("ack" if automatic else "notify", "ack", (to,), automatic=automatic)
    return desk.item("x", sent) if item else desk.end(Outcome.HELD)


def states(desk):
    return [state for (state,) in desk.store.database.rows("SELECT state FROM outbox ORDER BY id")]


def test_rows_are_claimed_once_and_counted(desk):
    queue(desk)
    assert desk.store.outbox.waiting() == 1
    (row,) = desk.store.outbox.claim(10, desk.now, owner())
    assert (row.attempts, row.automatic, row.to) == (1, True, ("jane@example.com",))
    assert desk.store.outbox.claim(10, desk.now, owner()) == []
    desk.store.outbox.sent(row.id)
    assert states(desk) == ["sent"] and desk.store.outbox.waiting() == 0


def test_the_limit_is_kept_and_the_oldest_go_first(desk):
    first, second = queue(desk), queue(desk)
    assert [row.mail for row in desk.store.outbox.claim(1, desk.now, owner())] == [first.mail]
    assert [row.mail for row in desk.store.outbox.claim(1, desk.now, owner())] == [second.mail]


def test_automatic_mail_of_a_dead_sender_is_unknown_and_a_notification_goes_again(desk):
    queue(desk, automatic=True)
    queue(desk, automatic=False)
    before = desk.store.outbox.claim(10, desk.now, DEAD)
    (again,) = desk.store.outbox.claim(10, desk.now, owner())
    assert (again.message_id, again.attempts) == (before[1].message_id, 2)
    assert states(desk) == ["unknown", "sending"]


def test_what_somebody_else_sends_now_is_left_alone(desk):
    queue(desk)
    desk.store.outbox.claim(10, desk.now, "another/boot/1/1")
    assert desk.store.outbox.claim(10, desk.now, owner()) == []
    desk.store.outbox.claim(10, desk.now + timedelta(minutes=16), owner())
    assert states(desk) == ["unknown"]


def test_a_row_that_failed_waits_and_then_fails_for_good(desk):
    queue(desk)
    (row,) = desk.store.outbox.claim(1, desk.now, owner())
    desk.store.outbox.failed(row.id, "451 later", desk.now + timedelta(minutes=1))
    assert desk.store.outbox.claim(1, desk.now, owner()) == []
    (row,) = desk.store.outbox.claim(1, desk.later(minutes=1), owner())
    assert row.attempts == 2
    desk.store.outbox.failed(row.id, "550 no", None)
    assert states(desk) == ["failed"] and desk.store.outbox.claim(1, desk.later(days=9), owner()) == []


def test_counts_are_of_what_went_out(desk):
    item = queue(desk).item
    queue(desk, to="JANE@example.com")
    queue(desk, to="bob@example.com", automatic=False)
    since = desk.now - timedelta(hours=1)
    rows = desk.store.outbox.claim(10, desk.now, owner())
    assert desk.store.outbox.count("jane@example.com", since) == 0
    for row in rows:
        desk.store.outbox.sent(row.id)
    count = desk.store.outbox.count
    assert count("Jane@example.com", since) == 2
    assert count("jane@example.com", since, item=item) == 1
    assert (count("bob@example.com", since, automatic=True), count("bob@example.com", since, automatic=False)) == (0, 1)
    assert count("", since) == 3
    assert count("", desk.now + timedelta(seconds=1)) == 0


def test_mail_that_may_have_gone_out_counts(desk):
    queue(desk)
    (row,) = desk.store.outbox.claim(10, desk.now, owner())
    desk.store.outbox.unknown(row.id)
    assert desk.store.outbox.count("jane@example.com", desk.now) == 1


@pytest.mark.parametrize("recipient", ["", "ann@example.com"])
def test_counting_the_letters_of_an_hour_walks_past_no_older_one(desk, recipient):
    database = desk.store.database
    old = us(desk.now - timedelta(days=30))
    with database.writing():
        for number in range(2000):
            database.run(
                "INSERT INTO outbox (dedupe, message_id, kind, recipient, payload, state, created_at, tried_at) "
                "VALUES (?, ?, 'ack', 'ann@example.com', '{}', 'sent', ?, ?)",
                str(number), str(number), old, old,
            )  # fmt: skip
    steps = []
    database._connection.set_progress_handler(lambda: steps.append(1), 10)
    assert desk.store.outbox.count(recipient, desk.now - timedelta(hours=1)) == 0
    assert len(steps) < 100  # each a ten of SQLite's own


def test_context_names_the_mail_that_is_answered_and_its_item(desk):
    content = b"From: a@example.com\r\nreferences: <1@example.com>\r\n <2@example.com>\r\n\r\n<no@example.com>"
    receipt = desk.item(
        "Printer", SendMail("ack", "ack", ("jane@example.com",)),
        content=content, subject="On fire", message_id="<m@example.com>",
    )  # fmt: skip
    context = desk.store.outbox.context(receipt.outbox[0])
    assert (context.subject, context.message_id, context.sender) == ("On fire", "<m@example.com>", "jane@example.com")
    assert context.references == ("<1@example.com>", "<2@example.com>")
    assert (context.item, context.title, context.workspace) == (receipt.item, "Printer", "support")
    assert context.mailbox == "system"


def test_context_of_what_is_gone_is_empty(desk):
    assert desk.store.outbox.context(99).mail == ""


def test_a_webhook_has_its_data(desk):
    desk.item("x", CallWebhook("chat", "item.created"))
    (row,) = desk.store.outbox.claim(1, desk.now, owner())
    assert (row.kind, dict(row.payload)) == ("webhook", {"name": "chat", "event": "item.created"})
    assert not row.automatic


@pytest.mark.parametrize("item", [True, False])
def test_a_mail_about_no_item_has_none(desk, item):
    mail = SendMail("rejected", "rejected", ("a@b.example",))
    if item:
        desk.item("x", mail)
    else:
        (spooled,) = desk.spool()
        desk.commit(spooled, mail, outcome=Outcome.REJECTED)
    (row,) = desk.store.outbox.claim(1, desk.now, owner())
    assert row.item == (1 if item else 0)
