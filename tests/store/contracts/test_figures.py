"""How an installation stands: what waits and what is wrong is counted, what is over is not."""

from __future__ import annotations

from datetime import timedelta

import pytest
from store.desk import answer, auto, notice, visited, webhook
from store.plans import plan

from engine.model.figures import Backlog
from engine.model.plan import Outcome
from engine.model.sight import ALL, EVERY_ITEM, ItemSight, Sight
from engine.store import sighted, still_held

WEEK_S = 5 * 86_400.0
ME = "elsewhere/boot/7/7"


@pytest.fixture
def figures(store):
    return store.figures


def test_where_nothing_happened_all_figures_are_nothing(desk, figures):
    found = figures.now(desk.now, WEEK_S)
    assert (found.waiting, found.held, found.unsent, found.queued) == (Backlog(),) * 4
    assert (found.quarantined, found.failed, found.outbox, found.sent_at, found.away) == (0, 0, (), None, "")


def test_mails_that_wait_count_from_when_they_came(desk, figures):
    came = desk.now
    (first, second) = desk.spool(desk.raw(), desk.raw())
    desk.later(hours=1)
    assert figures.now(desk.now, WEEK_S).waiting == Backlog(2, came)
    desk.commit(first, outcome=Outcome.DISCARDED)
    desk.store.ledger.defer(second, "config.broken", "rules are broken", desk.now + timedelta(hours=1))
    assert figures.now(desk.now, WEEK_S).waiting == Backlog(1, came)


def test_a_mail_that_was_taken_up_again_does_not_count_from_when_it_came(desk, figures):
    mail = desk.end(Outcome.HELD)
    desk.later(days=30)
    desk.store.ledger.reopen(mail, None, retry=True)
    assert figures.now(desk.now, WEEK_S).waiting == Backlog(1, None)


def test_held_mail_counts_from_when_it_was_held(desk, figures):
    desk.later(hours=1)
    held_at = desk.now
    desk.end(Outcome.HELD)
    desk.later(days=2)
    desk.end(Outcome.HELD)
    assert figures.now(desk.now, WEEK_S).held == Backlog(2, held_at)


def test_the_outbox_counts_what_is_not_over_by_state_and_class(desk, figures):
    made = desk.now
    rows = desk.item(told=(answer("a@b.example"), auto("c@b.example"), notice("d@b.example"), webhook("chat"),
                           notice("e@b.example", state="held", why="loop"),
                           notice("f@b.example", state="suppressed", why="actor"))).outbox  # fmt: skip
    found = figures.now(desk.now, WEEK_S)
    assert {(state, kind): number for state, kind, number in found.outbox} == {
        ("queued", "answer"): 1, ("queued", "auto"): 1, ("queued", "notice"): 1, ("queued", "webhook"): 1,
        ("held", "notice"): 1,
    }  # fmt: skip
    assert found.unsent == Backlog(2, made) and found.queued == Backlog(4, made)
    desk.store.outbox.claim(9, desk.now, ME)
    desk.later(minutes=5)
    desk.store.outbox.sent(rows[0])
    desk.store.outbox.sent(rows[1])
    desk.store.outbox.failed(rows[2], "550 no", None)
    found = figures.now(desk.now, WEEK_S)
    assert found.unsent == Backlog() and found.queued.rows == 1 and found.sent_at == desk.now
    assert (found.failed, ("failed", "notice", 1) in found.outbox) == (1, True)


def test_what_failed_counts_for_a_day_also_where_it_was_given_up_after_five(desk, figures):
    desk.item(told=(auto("a@b.example"),))
    desk.later(days=6)
    (late,) = desk.store.outbox.overdue(desk.now - timedelta(days=5), 9)
    desk.store.outbox.failed(late, "away", None)
    assert figures.now(desk.now, WEEK_S).failed == 1
    desk.later(days=1, hours=1)
    assert figures.now(desk.now, WEEK_S).failed == 0


def test_the_way_out_that_is_away_says_why(desk, figures):
    desk.store.troubles.begin("smtp", "connection refused", desk.now)
    assert figures.now(desk.now, WEEK_S).away == "connection refused"


def test_the_pulse_of_a_mailbox_tells_when_it_was_read_and_when_mail_came(desk, figures):
    desk.spool()
    desk.store.mailboxes.lease("system", ME, desk.now)
    desk.store.mailboxes.failed("system", "source.timeout", "no reply", desk.now)
    (pulse,) = figures.pulses(desk.now)
    assert (pulse.name, pulse.failures, pulse.failing_since, pulse.ok_at) == ("system", 1, desk.now, None)
    assert pulse.last_mail_at == desk.now and pulse.busy
    visited(desk.store, ME, desk.later(minutes=1))
    (pulse,) = figures.pulses(desk.now)
    assert (pulse.failures, pulse.ok_at, pulse.busy) == (0, desk.now, False)


def test_held_mail_is_counted_for_who_sees_it_and_of_many_only_that_they_are_many(desk, figures):
    mine, nobodys = Sight(workspaces=frozenset({"support"})), Sight(mailboxes=frozenset({"system"}))
    both, others = Sight(False, mine.workspaces, nobodys.mailboxes), Sight(workspaces=frozenset({"finance"}))
    mails = [desk.end(Outcome.HELD, workspace=place) for place in ("support", "support", "", "elsewhere")]
    desk.end(Outcome.CREATED)
    seen = (ALL, mine, nobodys, both, others, Sight())
    assert [figures.held(sight, 100) for sight in seen] == [4, 2, 1, 3, 0, 0]
    assert [figures.held(sight, 2) for sight in seen] == [2, 2, 1, 2, 0, 0]
    desk.later(days=2)
    desk.store.ledger.reopen(mails[0], None, retry=True)
    assert [figures.held(sight, 100) for sight in seen] == [3, 1, 1, 2, 0, 0], "it is decided again"
    desk.commit(desk.store.ledger.claim_one(mails[0], desk.now, desk.owner), outcome=Outcome.CREATED)
    desk.store.ledger.ignore(mails[2], "anna", "no")
    assert [figures.held(sight, 100) for sight in seen] == [2, 1, 0, 1, 0, 0]
    (broken,) = desk.spool()
    desk.store.ledger.fail(broken, "it broke", desk.now, [], max_attempts=1)
    assert [figures.held(sight, 100) for sight in seen] == [3, 1, 1, 2, 0, 0], "it waits for a person as well"


def test_letters_that_failed_or_are_held_are_counted_about_items_that_are_seen(desk, figures):
    mine, others = (ItemSight(False, places, places) for places in (frozenset({"support"}), frozenset({"finance"})))
    rows = desk.item(told=(auto("a@b.example"), notice("b@b.example"), notice("c@b.example", state="held", why="loop"),
                           notice("d@b.example", state="suppressed", why="actor"))).outbox  # fmt: skip
    (nothing,) = desk.item(told=(notice("e@b.example", state="held", why="loop"),)).outbox
    with desk.store.writing():
        desk.store.database.run("UPDATE outbox SET item = NULL WHERE id = ?", nothing)
    seen = (EVERY_ITEM, mine, others, ItemSight())
    assert [figures.letters(sight, 100) for sight in seen] == [2, 1, 0, 0]
    desk.store.outbox.claim(9, desk.now, ME)
    desk.store.outbox.failed(rows[0], "550 no", None)
    assert [figures.letters(sight, 100) for sight in seen] == [3, 2, 0, 0]
    assert [figures.letters(sight, 1) for sight in seen] == [1, 1, 0, 0]
    with desk.store.writing():
        desk.store.database.run("UPDATE item SET private = TRUE")
    outside = ItemSight(False, frozenset({"support"}), frozenset())
    assert [figures.letters(sight, 100) for sight in (*seen, outside)] == [3, 2, 0, 0, 0]


@pytest.mark.parametrize("sight", [Sight(workspaces=frozenset({"a", "b"})), Sight(mailboxes=frozenset({"a"}))])
def test_how_much_is_held_is_found_by_an_index_of_what_is_held_now(desk, sight):
    (place,) = sighted.places(sight)
    asked = still_held.COUNTED.format(seen=place.sql)
    lines = plan(desk.store.database, asked, len(place.params) + 1)
    assert any("tally_held" in each for each in lines), lines


def test_counters_grow_by_what_happened_since_a_mark(desk, figures):
    desk.end(Outcome.HELD)
    begun = figures.counted(None)
    assert begun.counters == (), "what was before the first mark is not counted"
    desk.item(told=(notice(state="suppressed", why="actor"), auto()))
    desk.end(Outcome.HELD)
    grown = figures.counted(begun.mark)
    assert {(each.name, each.labels[-1], each.added) for each in grown.counters} == {
        ("mails", ("code", "draft.created"), 1), ("mails", ("code", "gate.dmarc"), 1),
        ("suppressed", ("why", "actor"), 1),
    }  # fmt: skip
    assert figures.counted(grown.mark).counters == ()
    assert figures.counted((999, 999)).counters == (), "a database that was put back begins anew"


def test_a_store_without_workers_tells_nothing_of_them_and_one_with_some_who_lives(desk, store):
    figures = store.figures
    staff = figures.staff(desk.now)
    assert (staff is None) == (store.database.workers is None)
    assert staff is None or (staff.living, staff.wanted, staff.late_s) == ((), False, 0.0)
