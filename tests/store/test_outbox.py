"""At least once for notifications, at most once for automatic mail."""

from __future__ import annotations

from datetime import timedelta

import pytest
from store.desk import answer, auto, notice, webhook

from engine.model.events import Kind
from engine.model.plan import AddComment, Outcome, Tell
from engine.store.locks import owner
from engine.store.outbox import MOST_KEPT, decode

DEAD = owner().rsplit("/", 2)[0] + "/999999999/1"


def queue(desk, *, automatic=True, to="jane@example.com"):
    return desk.item("x", told=(auto(to) if automatic else notice(to),))


def states(desk):
    return [state for (state,) in desk.store.database.rows("SELECT state FROM outbox ORDER BY id")]


def test_rows_are_claimed_once_and_counted(desk):
    queue(desk)
    assert desk.store.outbox.waiting() == 1
    (row,) = desk.store.outbox.claim(10, desk.now, owner())
    assert (row.attempts, row.automatic, row.told.to) == (1, True, "jane@example.com")
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


@pytest.mark.parametrize("kind", [Kind.AUTO, Kind.NOTICE, Kind.ANSWER, Kind.WEBHOOK])
def test_only_automatic_mail_of_a_dead_sender_is_given_up(desk, kind):
    make = {Kind.AUTO: auto, Kind.NOTICE: notice, Kind.ANSWER: answer, Kind.WEBHOOK: webhook}[kind]
    desk.item("x", told=(make(),))
    desk.store.outbox.claim(1, desk.now, DEAD)
    again = desk.store.outbox.claim(1, desk.now, owner())
    assert [row.kind for row in again] == ([] if kind is Kind.AUTO else [kind])


def test_a_persons_words_go_before_what_a_machine_says(desk):
    desk.item("x", told=(webhook(), notice(), auto(), answer("karl@example.com")))
    desk.item("x", told=(answer("later@example.com"),))
    rows = desk.store.outbox.claim(9, desk.now, owner())
    assert [row.told.to for row in rows] == [
        "karl@example.com", "later@example.com", "jane@example.com", "anna@example.com", "chat",
    ]  # fmt: skip


@pytest.mark.parametrize("state", ["suppressed", "held", "dropped", "failed", "bounced", "unknown"])
def test_only_what_is_queued_is_sent(desk, state):
    desk.item("x", told=(auto(state=state),))
    assert desk.store.outbox.waiting() == 0
    assert desk.store.outbox.claim(9, desk.later(days=9), owner()) == []


def test_the_bytes_of_the_first_attempt_are_sent_again_and_let_go_where_they_are_many(desk):
    desk.item("x", told=(notice(), answer()))
    outbox = desk.store.outbox
    small, large = outbox.claim(2, desk.now, owner())
    assert (small.content, large.content) == (b"", b"")
    outbox.composed(small.id, "<small@example.com>", b"Subject: small")
    outbox.composed(large.id, "<large@example.com>", b"x" * (MOST_KEPT + 1))
    for row in (small, large):
        outbox.failed(row.id, "451 later", desk.now)
    assert [row.content for row in outbox.claim(2, desk.now, owner())] == [b"Subject: small", b""]


def test_a_dropped_row_says_why_and_is_not_sent(desk):
    queue(desk)
    (row,) = desk.store.outbox.claim(1, desk.now, owner())
    desk.store.outbox.dropped(row.id, "locked")
    assert desk.store.database.rows("SELECT state, why, owner FROM outbox") == [("dropped", "locked", None)]
    assert desk.store.outbox.claim(1, desk.later(days=9), owner()) == []


def test_context_names_the_mail_that_is_answered_and_its_item(desk):
    content = (
        b"From: Jane Doe <a@example.com>\r\nreferences: <1@example.com>\r\n <2@example.com>\r\n\r\n<no@example.com>"
    )
    receipt = desk.item(
        "Printer", told=(auto(),), content=content, subject="On fire", message_id="<m@example.com>"
    )  # fmt: skip
    (row,) = desk.store.outbox.claim(1, desk.now, owner())
    context = desk.store.outbox.context(row)
    assert (context.subject, context.message_id, context.sender) == ("On fire", "<m@example.com>", "jane@example.com")
    assert context.references == ("<1@example.com>", "<2@example.com>")
    assert (context.item, context.title, context.workspace) == (receipt.item, "Printer", "support")
    assert (context.mailbox, context.name) == ("system", "Jane Doe")


def test_a_webhook_has_its_data(desk):
    receipt = desk.item("x", told=(webhook("chat"),))
    (row,) = desk.store.outbox.claim(1, desk.now, owner())
    assert (row.kind, row.told.to, row.event, row.item) == (Kind.WEBHOOK, "chat", "item.created", receipt.item)
    assert not row.automatic


def test_a_mail_about_no_item_has_none(desk):
    (spooled,) = desk.spool()
    desk.commit(spooled, Tell("mail.rejected"), told=(auto(),), outcome=Outcome.REJECTED)
    (row,) = desk.store.outbox.claim(1, desk.now, owner())
    assert (row.item, row.topic, row.event) == (0, 0, "mail.rejected")


# ── who was told ──────────────────────────────────────────────────────────────────────────────────────────────


def test_everybody_who_was_considered_is_told_of_with_what_became_of_it(desk):
    bob = desk.store.directory.login("bob").id
    receipt = desk.item(
        "Printer",
        told=(
            auto(parts=("sender",)),
            notice("bob@example.com", account=bob, parts=("assignee", "former assignee")),
            notice("lola@example.com", state="suppressed", why="locked", said="locked"),
        ),
    )
    (row,) = desk.store.outbox.claim(1, desk.now, owner())
    desk.store.outbox.sent(row.id, desk.later(minutes=1))
    sent, queued, not_told = desk.store.outbox.told(receipt.mail)
    assert (sent.to, sent.state, sent.tried_at, sent.title, sent.event) == (
        "jane@example.com", "sent", desk.now, "Printer", "item.created",
    )  # fmt: skip
    assert (queued.login, queued.parts, queued.state, queued.inside) == (
        "bob", ("assignee", "former-assignee"), "queued", True,
    )  # fmt: skip
    assert (not_told.to, not_told.state, not_told.why, not_told.said) == (
        "lola@example.com", "suppressed", "locked", "locked",
    )  # fmt: skip
    assert desk.store.outbox.told(item=receipt.item) == [sent, queued, not_told]


def test_the_rows_of_an_item_are_those_of_all_its_mails_and_none_of_a_topic(desk):
    item = desk.item("Printer", told=(auto(),)).item
    (spooled,) = desk.spool()
    desk.commit(spooled, AddComment(item, "x", "bob"), told=(notice(),), outcome=Outcome.COMMENT, item=item)
    assert [line.event for line in desk.store.outbox.told(item=item)] == ["item.created", "item.commented"]
    assert desk.store.outbox.told(topic=item) == desk.store.outbox.told("m-000000000000") == []


def test_a_payload_of_another_release_breaks_nothing():
    assert decode("{}").to == decode('{"to": 7}').to == ""
    assert decode('{"to": "jane@example.com", "colour": "red"}').to == "jane@example.com"
