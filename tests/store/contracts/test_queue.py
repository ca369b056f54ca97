"""What every store promises about the mails that wait to be decided."""

from __future__ import annotations

from datetime import timedelta

import pytest
from store.desk import answer, notice

from engine.model.plan import Outcome

ME, DEAD = "elsewhere/boot/7/7", "elsewhere/boot/8/8"


@pytest.fixture
def ledger(store):
    return store.ledger


@pytest.fixture
def queue(store):
    return store.queue


def test_it_is_known_whether_anything_waits_for_a_person(desk, queue, ledger):
    desk.spool()
    desk.end(Outcome.DISCARDED)
    assert not queue.is_anything_to_tell(desk.now)
    held = desk.end(Outcome.HELD)
    assert queue.is_anything_to_tell(desk.now)
    ledger.ignore(held, "anna", "no")
    assert not queue.is_anything_to_tell(desk.now)
    (broken,) = desk.spool()
    ledger.fail(broken, "x", desk.now, [], max_attempts=1)
    assert queue.is_anything_to_tell(desk.now)


def test_mail_of_ours_that_is_held_waits_for_a_person_too(desk, queue):
    desk.item(told=(answer(state="held", why="unproven"),))
    assert queue.is_anything_to_tell(desk.now)


def test_rows_that_go_along_with_others_are_told_when_their_slot_has_come(desk, queue):
    desk.item(told=(notice(state="digest", due=desk.now + timedelta(hours=1)),))
    assert not queue.is_anything_to_tell(desk.now)
    assert queue.is_anything_to_tell(desk.now + timedelta(hours=1))
    assert queue.is_anything_to_tell(desk.now - timedelta(days=40)), "the clock ran ahead when it got its slot"


def test_mails_that_wait_are_counted_by_their_reason_and_can_be_made_due(desk, queue, ledger):
    broken, also, tried, _ = desk.spool(b"", b"", b"", b"")
    soon, later = desk.now + timedelta(minutes=1), desk.now + timedelta(minutes=5)
    for each in (broken, also):
        ledger.defer(each, "config.broken", "a file", later)
    ledger.fail(tried, "Traceback\nValueError: no", desk.now, [60.0])
    assert [(each.mails, each.code, each.because, each.until) for each in queue.waiting("system")] == [
        (1, "fault.exception", "ValueError: no", soon),
        (2, "config.broken", "a file", later),
    ]
    assert queue.waiting("other") == []
    queue.make_due("other", {"config.broken"})
    assert ledger.claim("system", 9, desk.now, ME).mails == []
    queue.make_due("system", {"config.broken"})
    assert [each.mail for each in ledger.claim("system", 9, desk.now, ME).mails] == [broken.mail, also.mail]


def test_a_mailbox_is_due_while_a_mail_of_it_may_be_claimed(desk, queue, ledger):
    assert not queue.is_due("system", desk.now)
    (spooled,) = desk.spool()
    assert queue.is_due("system", desk.now), "its owner may die"
    assert not queue.is_due("other", desk.now)
    soon = desk.now + timedelta(minutes=5)
    ledger.defer(spooled, "x", "y", soon)
    assert not queue.is_due("system", desk.now) and queue.is_due("system", soon)


def test_mailboxes_with_mail_that_was_tried_are_named_when_it_is_due(desk, queue, ledger):
    (tried,) = desk.spool()
    ledger.fail(tried, "ValueError: no", desk.now, [60.0])
    assert queue.tried_mailboxes(desk.now) == frozenset()
    assert queue.tried_mailboxes(desk.now + timedelta(seconds=60)) == {"system"}


def test_mailboxes_with_mail_are_named_when_it_is_due(desk, queue, ledger):
    assert queue.due_mailboxes(desk.now) == frozenset()
    (spooled,) = desk.spool()
    assert queue.due_mailboxes(desk.now) == {"system"}
    ledger.fail(spooled, "ValueError: no", desk.now, [60.0])
    assert queue.due_mailboxes(desk.now) == frozenset()
    assert queue.due_mailboxes(desk.now + timedelta(seconds=60)) == {"system"}


def test_a_mail_that_ended_is_not_due(desk, queue):
    desk.end(Outcome.HELD)
    assert not queue.is_due("system", desk.now + timedelta(days=400))


def test_what_the_dead_had_claimed_is_given_back_and_only_the_mail_in_hand_is_charged(desk, queue, ledger):
    in_hand, never_begun = ledger.spool([desk.raw(), desk.raw()], DEAD)
    queue.give_back("system", desk.later(hours=1), {DEAD: in_hand.row}, [60.0])
    claimed = [ledger.claim("system", 9, desk.now, ME, tried=False).mails for _ in range(2)]
    assert [[(each.mail, each.attempts) for each in mails] for mails in claimed] == [
        [(in_hand.mail, 2)], [(never_begun.mail, 1)],
    ]  # fmt: skip


def test_claims_are_left_to_whoever_knows_which_mail_was_in_hand(desk, queue, ledger):
    (left,) = desk.spool()
    ledger.unclaim([left])
    assert ledger.claim("system", 9, desk.now, DEAD).mails
    queue.give_back("system", desk.later(hours=1), {}, [60.0], free=False)
    assert ledger.claim_any(9, desk.now, ME) == []
    assert queue.give_back_all(DEAD, 0, desk.now, [60.0]) == 1
    (mail,) = ledger.claim_any(9, desk.now, ME)
    assert (mail.mail, mail.attempts) == (left.mail, 1), "nobody charged it"


def test_G18_a_wait_set_by_a_clock_that_ran_ahead_ends_at_the_next_take_over(desk, queue, ledger):
    ahead, soon = desk.spool(b"", b"")
    ledger.defer(ahead, "config.broken", "no", desk.now + timedelta(days=365))
    ledger.defer(soon, "config.broken", "no", desk.now + timedelta(hours=23))
    assert ledger.claim("system", 9, desk.now, ME).mails == []
    queue.give_back("system", desk.now, {}, [3 * 86400.0])
    assert [each.mail for each in ledger.claim("system", 9, desk.now, ME).mails] == [ahead.mail]


def test_a_wait_as_long_as_the_configuration_says_is_no_broken_clock(desk, queue, ledger):
    (spooled,) = desk.spool()
    ledger.fail(spooled, "ValueError: no", desk.now, [3 * 86400.0])
    queue.give_back("system", desk.now, {}, [60.0, 3 * 86400.0])
    assert ledger.claim("system", 9, desk.now, ME).mails == []


def waiting(desk, *bodies, mailbox="system"):
    """Mails that wait to be decided, in a mailbox."""
    spooled = desk.store.ledger.spool([desk.raw(body, mailbox=mailbox) for body in bodies], desk.owner)
    desk.store.ledger.unclaim(spooled)
    return [each.mail for each in spooled]


def test_of_an_owner_that_died_only_the_mail_in_hand_is_charged(desk, queue, ledger):
    waiting(desk, b"a", b"b", b"c")
    first, second, third = ledger.claim_any(9, desk.now, ME)
    assert queue.give_back_all(ME, second.row, desk.now, [60.0]) == 3
    again = ledger.claim_any(9, desk.now, DEAD)
    assert sorted(each.row for each in again) == [first.row, third.row]
    assert {each.attempts for each in again} == {1}
    (charged,) = ledger.claim_any(9, desk.now, DEAD, tried=True)
    assert (charged.row, charged.attempts) == (second.row, 2)


def test_where_nobody_knows_what_was_in_hand_each_is_charged(desk, queue, ledger):
    waiting(desk, b"a", b"b")
    ledger.claim_any(9, desk.now, ME)
    queue.give_back_all(ME, None, desk.now, [60.0])
    assert ledger.claim_any(9, desk.now, DEAD) == []
    assert {each.attempts for each in ledger.claim_any(9, desk.now, DEAD, tried=True)} == {2}


def test_what_somebody_else_has_is_not_given_back(desk, queue, ledger):
    waiting(desk, b"a")
    ledger.claim_any(9, desk.now, DEAD)
    assert queue.give_back_all(ME, 0, desk.now, []) == 0
    assert ledger.claim_any(9, desk.now, ME) == []


def test_of_processes_that_nobody_knows_to_be_dead_nothing_is_given_back(desk, queue, ledger):
    waiting(desk, b"a")
    ledger.claim_any(9, desk.now, ME)
    assert queue.give_back_of_dead(desk.now, [60.0], 0.0) == 0
