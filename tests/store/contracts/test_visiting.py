"""What every store promises of mailboxes that are due: each is handed out once, and due again when it was said."""

from __future__ import annotations

from datetime import timedelta


def test_a_mailbox_is_due_until_it_is_handed_out_and_again_when_it_was_said(desk, store):
    visiting = store.visiting
    visiting.expect(["system", "other"])
    assert visiting.is_due(desk.now)
    assert sorted([*visiting.take_due(1, desk.now), *visiting.take_due(9, desk.now)]) == ["other", "system"]
    assert not visiting.is_due(desk.now)
    visiting.read_next([("system", desk.now + timedelta(seconds=5))])
    assert visiting.take_due(9, desk.now + timedelta(seconds=5)) == ["system"]
    assert sorted(visiting.take_due(9, desk.now + timedelta(seconds=99))) == ["other", "system"], "nobody said when"


def test_only_named_mailboxes_are_handed_out_and_none_that_is_paused(desk, store):
    visiting = store.visiting
    visiting.expect(["system", "other", "third"])
    store.mailboxes.pause("third", "")
    assert visiting.take_due(9, desk.now, ["other", "third"]) == ["other"]


def test_a_mailbox_is_visited_sooner_where_something_is_planned_there(desk, store):
    visiting, later = store.visiting, desk.now + timedelta(minutes=5)
    desk.item("x")
    visiting.expect(["system", "other"])
    visiting.read_next([("system", later), ("other", later)])
    visiting.read_soon(["system", "other"], desk.now)
    assert visiting.take_due(9, desk.now) == ["system"]


def test_what_a_process_was_reading_that_lives_or_that_nobody_knows_stays_with_it(desk, store):
    visiting = store.visiting
    visiting.expect(["system"])
    assert store.mailboxes.lease("system", store.owner, desk.now)
    visiting.take_due(9, desk.now)
    assert visiting.leave_for_dead(desk.now) == 0
    assert not visiting.is_due(desk.now)
