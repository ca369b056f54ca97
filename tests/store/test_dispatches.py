"""Who hears is rows of the transaction of what happened; nobody is told twice of one occasion."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from builders import config
from store.desk import Hears, answer, auto, notice, webhook

from engine.decision.hearing import Hearing
from engine.model.draft import Role
from engine.model.events import Kind, Why
from engine.model.hearing import Actor, Change, Outgoing
from engine.model.plan import AddComment, AddPerson, CreateItem, Outcome, SetField, Tell
from engine.store.errors import ClaimLost


def events(desk: Any, columns: str) -> list[Any]:
    return desk.store.database.rows(f"SELECT {columns} FROM event ORDER BY id")  # noqa: S608


# ── the transaction of what happened ──────────────────────────────────────────────────────────────────────────


def test_events_and_rows_go_with_the_transaction_of_what_happened(desk):
    (spooled,) = desk.spool()
    with suppress(RuntimeError), desk.store.rehearsal():
        desk.commit(spooled, CreateItem("support", "x", "", "jane"), told=(auto(),))
        assert desk.count("event") == desk.count("outbox") == 1
        raise RuntimeError
    assert desk.count("event") == desk.count("outbox") == desk.count("item") == 0


def test_a_teller_that_breaks_takes_everything_back(desk):
    class Breaks(Hears):
        def hear(self, batch: Any, scene: Any) -> Any:
            raise ZeroDivisionError

    (spooled,) = desk.spool()
    with pytest.raises(ZeroDivisionError):
        desk.commit(spooled, CreateItem("support", "x", "", "jane"), teller=Breaks())
    for table in ("item", "event", "outbox", "receipt", "effect"):
        assert desk.count(table) == 0


def test_who_lost_the_claim_tells_nobody(desk):
    (spooled,) = desk.spool()
    desk.store.ledger.claim("system", 1, desk.later(hours=1), "another/boot/1/1")
    teller = Hears(auto())
    with pytest.raises(ClaimLost):
        desk.commit(spooled, CreateItem("support", "x", "", "jane"), teller=teller)
    assert teller.batches == [] and desk.count("event") == 0


def test_a_teller_sees_the_item_as_the_plan_left_it(desk):
    seen = []

    class Looks(Hears):
        def hear(self, batch: Any, scene: Any) -> Any:
            seen.append(scene.on_item(batch.item))
            return super().hear(batch, scene)

    desk.item("x", AddPerson(0, "bob", Role.WATCHER), fields=(("assigned_to", "anna"),), teller=Looks())
    assert (seen[0].assigned_to, [each.login for each in seen[0].watchers]) == ("anna", ["bob"])


# ── rows ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_row_holds_what_it_is_composed_of(desk):
    item = desk.item(fields=(("status", "New"),)).item
    tell = Tell(because="so", code="draft.comment", told="for the sender")
    hearers = (
        notice("bob@example.com", account=2, parts=("assignee",), language="de", name="Bob Lund", actor_inside=True),
        auto("jane@example.com", text="Thanks.", last=True),
        answer("karl@example.com", events=("item.closed",)),
    )
    (spooled,) = desk.spool()
    receipt = desk.commit(
        spooled, AddComment(item, "Words.", "anna"), SetField(item, "priority", "High"),
        SetField(item, "status", "Closed"), tell, outcome=Outcome.COMMENT, item=item, told=hearers, name="Jane Doe",
    )  # fmt: skip
    rows = {row.kind: row for row in desk.store.outbox.claim(9, desk.now, "me")}
    bob, jane, karl = (rows[kind].told for kind in (Kind.NOTICE, Kind.AUTO, Kind.ANSWER))
    assert (rows[Kind.NOTICE].account, rows[Kind.NOTICE].language, rows[Kind.NOTICE].item) == (2, "de", item)
    assert (bob.to, bob.name, bob.parts, bob.inside, bob.actor_inside) == (
        "bob@example.com", "Bob Lund", ("assignee",), True, True,
    )  # fmt: skip
    assert (bob.actor, bob.actor_address, bob.comment) == ("Jane Doe", "jane@example.com", receipt.comment)
    assert (bob.because, bob.code, jane.because, jane.text, jane.last) == (
        "so", "draft.comment", "for the sender", "Thanks.", True,
    )  # fmt: skip
    assert bob.changes == (Change("priority", "", "High"), Change("status", "New", "Closed"))
    assert karl.changes == (Change("status", "New", "Closed"),), "what somebody does not hear of is not in the row"


def test_a_row_that_is_not_sent_says_why(desk):
    receipt = desk.item(
        told=(
            notice(state="suppressed", why=Why.PREFERS_NOT, said="watched = no"),
            answer(state="held", why=Why.UNPROVEN),
        )
    )
    assert desk.store.database.rows("SELECT id, state, why, error FROM outbox") == [
        (receipt.outbox[0], "suppressed", "prefers_not", "watched = no"), (receipt.outbox[1], "held", "unproven", "")
    ]  # fmt: skip


def test_very_long_addresses_have_a_key_of_bounded_length(desk):
    desk.item(told=(auto("x" * 5000 + "@example.com"),))
    assert desk.store.database.rows("SELECT length(address_key), length(dedupe) < 500 FROM outbox") == [(400, 1)]


# ── nobody is told twice ──────────────────────────────────────────────────────────────────────────────────────


def test_nobody_is_told_twice_of_one_occasion(desk):
    receipt = desk.item(
        told=(auto(), auto("JANE@example.com"), auto("jane+tag@example.com"), notice(account=1), notice(account=1))
    )
    assert len(receipt.outbox) == desk.count("outbox") == 2


def test_the_automatic_answer_and_a_notice_to_one_person_are_two_rows(desk):
    assert len(desk.item(told=(auto("bob@example.com"), notice("bob@example.com"))).outbox) == 2


def test_a_webhook_is_told_of_each_event_once(desk):
    hook = (webhook(events=("item.created",)), webhook(events=("mail.forwarded",)), webhook(events=("item.created",)))
    assert len(desk.item(told=hook).outbox) == 2


def test_a_webhook_is_told_ids_and_nothing_of_the_words(desk):
    number = desk.item().item
    desk.act(number, AddComment(number, "Secret words.", "anna"), Tell(), told=(webhook(),))
    (row,) = desk.store.outbox.claim(9, desk.now, "me")
    event = desk.store.history.events(f"item:{number}")[0][-1]
    assert (row.told.number, row.told.login, row.told.workspace) == (event.id, "anna", "support")
    assert row.told == Outgoing("chat", events=(event.name,), number=event.id, login="anna", workspace="support")


def test_a_later_generation_is_another_occasion(desk):
    mail = desk.end(Outcome.HELD, told=())
    desk.store.ledger.reopen(mail, None, retry=True)
    spooled = desk.store.ledger.claim_one(mail, desk.now, desk.owner)
    first = desk.commit(spooled, Tell("mail.held"), told=(auto(),), outcome=Outcome.HELD)
    desk.store.ledger.reopen(mail, None, retry=True)
    spooled = desk.store.ledger.claim_one(mail, desk.now, desk.owner)
    second = desk.commit(spooled, Tell("mail.held"), told=(auto(),), outcome=Outcome.HELD)
    assert len({*first.outbox, *second.outbox}) == 2
    keys = [row.key for row in desk.store.outbox.claim(9, desk.now, "me")]
    assert len(set(keys)) == 2 and all(key.endswith(":auto:mail.held:jane@example.com") for key in keys)


def test_a_mail_that_waits_is_told_of_once_a_reason_and_its_occasion(desk):
    first, second = desk.spool(b"1", b"2")
    waits, teller = Tell("mail.waits", code="config.broken"), Hears(auto(), notice())
    for spooled in (first, first, second):
        desk.store.ledger.tell(spooled, waits, Actor(), "", teller, {Kind.NOTICE: "waits:system:today"})
    assert events(desk, "name") == [("mail.waits",)] * 2
    assert [str(kind) for (kind,) in desk.store.database.rows("SELECT class FROM outbox ORDER BY id")] == [
        "auto", "notice", "auto",
    ]  # fmt: skip


def test_a_mail_that_is_decided_again_quietly_is_told_to_the_teller_as_quiet(desk):
    receipt = desk.item()
    desk.store.ledger.reopen(receipt.mail, None, replay=True)
    spooled = desk.store.ledger.claim_one(receipt.mail, desk.now, desk.owner)
    teller = Hears()
    desk.store.ledger.tell(spooled, Tell("mail.waits"), Actor(), "", teller)
    desk.commit(spooled, CreateItem("support", "x", "", "jane"), Tell(), teller=teller)
    assert [batch.tell.quiet for batch in teller.batches] == [Why.QUIET] * 2


# ── with the settings of an installation ──────────────────────────────────────────────────────────────────────

SMTP = '[instance]\nsecret_file = "{}"\n[smtp]\nhost = "localhost"\nfrom = "help@example.com"\n'


@pytest.fixture
def hearing(tmp_path: Any) -> Hearing:
    return Hearing(config(SMTP.format(tmp_path / "secret")))


def test_the_sender_is_answered_and_the_assignee_told(desk, hearing):
    receipt = desk.item(
        "x", Tell(answer_to="jane@example.com", template="ack"), fields=(("assigned_to", "anna"),), teller=hearing
    )
    lines = desk.store.outbox.told(receipt.mail)
    assert [(line.to, line.login, line.kind, line.state) for line in lines] == [
        ("jane@example.com", "jane", "auto", "queued"), ("anna@example.com", "anna", "notice", "queued")
    ]  # fmt: skip


def test_what_somebody_inside_says_is_an_answer(desk, hearing):
    item, anna = desk.item().item, desk.store.directory.login("anna")
    (spooled,) = desk.spool()
    desk.commit(
        spooled, AddComment(item, "It is on its way.", "anna"), Tell(), outcome=Outcome.COMMENT, item=item,
        sender="anna@example.com", account=anna, teller=hearing,
    )  # fmt: skip
    assert events(desk, "name, actor")[-1] == ("item.answered", "anna")
    (line,) = (each for each in desk.store.outbox.told(spooled.mail) if each.kind is Kind.ANSWER)
    assert (line.to, line.event, line.state) == ("jane@example.com", "item.answered", "queued")


def test_refusals_of_one_reason_are_answered_up_to_their_limit(desk, hearing):
    tell = Tell("mail.rejected", answer_to="jane@example.com", template="rejected", code="gate.dmarc", because="so")
    for _ in range(4):
        (spooled,) = desk.spool()
        desk.commit(spooled, tell, outcome=Outcome.REJECTED, teller=hearing)
    lines = desk.store.database.rows("SELECT state, why FROM outbox WHERE class = 'auto' ORDER BY id")
    assert lines == [("queued", "")] * 3 + [("suppressed", "cap.reason")]
    rows = desk.store.outbox.claim(9, desk.now, "me")
    assert [row.told.last for row in rows] == [False, False, True]
