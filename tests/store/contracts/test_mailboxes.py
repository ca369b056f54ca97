"""What every store promises about mailboxes: leases, listings, states, actions."""

from __future__ import annotations

from hashlib import sha256

import pytest
from store.desk import visited

from engine.model.plan import Outcome, SetField
from engine.model.stored import Visited
from engine.store.errors import NotFound, Refused

ME, OTHER = "elsewhere/boot/7/7", "elsewhere/boot/8/8"


@pytest.fixture
def mailboxes(store):
    return store.mailboxes


def test_a_mailbox_has_one_number_for_good(mailboxes):
    assert mailboxes.number("system") == mailboxes.number("system") != mailboxes.number("other")


def test_one_runner_has_the_lease_until_it_gives_it_back_or_its_time_is_over(desk, store, mailboxes):
    assert mailboxes.lease("system", ME, desk.now)
    assert mailboxes.heartbeat("system", ME, desk.later(seconds=50))
    assert not mailboxes.lease("system", OTHER, desk.later(seconds=50)), "the heartbeat made it last"
    assert mailboxes.lease("system", OTHER, desk.later(seconds=61))
    assert not mailboxes.heartbeat("system", ME, desk.now), "it is not ours any more"
    visited(store, ME)
    assert mailboxes.holder("system") == "process 8 on elsewhere"
    visited(store, OTHER)
    assert mailboxes.holder("system") == mailboxes.holder("never read") == ""


def test_visits_end_together_and_their_leases_with_them(desk, mailboxes):
    taken = [mailboxes.lease(name, ME, desk.now) for name in ("system", "other", "third")]
    mailboxes.failed("other", "source.away", "no route", desk.now)
    well, failed, again = (Visited(each, at) for each, at in zip(taken, (desk.now, None, desk.now), strict=True))
    mailboxes.end([again, well, failed])
    found = {each.name: (each.ok_at, each.failures, each.holder) for each in mailboxes.states()}
    assert found == {"system": (desk.now, 0, ""), "other": (None, 1, ""), "third": (desk.now, 0, "")}


def test_the_number_of_a_mailbox_that_was_taken_up_elsewhere_is_known(shared):
    desk, other = shared
    taken = desk.store.mailboxes.lease("system", ME, desk.now)
    other.mailboxes.know(taken)
    assert other.mailboxes.number("system") == taken.number


def test_another_process_does_not_get_a_lease_that_is_held(shared):
    desk, other = shared
    assert desk.store.mailboxes.lease("system", ME, desk.now)
    assert not other.mailboxes.lease("system", OTHER, desk.now)
    visited(desk.store, ME)
    assert other.mailboxes.lease("system", OTHER, desk.now)


def test_who_takes_over_frees_what_the_dead_had_claimed(desk, store, mailboxes):
    (spooled,) = store.ledger.spool([desk.raw()], OTHER)
    assert mailboxes.lease("system", ME, desk.later(hours=1))
    mailboxes.take_over("system", ME, desk.now)
    mailboxes.noting("system")(spooled.row)
    mailboxes.noting("system")(0)
    (claimed,) = store.ledger.claim("system", 9, desk.now, ME).mails
    assert (claimed.mail, claimed.attempts) == (spooled.mail, 2)
    visited(store, ME)


def test_without_a_lease_nothing_is_noted(desk, store, mailboxes):
    (spooled,) = store.ledger.spool([desk.raw()], OTHER)
    mailboxes.noting("system")(spooled.row)
    assert mailboxes.lease("system", ME, desk.later(hours=1))
    mailboxes.take_over("system", ME, desk.now)
    (claimed,) = store.ledger.claim("system", 9, desk.now, ME).mails
    assert claimed.mail == spooled.mail, "no mail is to blame, so none has to wait"
    visited(store, ME)


def test_new_is_what_the_ledger_does_not_know(desk, mailboxes):
    spooled = desk.spool(b"one", b"two")
    keys = [each.raw.origin.key for each in spooled]
    assert mailboxes.unknown_keys("system", ["new/b", *keys, "new/a"]) == ["new/b", "new/a"]
    desk.commit(spooled[0])
    mailboxes.actions_done("system", [(keys[0], "done")])
    assert mailboxes.sort_keys("system", ["new", *keys]) == (["new"], [keys[0]])


def test_a_new_epoch_makes_planned_actions_void(desk, mailboxes):
    assert not mailboxes.begin_epoch("system", "1", 5)
    desk.end(Outcome.HELD)
    assert mailboxes.actions_planned() == 1
    assert not mailboxes.begin_epoch("system", "1", 9)
    assert mailboxes.begin_epoch("system", "2", 3)
    assert mailboxes.actions_planned() == 0


def test_numbers_that_started_anew_make_room_for_the_new_messages(desk, mailboxes):
    mailboxes.begin_epoch("system", "1", 100)
    (spooled,) = desk.spool()
    assert mailboxes.begin_epoch("system", "1", 2)
    assert mailboxes.unknown_keys("system", [spooled.raw.origin.key]) == [spooled.raw.origin.key]


def test_another_account_makes_room_for_its_messages_and_an_unknown_one_is_adopted(desk, mailboxes):
    mailboxes.begin_epoch("system", "1", 100)
    (spooled,) = desk.spool()
    key = spooled.raw.origin.key
    assert not mailboxes.begin_epoch("system", "1", 100, "anna@mail.example.com/INBOX")
    assert not mailboxes.begin_epoch("system", "1", 100)
    assert mailboxes.unknown_keys("system", [key]) == []
    assert mailboxes.begin_epoch("system", "1", 200, "ben@mail.example.com/INBOX")
    assert mailboxes.unknown_keys("system", [key]) == [key]
    assert not mailboxes.begin_epoch("system", "1", 200, "ben@mail.example.com/INBOX")


def test_an_epoch_of_a_host_may_be_any_words(mailboxes):
    assert not mailboxes.begin_epoch("system", "spring 2026, first half")
    assert not mailboxes.begin_epoch("system", "spring 2026, first half")
    assert mailboxes.begin_epoch("system", "spring 2026, second half")


def test_a_mailbox_without_numbers_has_an_account_too(desk, mailboxes):
    assert not mailboxes.begin_epoch("system", "", 0, "anna@mail.example.com")
    (spooled,) = desk.spool()
    assert not mailboxes.begin_epoch("system", "", 0, "anna@mail.example.com")
    assert mailboxes.begin_epoch("system", "", 0, "ben@mail.example.com")
    assert mailboxes.unknown_keys("system", [spooled.raw.origin.key]) == [spooled.raw.origin.key]


def test_a_message_over_which_a_session_broke_twice_is_set_aside(mailboxes):
    for key in ("a", "b", "a"):
        mailboxes.broke("system", key)
    assert (mailboxes.aside("system"), mailboxes.suspects("system")) == (["a"], ["b", "a"])
    mailboxes.whole("system", ["a"])
    assert (mailboxes.aside("system"), mailboxes.suspects("system")) == ([], ["b"])


def test_failures_are_counted_until_it_works_again(desk, store, mailboxes):
    began = desk.now
    mailboxes.failed("system", "source.refused", "no", began)
    mailboxes.failed("system", "source.refused", "still no", desk.later(minutes=1))
    (state,) = mailboxes.states()
    assert (state.failures, state.failing_since, state.failed_at) == (2, began, desk.now)
    assert (state.code, state.sentence) == ("source.refused", "still no")
    visited(store, at=desk.later(minutes=1))
    (state,) = mailboxes.states()
    assert (state.failures, state.failing_since, state.code, state.ok_at) == (0, None, "", desk.now)


def test_a_mailbox_can_be_paused(mailboxes):
    mailboxes.pause("system", "the server moves")
    mailboxes.pause("other", "")
    assert [mailboxes.paused(name) for name in ("system", "other", "third")] == [
        "the server moves", "paused by hand", "",
    ]  # fmt: skip
    mailboxes.resume("system")
    assert mailboxes.paused("system") == ""


def test_actions_wait_until_something_came_of_them_failed_ones_last(desk, mailboxes):
    desk.end(Outcome.HELD, content=b"one", message_id="<1@example.com>")
    desk.end(Outcome.HELD, content=b"three")
    first, second = mailboxes.pending_actions("system", 9)
    assert first[1:] == ("move", "Done", 3, "<1@example.com>", sha256(b"one").hexdigest())
    mailboxes.actions_done("system", [(first[0], "failed", "the folder is gone")])
    assert [row[0] for row in mailboxes.pending_actions("system", 9)] == [second[0], first[0]]
    mailboxes.actions_done("system", [(first[0], "done"), (second[0], "gone")])
    assert mailboxes.pending_actions("system", 9) == [] and mailboxes.actions_planned() == 0


def test_a_message_that_was_moved_has_another_key_and_later_actions_name_both(desk, mailboxes):
    (spooled,) = desk.spool()
    key = spooled.raw.origin.key
    desk.commit(spooled, outcome=Outcome.HELD, folder="Held")
    mailboxes.actions_done("system", [(key, "done", "", "Held/9/5")])
    assert mailboxes.pending_actions("system", 9) == []
    assert mailboxes.unknown_keys("system", [key, "Held/9/5"]) == []
    assert mailboxes.settle_again(spooled.mail) == 1, "nothing is known to be wanted under the other key"
    (row,) = mailboxes.pending_actions("system", 9)
    assert row[0] == key
    desk.store.ledger.ignore(spooled.mail, "anna", "no", action="delete")
    size = spooled.raw.origin.size_bytes
    assert {row[:4] for row in mailboxes.pending_actions("system", 9)} == {
        (key, "delete", "", size), ("Held/9/5", "delete", "", size),
    }  # fmt: skip


def test_an_action_can_be_planned_once_more(desk, mailboxes):
    mail = desk.end(Outcome.HELD)
    ((key, *_),) = mailboxes.pending_actions("system", 9)
    mailboxes.actions_done("system", [(key, "done")])
    assert mailboxes.settle_again(mail) == 1 and mailboxes.actions_planned() == 1
    with pytest.raises(NotFound):
        mailboxes.settle_again("m-000000000000")


def test_a_mail_is_planned_to_be_deleted_where_it_still_lies_once_it_is_decided(desk, mailboxes):
    waiting = desk.end(Outcome.HELD)
    with pytest.raises(Refused, match="not decided"):
        mailboxes.settle_again(waiting, delete=True)
    mail = desk.item(action="keep", folder="").mail
    assert mailboxes.settle_again(mail, delete=True) == 1
    row = next(row for row in mailboxes.pending_actions("system", 9) if row[1] == "delete")
    mailboxes.actions_done("system", [(row[0], "done")])
    assert mailboxes.settle_again(mail, delete=True) == 0
    with pytest.raises(NotFound):
        mailboxes.settle_again("m-000000000000", delete=True)


def test_F030_a_mail_kept_until_its_item_is_closed_is_planned_then(desk, mailboxes):
    item = desk.item(action="keep", folder="").item
    assert mailboxes.plan_closed("system", "move", "Closed", 9) == 0
    (spooled,) = desk.spool()
    desk.commit(spooled, SetField(item, "status", "Closed"), outcome=Outcome.COMMENT, item=item, action="keep")
    assert mailboxes.plan_closed("system", "move", "Closed", 1) == 1
    assert mailboxes.plan_closed("system", "move", "Closed", 9) == 1
    assert mailboxes.plan_closed("system", "move", "Closed", 9) == 0
    assert {row[1:3] for row in mailboxes.pending_actions("system", 9)} == {("move", "Closed")}
