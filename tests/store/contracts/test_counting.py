"""What happened in a time: mails by a key with how long they took, events, what was sent."""

from __future__ import annotations

from datetime import UTC, timedelta
from zoneinfo import ZoneInfo

import pytest
from store.desk import auto, notice

from engine.model.figures import BY_MAIL, Passed, RuleHit, class_of
from engine.model.plan import AddComment, Outcome
from engine.model.sight import Sight


@pytest.fixture
def counting(store):
    return store.counting


def keys(counting, by, since, zone=UTC):
    return [passed.key for passed in counting.mails(by, since, zone)]


def test_mails_are_counted_by_what_became_of_them_and_how_long_that_took(desk, counting):
    since = desk.now
    (spooled,) = desk.spool()
    desk.later(seconds=2)
    desk.commit(spooled, outcome=Outcome.DISCARDED)
    assert counting.mails("outcome", since, UTC) == [Passed("discarded", 1, ((class_of(2_000_000), 1),), ())]
    desk.later(days=1)
    assert counting.mails("outcome", desk.now, UTC) == []


def test_of_mail_that_is_not_seen_nothing_is_counted(desk, counting):
    since, mine = desk.now, Sight(workspaces=frozenset({"finance"}))
    desk.item()
    desk.later(days=1)
    desk.end(Outcome.HELD, workspace="finance", sender="eve@example.com")
    for by in BY_MAIL:
        assert [each.mails for each in counting.mails(by, since, UTC, sight=mine)] == [1]
        assert counting.mails(by, since, UTC, sight=Sight()) == []
    assert counting.first_day(sight=mine).date() == desk.now.date() != counting.first_day().date()
    assert counting.first_day(sight=Sight()) is None


@pytest.mark.parametrize("by", BY_MAIL)
def test_they_can_be_counted_by_every_key(desk, counting, by):
    desk.end(Outcome.HELD)
    (key,) = keys(counting, by, desk.now)
    expected = {"outcome": "held", "code": "gate.dmarc", "mailbox": "system", "workspace": "support", "rule": "",
                "sender": "jane@example.com", "hook": "", "hour": "10:00", "day": "2026-11-20"}  # fmt: skip
    assert key == expected[by]


def test_hours_and_days_are_those_of_a_zone(desk, counting):
    desk.end(Outcome.HELD)
    assert keys(counting, "hour", desk.now, ZoneInfo("Asia/Tokyo")) == ["19:00"]


def test_an_hour_of_several_days_is_one_key_with_the_times_of_all(desk, counting):
    since = desk.now
    for took in (40, 2, 7):
        (spooled,) = desk.spool()
        desk.later(seconds=took)
        desk.commit(spooled, outcome=Outcome.DISCARDED)
        desk.later(days=1, seconds=-took)
    (passed,) = counting.mails("hour", since, ZoneInfo("Asia/Kathmandu"))
    assert (passed.key, passed.mails) == ("16:00", 3)
    assert passed.decided == tuple((class_of(seconds * 1_000_000), 1) for seconds in (2, 7, 40))


def test_how_long_an_answer_took_is_told_of_the_mail_that_made_the_item(desk, counting):
    since = desk.now
    item = desk.item().item
    desk.later(hours=3)
    desk.act(item, AddComment(item, "New toner.", "anna"), told=(notice(),))
    desk.store.database.run("UPDATE event SET name = 'item.answered' WHERE act <> ''")
    assert [each.answered for each in counting.mails("outcome", since, UTC)] == [((class_of(3 * 3_600_000_000), 1),)]


def test_old_mail_took_no_time(desk, counting):
    desk.store.mailboxes.lease("system", "me", desk.now)
    (spooled,) = desk.spool(desk.raw(received_at=desk.now - timedelta(days=20)))
    desk.commit(spooled, outcome=Outcome.DISCARDED)
    assert counting.mails("outcome", desk.now - timedelta(days=30), UTC) == [Passed("discarded", 1, (), ())]


def test_events_and_rows_are_those_since_a_time(desk, counting):
    for _ in range(5):
        desk.item(told=(notice(state="suppressed", why="actor"), auto()))
        desk.later(days=1)
    since = desk.now - timedelta(days=2)
    assert counting.events(since) == {"item.created": 2}
    assert counting.whys(since) == {"actor": 2}
    for row in desk.store.outbox.claim(1, desk.now, "me"):
        desk.store.outbox.sent(row.id)
    assert counting.sent(since) == (0, 2) and counting.sent(since - timedelta(days=9)) == (1, 5)
    assert counting.events(desk.later(days=9)) == {} and counting.whys(desk.now) == {}


def test_mails_are_counted_from_the_beginning_of_what_is_counted_together(desk, counting):
    began = desk.now.replace(minute=30)
    assert counting.begins("outcome", desk.now) == counting.begins("hour", desk.now) == began
    desk.end(Outcome.HELD)
    assert counting.mails("outcome", desk.now + timedelta(seconds=59), UTC)[0].mails == 1
    midnight = (desk.now - timedelta(days=50)).replace(hour=0, minute=0)
    assert counting.begins("outcome", desk.now - timedelta(days=50)) == midnight
    assert counting.begins("day", desk.now - timedelta(days=50)) == began - timedelta(days=50)


def test_a_long_time_and_a_short_one_count_the_same_mails(desk, counting):
    for outcome in (Outcome.HELD, Outcome.CREATED, Outcome.HELD):
        desk.end(outcome)
        desk.later(days=10)
    short, long = (counting.mails("outcome", desk.now - timedelta(days=days), UTC) for days in (34, 400))
    assert sorted(short) == sorted(long) and sum(passed.mails for passed in short) == 3


def test_hits_of_a_rule_are_counted_by_days_and_the_first_day_is_known(desk, counting):
    assert counting.first_day() is None and counting.hits(desk.now) == []
    first = desk.now.replace(hour=0, minute=0)
    rule = RuleHit("rules/system.toml", "d1", 2)
    desk.end(Outcome.HELD, hits=(rule,))
    came = desk.later(days=3)
    desk.end(Outcome.HELD, hits=(rule,))
    assert counting.hits(first) == [(rule, 2, came)] and counting.hits(came) == [(rule, 1, came)]
    assert counting.first_day() == first
