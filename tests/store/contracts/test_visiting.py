"""What every store promises of mailboxes that are due: each is handed out once, and due again when it was said."""

from __future__ import annotations

from datetime import timedelta

from engine.model.stored import Standing, Visited

ME = "elsewhere/boot/7/7"


def names(taken):
    return sorted([each.name for each in taken])


def ended(store, taken, seconds, now):
    store.mailboxes.end([Visited(each, now, now + timedelta(seconds=seconds)) for each in taken])


def test_a_mailbox_is_due_until_it_is_handed_out_and_again_when_it_was_said(desk, store):
    visiting = store.visiting
    visiting.expect(["system", "other"])
    assert visiting.is_due(desk.now)
    taken = [*visiting.take_due(ME, 1, desk.now), *visiting.take_due(ME, 9, desk.now)]
    assert names(taken) == ["other", "system"]
    assert not visiting.is_due(desk.now)
    ended(store, [each for each in taken if each.name == "system"], 5, desk.now)
    assert not visiting.is_due(desk.now + timedelta(seconds=4))
    assert names(visiting.take_due(ME, 9, desk.now + timedelta(seconds=5))) == ["system"]


def test_what_was_handed_out_is_told_with_it_and_its_lease_is_taken(desk, store):
    store.visiting.expect(["system"])
    store.mailboxes.begin_epoch("system", "7", 12)
    store.mailboxes.broke("system", "key")
    store.mailboxes.failed("system", "source.away", "no route", desk.now)
    (spooled,) = desk.spool()
    (taken,) = store.visiting.take_due(ME, 9, desk.now)
    assert (taken.epoch, taken.uidnext, taken.aside, taken.standing.failures) == ("7", 12, "1 key", 1)
    assert taken.standing == store.setbacks.standing("system")
    assert (taken.wait, taken.is_planned, taken.is_old) == (True, False, False)
    assert store.mailboxes.holder("system") == "process 7 on elsewhere"
    assert not store.mailboxes.lease("system", "elsewhere/boot/8/8", desk.now)
    desk.commit(spooled)
    ended(store, [taken], 5, desk.now)
    (taken,) = store.visiting.take_due(ME, 9, desk.now + timedelta(seconds=5))
    assert (taken.wait, taken.is_planned) == (False, True)
    assert taken.standing == Standing(), "it worked"


def test_what_a_visit_says_late_of_a_mailbox_that_is_another_ones_now_is_not_heard(desk, store):
    store.visiting.expect(["system"])
    (taken,) = store.visiting.take_due(ME, 9, desk.now)
    assert store.mailboxes.lease("system", "elsewhere/boot/8/8", desk.now + timedelta(minutes=2))
    ended(store, [taken], 5, desk.now)
    assert store.mailboxes.holder("system") == "process 8 on elsewhere"
    assert store.mailboxes.states()[0].ok_at is None


def test_who_holds_a_mailbox_longer_than_a_visit_lasts_keeps_it_while_they_live(desk, store):
    visiting, late = store.visiting, desk.now + timedelta(minutes=2)
    visiting.expect(["system"])
    assert visiting.take_due(store.owner, 9, desk.now)
    assert visiting.take_due(store.owner, 9, late) == [], "nor do they get it twice"


def test_a_mailbox_that_somebody_unknown_had_is_free_when_their_time_is_over(desk, store):
    store.visiting.expect(["system"])
    assert store.mailboxes.lease("system", ME, desk.now)
    assert store.visiting.take_due(store.owner, 9, desk.now) == []
    assert names(store.visiting.take_due(store.owner, 9, desk.now + timedelta(seconds=61))) == ["system"]


def test_only_named_mailboxes_are_handed_out_and_none_that_is_paused(desk, store):
    visiting = store.visiting
    visiting.expect(["system", "other", "third"])
    store.mailboxes.pause("third", "")
    assert names(visiting.take_due(ME, 9, desk.now, ["other", "third"])) == ["other"]


def test_nothing_is_handed_out_while_an_upgrade_is_wanted(desk, store):
    store.visiting.expect(["system"])
    with store.writing():
        store.database.run("INSERT INTO schema_version (version, name, applied_at) VALUES (99, ?, -1)", store.owner)
    assert store.visiting.take_due(store.owner, 9, desk.now) == []
    with store.writing():
        store.database.run("DELETE FROM schema_version WHERE version = 99")
    assert len(store.visiting.take_due(store.owner, 9, desk.now)) == 1


def test_a_mailbox_is_visited_sooner_where_something_is_planned_there(desk, store):
    visiting = store.visiting
    desk.item("x")
    visiting.expect(["system", "other"])
    ended(store, visiting.take_due(ME, 9, desk.now), 300, desk.now)
    visiting.read_soon(["system", "other"], desk.now)
    assert names(visiting.take_due(ME, 9, desk.now)) == ["system"]


def test_what_is_planned_during_a_visit_is_not_left_until_the_one_after_next(desk, store):
    visiting = store.visiting
    visiting.expect(["system"])
    taken = visiting.take_due(ME, 9, desk.now)
    desk.item("x")
    visiting.read_soon(["system"], desk.now)
    ended(store, taken, 300, desk.now)
    assert names(visiting.take_due(ME, 9, desk.now)) == ["system"]


def test_what_a_process_was_reading_that_lives_or_that_nobody_knows_stays_with_it(desk, store):
    visiting = store.visiting
    visiting.expect(["system"])
    assert store.mailboxes.lease("system", store.owner, desk.now)
    assert visiting.leave_for_dead(desk.now) == 0
    assert not visiting.is_due(desk.now)


def test_a_mailbox_that_pauses_is_left_alone_by_who_does_not_want_it_paused(desk, store):
    store.mailboxes.pause("system", "holiday")
    found = store.mailboxes.lease("system", ME, desk.now, paused=False)
    assert (found.owner, found.standing.paused, store.mailboxes.holder("system")) == ("", "holiday", "")
    assert store.mailboxes.lease("system", ME, desk.now).owner == ME
