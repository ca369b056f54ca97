"""Bytes first, claimed before anything is done with them, and once for each mailbox."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.model import rhythm
from engine.model.mail import Envelope, RawMail
from engine.model.plan import CreateItem, Outcome
from engine.store.database import us
from engine.store.locks import owner
from engine.store.store import Store

NOBODY = "elsewhere/boot/2/2"


def test_spooled_mail_comes_back_as_it_was(desk):
    raw = desk.raw(b"From: a@example.com\r\n\r\n\x00\xff", sender="")
    (spooled,) = desk.store.ledger.spool([raw], desk.owner)
    assert spooled.raw == raw
    assert desk.store.archive.raw(spooled.mail) == raw
    assert spooled.mail.startswith("m-") and len(spooled.mail) == 14
    assert (spooled.generation, spooled.attempts, spooled.seen_before) == (1, 1, False)


def test_forward_paths_survive(desk):
    raw = desk.raw()
    with_paths = RawMail(
        raw.content,
        raw.origin,
        raw.received_at,
        raw.digest,
        Envelope("a@example.com", ("b@example.com", "c@example.com")),
    )
    (spooled,) = desk.spool(with_paths)
    assert desk.store.archive.raw(spooled.mail).envelope == with_paths.envelope


def test_a_key_that_was_spooled_is_known_and_the_others_keep_their_order(desk):
    first, second = desk.raw(), desk.raw()
    desk.spool(first, second)
    keys = ["INBOX/1/900", first.origin.key, "INBOX/1/800", second.origin.key, "INBOX/1/850"]
    assert desk.store.mailboxes.unknown_keys("system", keys) == ["INBOX/1/900", "INBOX/1/800", "INBOX/1/850"]
    assert desk.store.mailboxes.unknown_keys("support", keys) == keys


def test_known_keys_are_noted_as_still_listed_once_a_day(desk):
    raw = desk.raw()
    desk.spool(raw)
    desk.later(hours=1)
    desk.store.mailboxes.unknown_keys("system", [raw.origin.key])
    (soon,) = desk.store.database.one("SELECT last_seen - first_seen FROM presentation")
    desk.later(days=2)
    desk.store.mailboxes.unknown_keys("system", [raw.origin.key])
    (late,) = desk.store.database.one("SELECT last_seen - first_seen FROM presentation")
    assert soon == 0 and late > 86_400_000_000


def test_the_same_bytes_under_another_key_are_seen_before(desk):
    (first,) = desk.spool(b"From: a@example.com\n\nhello")
    (again,) = desk.spool(b"From: a@example.com\n\nhello")
    assert again.seen_before and again.mail == first.mail
    assert desk.count("inbound") == desk.count("raw_mail") == 1
    assert desk.count("presentation") == 2


def test_the_same_bytes_twice_in_one_batch_are_one_mail(desk):
    spooled = desk.spool(b"From: a@example.com\n\nhello", b"From: a@example.com\n\nhello")
    assert [each.seen_before for each in spooled] == [False, True]


def test_the_same_bytes_in_two_mailboxes_are_two_mails_with_one_copy_of_the_bytes(desk):
    one = desk.spool(b"From: a@example.com\n\nhello")[0]
    two = desk.spool(b"From: a@example.com\n\nhello", mailbox="support")[0]
    assert one.mail != two.mail and not two.seen_before
    assert desk.count("raw_mail") == 1


def test_bytes_put_back_by_hand_are_moved_away_again(desk):
    (spooled,) = desk.spool(b"From: a@example.com\n\nhello")
    desk.commit(spooled, outcome=Outcome.DISCARDED, action="move", folder="Done")
    desk.store.mailboxes.actions_done("system", [(spooled.raw.origin.key, "done", "")])
    (again,) = desk.spool(b"From: a@example.com\n\nhello")
    assert [row[:3] for row in desk.store.mailboxes.pending_actions("system", 10)] == [
        (again.raw.origin.key, "move", "Done")
    ]


def test_identical_bytes_can_be_processed_again_when_the_option_says_so(desk):
    content = b"From: a@example.com\n\nhello"
    (spooled,) = desk.spool(content)
    desk.commit(spooled, CreateItem("support", "One", "", "jane"))
    (again,) = desk.store.ledger.spool([desk.raw(content)], desk.owner, identical="process")
    assert (again.seen_before, again.generation) == (False, 2)
    desk.commit(again, CreateItem("support", "Two", "", "jane"))
    assert desk.count("item") == 2


def test_bytes_that_wait_are_not_started_twice_by_that_option(desk):
    content = b"From: a@example.com\n\nhello"
    desk.spool(content)
    (again,) = desk.store.ledger.spool([desk.raw(content)], desk.owner, identical="process")
    assert again.seen_before


def test_other_content_under_a_known_key_is_another_mail(desk):
    key = "INBOX/1/77"
    one = desk.spool(desk.raw(b"From: a@example.com\n\none", key=key))[0]
    two = desk.spool(desk.raw(b"From: a@example.com\n\ntwo", key=key))[0]
    assert not two.seen_before and one.mail != two.mail


def test_a_new_epoch_voids_planned_actions_and_the_bytes_plan_them_again(desk):
    assert not desk.store.mailboxes.begin_epoch("system", "1")
    (spooled,) = desk.spool(b"From: a@example.com\n\nhello")
    desk.commit(spooled, outcome=Outcome.DISCARDED)
    assert not desk.store.mailboxes.begin_epoch("system", "1")
    assert desk.store.mailboxes.pending_actions("system", 10)
    assert desk.store.mailboxes.begin_epoch("system", "2")
    assert desk.store.mailboxes.pending_actions("system", 10) == []
    (again,) = desk.spool(desk.raw(b"From: a@example.com\n\nhello", key="INBOX/2/1"))
    assert again.seen_before
    assert [row[0] for row in desk.store.mailboxes.pending_actions("system", 10)] == ["INBOX/2/1"]


# ── claims ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_mail_in_work_is_not_handed_out(desk):
    desk.owner = owner()
    desk.spool(b"", b"")
    assert desk.store.ledger.claim("system", 50, desk.now, NOBODY).mails == []


def test_mails_of_a_dead_process_are_taken_at_once_and_one_at_a_time(desk):
    dead = owner().rsplit("/", 2)[0] + "/999999999/1"
    desk.owner = dead
    first, second = desk.spool(b"", b"")
    assert [each.mail for each in desk.store.ledger.claim("system", 50, desk.now, NOBODY).mails] == [first.mail]
    (other,) = desk.store.ledger.claim("system", 50, desk.now, NOBODY).mails
    assert (other.mail, other.attempts) == (second.mail, 2)


def test_a_claim_on_another_host_stands_until_its_time_is_over(desk):
    desk.spool()
    assert desk.store.ledger.claim("system", 50, desk.now, NOBODY).mails == []
    assert len(desk.store.ledger.claim("system", 50, desk.later(minutes=16), NOBODY).mails) == 1


def test_a_claim_made_by_a_clock_that_ran_ahead_does_not_stand_for_years(desk):
    desk.spool()
    assert len(desk.store.ledger.claim("system", 50, desk.now - timedelta(days=400), NOBODY).mails) == 1


def test_fresh_mails_come_as_a_batch_before_one_that_was_tried(desk):
    tried, *fresh = desk.spool(b"", b"", b"")
    for each in fresh:
        desk.store.ledger.defer(each, "", "", desk.now)
    desk.store.ledger.fail(tried, "ValueError: no", desk.now, [0.0])
    assert [each.mail for each in desk.store.ledger.claim("system", 50, desk.now, NOBODY).mails] == [
        each.mail for each in fresh
    ]
    assert [each.mail for each in desk.store.ledger.claim("system", 50, desk.now, NOBODY).mails] == [tried.mail]


def test_the_limit_of_a_claim_is_kept_and_the_oldest_come_first(desk):
    spooled = desk.spool(*[b""] * 5)
    desk.store.ledger.unclaim(spooled)
    assert [each.mail for each in desk.store.ledger.claim("system", 2, desk.now, NOBODY).mails] == [
        each.mail for each in spooled[:2]
    ]


def test_a_batch_of_waiting_mails_is_bounded_in_bytes(desk):
    head = b"From: a@example.com\n\n"
    desk.store.ledger.unclaim(desk.spool(*[head + bytes([48 + number]) * 3_000_000 for number in range(5)]))
    sizes = []
    while batch := desk.store.ledger.claim("system", 50, desk.now, NOBODY).mails:
        sizes.append(len(batch))
    assert sizes == [2, 2, 1]


def test_a_deferred_mail_waits_and_its_attempt_is_given_back(desk):
    (spooled,) = desk.spool()
    assert desk.store.ledger.defer(spooled, "rule.file_broken", "broken", desk.now + timedelta(minutes=5))
    assert desk.store.ledger.claim("system", 50, desk.now, NOBODY).mails == []
    (again,) = desk.store.ledger.claim("system", 50, desk.later(minutes=5), NOBODY).mails
    assert again.attempts == 1
    assert desk.store.archive.mail(again.mail).code == "rule.file_broken"


def test_a_charged_deferral_keeps_the_attempt(desk):
    (spooled,) = desk.spool()
    desk.store.ledger.defer(spooled, "x", "y", desk.now, charge=True)
    assert desk.store.ledger.claim("system", 50, desk.now, NOBODY).mails[0].attempts == 2


def test_who_lost_the_claim_cannot_defer(desk):
    (spooled,) = desk.spool()
    desk.store.ledger.claim("system", 50, desk.later(hours=1), NOBODY)
    assert not desk.store.ledger.defer(spooled, "x", "y", desk.now)


def test_the_fifth_failure_quarantines_with_a_receipt(desk):
    (spooled,) = desk.spool()
    waits = [60.0, 300.0, 1800.0, 7200.0]
    for attempt in range(1, 5):
        assert not desk.store.ledger.fail(spooled, "Traceback\nValueError: no", desk.now, waits)
        early = desk.now + timedelta(seconds=waits[attempt - 1] - 1)
        assert desk.store.ledger.claim("system", 1, early, NOBODY).mails == []
        (spooled,) = desk.store.ledger.claim("system", 1, desk.later(seconds=waits[attempt - 1]), NOBODY).mails
        assert spooled.attempts == attempt + 1
    assert desk.store.ledger.fail(spooled, "Traceback\nValueError: no", desk.now, waits, action="move", folder="Failed")
    assert desk.store.ledger.claim("system", 1, desk.later(days=9), NOBODY).mails == []
    (receipt,) = desk.store.archive.receipts(spooled.mail)
    assert (receipt.outcome, receipt.code, receipt.because) == (Outcome.ERROR, "fault.exception", "ValueError: no")
    assert desk.store.archive.held()[0].error.startswith("Traceback")
    assert desk.store.mailboxes.pending_actions("system", 5)[0][1:3] == ("move", "Failed")


def test_five_crashes_quarantine_without_a_sixth_start(desk):
    dead = owner().rsplit("/", 2)[0] + "/999999999/1"
    desk.owner = dead
    (spooled,) = desk.spool()
    starts = 1
    while desk.store.ledger.claim("system", 1, desk.now, dead).mails:
        starts += 1
    assert starts == 5
    assert desk.store.archive.receipts(spooled.mail)[0].code == "fault.crash"


def test_100_000_keys_are_compared_in_a_moment(desk):
    desk.spool(desk.raw(key="INBOX/1/99999"))
    keys = [f"INBOX/1/{number}" for number in range(100_000)]
    assert len(desk.store.mailboxes.unknown_keys("system", keys)) == 99_999


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 6), st.booleans()), max_size=25))
def test_however_often_bytes_come_each_mailbox_decides_them_once(steps):
    """(content, key, which mailbox): any order, any repetition; a restart of the spool in between changes nothing."""
    import hashlib
    from datetime import UTC, datetime

    from engine.model.mail import Origin

    now = datetime(2026, 1, 1, tzinfo=UTC)
    with Store.open(":memory:") as store:
        fresh = []
        for content, key, other in steps:
            data = b"From: a@example.com\n\n%d" % content
            origin = Origin("support" if other else "system", f"k{key}", len(data))
            raw = RawMail(data, origin, now, hashlib.sha256(data).hexdigest())
            fresh += [each for each in store.ledger.spool([raw], "h/b/1/1") if not each.seen_before]
        wanted = {(content, other) for content, _, other in steps}
        assert len(fresh) == len(wanted) == store.database.one("SELECT count(*) FROM inbound")[0]
        keys = {(key, other) for _, key, other in steps}
        assert store.database.one("SELECT count(*) FROM presentation")[0] == len(keys)
        assert store.database.one("SELECT count(*) FROM raw_mail")[0] == len({content for content, *_ in steps})


def test_how_often_mail_comes_is_noted_once_a_batch_and_known_bytes_are_no_mail(desk):
    def kept():
        return desk.store.database.one("SELECT last_mail_at, rhythm FROM mailbox WHERE name = 'system'")

    raw = desk.raw()
    desk.spool(raw, desk.raw())
    first = kept()
    assert first[0] == us(desk.now) and '"weeks":[[' in first[1]
    desk.later(hours=2)
    desk.spool(raw)
    assert kept() == first, "bytes that we know say nothing of new mail"
    desk.spool(desk.raw())
    ((_, mails, gap),) = rhythm.read(kept()[1]).weeks
    assert (mails, gap) == (3, 7200)
