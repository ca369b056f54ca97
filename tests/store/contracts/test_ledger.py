"""What every ledger promises."""

from __future__ import annotations

from datetime import timedelta

import pytest
from store.desk import Hears, answer, auto, notice

from engine.model.draft import Decider
from engine.model.events import Kind
from engine.model.facts import Facts, Release, Sender
from engine.model.hearing import Actor
from engine.model.mail import Address
from engine.model.plan import CreateItem, Outcome, Tell
from engine.model.reasons import PARENT_WAITS
from engine.model.stored import BROKEN
from engine.store.errors import NotFound, Refused

ME, DEAD = "elsewhere/boot/7/7", "elsewhere/boot/8/8"


@pytest.fixture
def ledger(store):
    return store.ledger


def test_spooled_mails_are_claimed_and_their_bytes_are_ours(desk, store, ledger):
    (spooled,) = ledger.spool([desk.raw(b"hello")], ME)
    assert (spooled.attempts, spooled.generation, spooled.owner, spooled.seen_before) == (1, 1, ME, False)
    assert store.archive.raw(spooled.mail).content == b"hello"
    assert ledger.claim("system", 9, desk.now, DEAD).mails == []


def test_the_same_bytes_in_a_mailbox_are_one_mail(desk, store, ledger):
    first, again = ledger.spool([desk.raw(b"hello"), desk.raw(b"hello")], ME)
    (elsewhere,) = ledger.spool([desk.raw(b"hello", mailbox="other")], ME)
    assert again.seen_before and again.mail == first.mail != elsewhere.mail
    assert len(store.archive.mails()) == 2


def test_rows_of_mails_that_come_one_by_one_lie_side_by_side(desk, ledger):
    rows = [ledger.spool([desk.raw(b"hello %d" % number)], ME)[0].row for number in range(4)]
    (again,) = ledger.spool([desk.raw(b"hello 1")], ME)
    rows += [each.row for each in ledger.spool([desk.raw(b"hello %d" % number) for number in (5, 6, 7)], ME)]
    assert rows == [*range(rows[0], rows[0] + 7)] and again.row in rows, "blocks of the ledger are counted by them"


def test_a_mail_for_two_mailboxes_is_one_mail_in_each(desk, store, ledger):
    content = b"From: a@example.com\n\nfor both"
    both = [desk.raw(content, mailbox=each) for each in ("system", "support")]
    spooled = ledger.spool([*both, desk.raw()], desk.owner)
    assert len({each.mail for each in spooled}) == 3 and not any(each.seen_before for each in spooled)
    assert [store.archive.raw(each.mail).content for each in spooled[:2]] == [content, content]


def test_no_mail_at_all_is_taken_in_as_well(desk, ledger):
    assert ledger.spool([], desk.owner) == []


def test_identical_mails_are_decided_again_where_that_is_wanted(desk, ledger):
    mail = desk.end(Outcome.DISCARDED, content=b"hello")
    (again,) = ledger.spool([desk.raw(b"hello")], ME, identical="process")
    assert (again.mail, again.generation, again.seen_before, again.mode) == (mail, 2, False, "new")


def test_a_claim_counts_the_attempt_and_takes_what_is_due(desk, ledger):
    spooled = desk.spool(b"", b"")
    ledger.unclaim(spooled)
    claimed, crashed = ledger.claim("system", 9, desk.now, ME)
    assert [(each.mail, each.attempts, each.owner) for each in claimed] == [(each.mail, 1, ME) for each in spooled]
    assert crashed == [] and ledger.claim("system", 9, desk.now, DEAD).mails == []


def test_a_deferred_mail_waits_and_keeps_its_attempt_unless_charged(desk, store, ledger):
    (spooled,) = desk.spool()
    assert ledger.defer(spooled, "x", "y", desk.now)
    (spooled,) = ledger.claim("system", 9, desk.now, ME).mails
    assert spooled.attempts == 1
    assert ledger.defer(spooled, "x", "y", desk.later(minutes=5), charge=True)
    assert not ledger.defer(spooled, "x", "y", desk.now), "the claim is gone"
    assert store.queue.tried_mailboxes(desk.now) == {"system"}
    assert ledger.claim("system", 9, desk.now, ME, tried=False).mails == []
    assert ledger.claim("system", 9, desk.now, ME).mails[0].attempts == 2


def test_a_mail_that_was_tried_comes_alone_behind_the_fresh_ones(desk, ledger):
    tried, *fresh = desk.spool(b"", b"", b"")
    ledger.fail(tried, "ValueError: no", desk.now, [0.0])
    ledger.unclaim(fresh)
    assert [each.mail for each in ledger.claim("system", 9, desk.now, ME).mails] == [each.mail for each in fresh]
    assert [each.mail for each in ledger.claim("system", 9, desk.now, ME).mails] == [tried.mail]


def test_one_mail_can_be_claimed_by_name_if_it_waits_and_nobody_has_it(desk, ledger):
    (spooled,) = desk.spool()
    with pytest.raises(Refused, match="in work"):
        ledger.claim_one(spooled.mail, desk.now, ME)
    ledger.defer(spooled, "", "", desk.later(days=1))
    assert ledger.claim_one(spooled.mail, desk.now, ME).attempts == 1
    with pytest.raises(NotFound):
        ledger.claim_one("m-000000000000", desk.now, ME)
    with pytest.raises(Refused, match="does not wait"):
        ledger.claim_one(desk.end(Outcome.HELD), desk.now, ME)


def test_what_is_not_decided_is_found_by_its_message_id_and_whether_somebody_has_it_in_hand(desk, ledger):
    mine, theirs, free = desk.spool(*(b"Message-ID: <%s@x>\n\nHello" % each for each in (b"mine", b"theirs", b"free")))
    ledger.unclaim([theirs, free])
    ledger.claim("system", 1, desk.now, ME)
    asked = [b"mine@x", b"theirs@x", b"free@x", b"other@x", *(b"%d@x" % each for each in range(1200))]
    found = {b"theirs@x": (theirs.row, theirs.mail, True), b"free@x": (free.row, free.mail, False)}
    told = lambda owner: {key: each[:3] for key, each in ledger.undecided(asked, owner, desk.now).items()}  # noqa: E731
    assert told(mine.owner) == found
    assert told(ME) == {
        b"mine@x": (mine.row, mine.mail, True), b"free@x": found[b"free@x"],
    }  # fmt: skip
    late = ledger.undecided([b"theirs@x"], mine.owner, desk.later(minutes=20))
    assert not late[b"theirs@x"].elsewhere, "nobody works as long as that"


def test_what_is_decided_is_not_undecided_and_of_two_with_one_message_id_it_is_the_oldest(desk, ledger):
    first, second, third = desk.spool(*(b"Message-ID: <a@x>\n\n%d" % each for each in range(3)))
    assert ledger.undecided([b"a@x"], ME, desk.now)[b"a@x"].row == first.row
    ledger.ignore(first.mail, "anna", "seen")
    assert ledger.undecided([b"a@x"], ME, desk.now)[b"a@x"].row == second.row
    for each in (second, third):
        ledger.ignore(each.mail, "anna", "seen")
    assert ledger.undecided([b"a@x"], ME, desk.now) == {}


def test_a_waiting_mail_is_listed_by_what_is_described(desk, store, ledger):
    (spooled,) = desk.spool()
    mail = desk.mail(spooled, subject="Toner", message_id="<t@example.com>")
    ledger.describe(spooled, mail, Facts("system", "support", Sender(Address("eve@example.com"))))
    row = store.archive.find_mail("<t@example.com>")
    assert (row.subject, row.sender, row.outcome) == ("Toner", "eve@example.com", "deferred")


def test_a_release_and_a_retry_begin_the_next_generation(desk, ledger):
    mail = desk.end(Outcome.HELD)
    ledger.reopen(mail, Release("anna"))
    claimed = ledger.claim_one(mail, desk.now, ME)
    assert (claimed.generation, claimed.release.by) == (2, "anna")
    other = desk.end(Outcome.HELD)
    ledger.reopen(other, None, retry=True)
    assert ledger.claim_one(other, desk.now, ME).release is None


def test_a_mail_that_made_something_is_only_replayed(desk, ledger):
    mail = desk.item().mail
    with pytest.raises(Refused):
        ledger.reopen(mail, None, retry=True)
    ledger.reopen(mail, None, replay=True)
    claimed = ledger.claim_one(mail, desk.now, ME)
    assert set(claimed.mode.split()) == {"update", "quiet"}
    desk.commit(claimed, CreateItem("support", "Another title", "", "jane"))
    assert [row.title for row in desk.store.items.newest()] == ["Another title"]


def test_a_person_closes_a_mail_under_the_code_of_what_was_held(desk, store, ledger):
    ignored, rejected = desk.end(Outcome.HELD), desk.end(Outcome.HELD)
    ledger.ignore(ignored, "anna", "spam", action="move", folder="Bin")
    told = ledger.reject(rejected, "anna", "no", Tell("mail.rejected"), Hears(auto("eve@example.com")))
    said = [store.archive.receipts(mail)[-1] for mail in (ignored, rejected)]
    assert [(each.outcome, each.code, each.by) for each in said] == [
        (Outcome.DISCARDED, "gate.dmarc", Decider("person", "anna")),
        (Outcome.REJECTED, "gate.dmarc", Decider("person", "anna")),
    ]
    rows = store.outbox.claim(9, desk.now, ME)
    assert [(row.id, row.told.to, row.event) for row in rows] == [(*told, "eve@example.com", "mail.rejected")]
    with pytest.raises(Refused):
        ledger.ignore(ignored, "anna", "again")


def test_claim_and_back_off_of_a_waiting_mail_can_be_cleared(desk, ledger):
    (spooled,) = desk.spool()
    ledger.reset_status(spooled.mail)
    assert ledger.claim("system", 9, desk.now, ME).mails
    with pytest.raises(Refused):
        ledger.reset_status(desk.end(Outcome.HELD))


def test_a_conversation_is_found_by_the_mails_that_came_and_those_we_sent(desk, store, ledger):
    item = desk.item("x", told=(auto(),), message_id="<came@example.com>").item
    (sent,) = store.outbox.claim(9, desk.now, ME)
    desk.store.outbox.composed(sent.id, "<ours@example.com>", b"")
    for message_id in ("<came@example.com>", "<ours@example.com>"):
        found = ledger.item_by_message_ids(("<unknown@example.com>", message_id))
        assert (found.item.id, found.message_id) == (item, message_id)
    assert ledger.item_by_message_ids(("", "<unknown@example.com>")) is None


def test_a_mail_that_waits_is_told_of_once_for_each_reason(desk, store, ledger):
    (spooled,) = desk.spool()
    waits = Tell("mail.waits", code="config.broken")
    teller, actor = Hears(auto()), Actor(key="jane@example.com")
    (first,) = ledger.tell(spooled, waits, actor, "support", teller)
    assert ledger.tell(spooled, waits, actor, "support", teller) == ()
    (second,) = ledger.tell(spooled, Tell("mail.failed", code="fault.exception"), actor, "support", teller)
    rows = store.outbox.claim(9, desk.now, ME)
    assert [(row.id, row.event, row.mail) for row in rows] == [
        (first, "mail.waits", spooled.mail), (second, "mail.failed", spooled.mail)
    ]  # fmt: skip


def test_who_was_told_of_an_occasion_is_not_told_of_another_mail(desk, store, ledger):
    waits, once = Tell("mail.waits", code="config.broken"), {Kind.NOTICE: "today"}
    for spooled in desk.spool(b"one", b"two"):
        ledger.tell(spooled, waits, Actor(), "", Hears(auto(), notice()), once)
    rows = store.outbox.claim(9, desk.now, ME)
    assert sorted(str(row.kind) for row in rows) == ["auto", "auto", "notice"]


def test_what_no_mail_did_is_told_each_time_it_happens(desk, store, ledger):
    assert ledger.last_happened("desk.held", "support") is None
    teller = Hears(notice())
    first = ledger.happened("desk.held", "support", Tell(), teller)
    assert ledger.last_happened("desk.held", "support") == desk.now
    later = desk.later(hours=4)
    second = ledger.happened("desk.held", "support", Tell(), teller)
    assert (len(first), len(second), ledger.last_happened("desk.held", "support")) == (1, 1, later)
    assert ledger.last_happened("desk.held", "finance") is ledger.last_happened("desk.other", "support") is None
    assert ledger.happened("desk.held", "support", Tell(), None) == ()
    assert [row.event for row in store.outbox.claim(9, desk.now, ME)] == ["desk.held"] * 2


def test_what_will_not_arrive_is_told_once_of_an_address_an_item_and_a_day(desk, store, ledger):
    told = (notice("karl@big.example"), auto("jane@big.example"))
    rows = [number for title in "xx" for number in desk.item(title, told=told).outbox]
    item = store.outbox.row(rows[0]).item
    again = desk.item("y", told=told[:1]).outbox
    teller = Hears(notice())
    assert [len(ledger.not_arrived(row, "550 5.1.1 no", teller)) for row in rows] == [1, 0, 1, 0]
    assert ledger.not_arrived(rows[0], "550 5.1.1 no", teller) == ()
    assert len(ledger.not_arrived(again[0], "550 5.1.1 no", teller)) == 1, "another item"
    events = [(each.name, each.item) for each in store.history.of_item(item) if each.name == "mail.undeliverable"]
    assert events == [("mail.undeliverable", item)]
    states = {each.address: each.state for each in store.outbox_views.addresses(desk.now)}
    assert states == {"karl@big.example": "suspended", "jane@big.example": "failing"}


def test_it_is_known_where_mail_is_held_and_since_when(desk, ledger):
    assert ledger.held() == {}
    first = desk.now
    desk.end(Outcome.HELD)
    last = desk.later(hours=1)
    mail = desk.end(Outcome.HELD)
    desk.end(Outcome.HELD, workspace="finance")
    desk.end(Outcome.DISCARDED)
    assert ledger.held() == {"support": (last, first), "finance": (last, last)}
    ledger.ignore(mail, "anna", "no")
    assert ledger.held()["support"] == (first, first)


def test_mail_of_ours_that_is_held_counts_for_how_long_something_waits(desk, ledger):
    first = desk.now
    desk.item(told=(answer(state="held", why="unproven"),))
    assert ledger.held() == {"support": (None, first)}
    last = desk.later(hours=1)
    desk.end(Outcome.HELD)
    assert ledger.held() == {"support": (last, first)}


def test_what_happened_to_one_script_or_template_is_told_apart_from_others(desk, ledger):
    first = desk.now
    ledger.happened("template.failed", "", Tell("template.failed", code="ack"), None)
    desk.later(hours=1)
    ledger.happened("template.failed", "", Tell("template.failed", code="notice"), None)
    assert ledger.last_happened("template.failed", "", "ack") == first
    assert ledger.last_happened("template.failed", "", "held") is None
    assert ledger.last_happened("template.failed", "") == desk.now


def test_rows_whose_slot_has_come_go_along_in_one_row_a_person(desk, store, ledger):
    slot = desk.now + timedelta(hours=1)
    along = (notice("a@b.example", state="digest", due=slot), notice("c@d.example", state="digest", due=slot))
    first, second = desk.item("One", told=along), desk.item("Two", told=along)
    assert ledger.carry(desk.now) == ()
    carriers = ledger.carry(slot)
    assert ledger.carry(slot) == ()
    rows = [store.outbox.row(number) for number in carriers]
    assert [row.told.to for row in rows] == ["a@b.example", "c@d.example"]
    assert [row.told.collected for row in rows] == [*zip(first.outbox, second.outbox, strict=True)]
    assert {row.event for row in rows} == {"desk.digest"}


def test_nothing_goes_along_to_an_address_that_takes_no_mail(desk, store, ledger):
    receipt = desk.item(told=(notice("a@b.example", state="digest", due=desk.now),))
    with store.writing():
        store.database.run("INSERT INTO address_state VALUES ('a@b.example', 3, '550', 5)")
    assert ledger.carry(desk.now) == ()
    (line,) = store.outbox.told(receipt.mail)
    assert (line.state, line.why) == ("suppressed", "suspended")


def test_a_duplicate_has_the_same_content_in_the_same_workspace_within_thirty_days(desk, ledger):
    receipt = desk.item(fingerprint="f")
    assert ledger.duplicate("support", "f") == receipt.mail
    assert ledger.duplicate("support", "f", other_than=receipt.mail) == ""
    assert ledger.duplicate("finance", "f") == ledger.duplicate("support", "g") == ""
    desk.later(days=31)
    assert ledger.duplicate("support", "f") == ""


def test_rates_count_decided_mails_of_a_time(desk, ledger):
    for sender in ("a@example.com", "b@example.com", "a@example.com"):
        desk.end(Outcome.HELD, sender=sender)
        desk.later(seconds=10)
    assert ledger.sender_rate("A@example.com", 60, desk.now) == 2
    assert (ledger.total_rate(60, desk.now), ledger.total_rate(15, desk.now)) == (3, 1)
    assert ledger.total_rate(60, desk.later(seconds=45)) == 1


def test_tags_of_one_sender_are_counted_together(desk, ledger):
    for sender in ("a+1@x.example", "a+2@x.example", "a-3@x.example", "ab@x.example"):
        desk.item(sender=sender)
    later = desk.later(minutes=1)
    assert ledger.sender_rate("a@x.example", 3600, later) == 2
    assert ledger.sender_rate("a+7@x.example", 3600, later, "-") == 3


def test_failures_wait_and_the_last_one_keeps_the_mail_for_a_person(desk, store, ledger):
    (spooled,) = desk.spool()
    assert not ledger.fail(spooled, "ValueError: no", desk.now, [60.0], 2)
    assert ledger.claim("system", 9, desk.now, ME).mails == []
    (spooled,) = ledger.claim("system", 9, desk.later(minutes=1), ME).mails
    assert ledger.fail(spooled, "Traceback\nValueError: no", desk.now, [60.0], 2, action="move", folder="Failed")
    (receipt,) = store.archive.receipts(spooled.mail)
    assert (receipt.outcome, receipt.code, receipt.because) == (Outcome.ERROR, "fault.exception", "ValueError: no")
    assert store.mailboxes.pending_actions("system", 9)[0][1:3] == ("move", "Failed")


def test_a_claim_tells_whom_it_gave_up_because_each_attempt_ended_in_a_crash(desk, store, ledger):
    (spooled,) = desk.spool()
    for attempt in (2, 3):
        assert ledger.claim("system", 9, desk.later(hours=1), f"elsewhere/boot/{attempt}/1", 3).mails
    claimed, crashed = ledger.claim("system", 9, desk.later(hours=1), ME, 3, after_crash=("move", "Failed"))
    assert claimed == [] and [each.mail for each in crashed] == [spooled.mail]
    assert store.archive.receipts(spooled.mail)[0].code == "fault.crash"
    assert store.mailboxes.pending_actions("system", 9)[0][1:3] == ("move", "Failed")


def waiting(desk, *bodies, mailbox="system"):
    """Mails that wait to be decided, in a mailbox."""
    spooled = desk.store.ledger.spool([desk.raw(body, mailbox=mailbox) for body in bodies], desk.owner)
    desk.store.ledger.unclaim(spooled)
    return [each.mail for each in spooled]


def test_mails_of_all_mailboxes_are_handed_out_once(desk, ledger):
    mails = waiting(desk, b"a", b"b") + waiting(desk, b"c", mailbox="other")
    first = ledger.claim_any(2, desk.now, ME)
    rest = ledger.claim_any(9, desk.now, DEAD)
    assert sorted(each.mail for each in [*first, *rest]) == sorted(mails)
    assert [(each.attempts, each.owner) for each in (*first, *rest)] == [(1, ME), (1, ME), (1, DEAD)]
    assert ledger.claim_any(9, desk.now, ME) == []


def test_only_these_mailboxes_where_some_are_named(desk, ledger):
    waiting(desk, b"a")
    (mail,) = waiting(desk, b"c", mailbox="other")
    assert [each.mail for each in ledger.claim_any(9, desk.now, ME, names=["other"])] == [mail]


def test_a_mailbox_that_pauses_hands_out_nothing(desk, store, ledger):
    waiting(desk, b"a")
    store.mailboxes.pause("system", "")
    assert ledger.claim_any(9, desk.now, ME) == []
    store.mailboxes.resume("system")
    store.mailboxes.failed("system", BROKEN, "it breaks", desk.now)
    assert ledger.claim_any(9, desk.now, ME) == []


def test_what_is_not_due_or_was_tried_before_is_no_fresh_mail(desk, ledger):
    waiting(desk, b"a", b"b")
    later, tried = ledger.claim_any(9, desk.now, ME)
    ledger.defer(later, PARENT_WAITS, "it answers another", desk.now + timedelta(seconds=1))
    ledger.fail(tried, "ValueError: no", desk.now, [0.0])
    assert ledger.claim_any(9, desk.now, ME) == []
    assert [each.mail for each in ledger.claim_any(9, desk.now, ME, tried=True)] == [tried.mail]
    assert [each.mail for each in ledger.claim_any(9, desk.now + timedelta(seconds=1), ME)] == [later.mail]


def test_a_batch_ends_at_a_size(desk, ledger, monkeypatch):
    monkeypatch.setattr("engine.store.claims.CLAIM_BYTES", 10)
    waiting(desk, b"123456", b"1234567", b"1")
    assert [len(ledger.claim_any(9, desk.now, ME)) for _ in range(3)] == [1, 2, 0]


def test_mailboxes_with_mails_whose_attempts_are_used_up_are_named(desk, ledger):
    waiting(desk, b"a")
    for _ in range(2):
        (one,) = ledger.claim_any(1, desk.now, ME, 2) or ledger.claim_any(1, desk.now, ME, 2, tried=True)
        ledger.fail(one, "x", desk.now, [0.0], 9)
    assert ledger.claim_any(1, desk.now, ME, 2, tried=True) == []
    assert ledger.spent(desk.now, 2) == ["system"]
