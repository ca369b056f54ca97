"""What pictures are drawn of: mails by several keys, over time, rules by week, senders, letters."""

from __future__ import annotations

from datetime import timedelta

import pytest
from store.desk import auto

from engine.model.facts import Release
from engine.model.figures import ANSWER, SCRIPTS, SIZE, Domain, Measure, Measured, RuleHit, Span, Timed, class_of
from engine.model.hearing import Actor, Batch, Happened
from engine.model.plan import Outcome, Tell
from engine.model.sight import ItemSight, Sight
from engine.store.dispatches import Dispatches, Source


@pytest.fixture
def series(store):
    return store.series


def test_mails_are_counted_by_keys_together_from_a_quarter_of_an_hour_on(desk, series):
    early = desk.now
    desk.end(Outcome.HELD)
    desk.later(days=3, minutes=20)
    since = desk.now
    desk.end(Outcome.HELD)
    desk.end(Outcome.DISCARDED)
    keys = ("mailbox", "outcome")
    assert series.alike(keys, since) == {("system", "held"): 1, ("system", "discarded"): 1}
    assert series.alike(keys, early) == {("system", "held"): 2, ("system", "discarded"): 1}
    assert series.alike(keys, since + timedelta(minutes=15)) == {}


def test_of_mail_that_is_not_seen_nothing_is_counted(desk, series):
    since, mine = desk.now, Sight(workspaces=frozenset({"finance"}))
    desk.end(Outcome.HELD)
    desk.end(Outcome.HELD, workspace="finance", sender="eve@example.com")
    assert series.alike(("workspace",), since, sight=mine) == {("finance",): 1}
    assert [each.many for each in series.timed(("workspace",), since, Span.DAY, sight=mine)] == [1]
    assert series.alike(("workspace",), since, sight=Sight()) == {}


def test_quarters_of_an_hour_and_days_are_told_by_when_they_begin(desk, series):
    since = desk.now
    desk.end(Outcome.HELD)
    desk.later(minutes=15)
    desk.end(Outcome.HELD)
    quarter = since.replace(minute=since.minute // 15 * 15, second=0, microsecond=0)
    assert series.timed(("outcome",), since, Span.QUARTER) == [
        Timed(quarter, ("held",), 1), Timed(quarter + timedelta(minutes=15), ("held",), 1),
    ]  # fmt: skip
    assert series.timed(("outcome",), since, Span.DAY) == [Timed(quarter.replace(hour=0, minute=0), ("held",), 2)]


def test_rules_are_counted_by_days(desk, series):
    hit = RuleHit("support.toml", "d", 1)
    since, day = desk.now, desk.now.replace(hour=0, minute=0, second=0, microsecond=0)
    desk.end(Outcome.HELD, hits=(hit,))
    desk.later(days=7)
    desk.end(Outcome.HELD, hits=(hit, RuleHit("support.toml", "d", 0)))
    assert sorted(series.rules(since)) == [(day, hit, 1), (day + timedelta(days=7), hit, 1)]


def test_how_long_it_took_is_told_by_day_of_mail_that_is_seen(desk, series):
    since, day = desk.now, desk.now.replace(hour=0, minute=0, second=0, microsecond=0)
    for workspace in ("support", "finance"):
        (spooled,) = desk.spool()
        desk.later(seconds=2)
        desk.commit(spooled, outcome=Outcome.DISCARDED, workspace=workspace)
    assert series.lags(since) == {day: [(class_of(2_000_000), 2)]}
    assert series.lags(since, sight=Sight(workspaces=frozenset({"support"}))) == {day: [(class_of(2_000_000), 1)]}
    assert series.lags(since, sight=Sight()) == {}


def test_what_is_measured_is_counted_by_powers_of_two_once_and_stays(desk, series):
    since = desk.now
    (first, second) = desk.spool(desk.raw(b"From: a@x.example\n\n" + b"x" * 1100), desk.raw())
    took = (Measured(SCRIPTS, "guard.py", 1024), Measured(SCRIPTS, "guard.py", 2047), Measured(SCRIPTS, "guard.py", 0))
    for spooled in (first, second):
        with desk.store.writing():
            plan, facts = desk.plan((), Outcome.HELD)
            desk.store.commit(spooled, desk.mail(spooled), facts, plan, b"{}", "keep", "", measured=took)
    assert series.measures(SCRIPTS, since) == [Measure("guard.py", 0, 2), Measure("guard.py", 10, 4)]
    sizes = [Measure("system", 4, 1), Measure("system", 10, 1)]
    assert series.measures(SIZE, since) == sizes
    desk.store.ledger.reopen(first.mail, Release("anna"))
    spooled = desk.store.ledger.claim_one(first.mail, desk.now, desk.owner)
    desk.commit(spooled, outcome=Outcome.DISCARDED)
    desk.store.archive.recount()
    assert series.measures(SIZE, since) == sizes, "once a mail, and a recount leaves it"
    assert series.measures(SIZE, since + timedelta(days=1)) == []


def test_what_is_taken_back_was_not_measured(desk, series):
    (spooled,) = desk.spool()
    with pytest.raises(ZeroDivisionError), desk.store.writing(), desk.store.savepoint():
        plan, facts = desk.plan((), Outcome.HELD)
        desk.store.commit(spooled, desk.mail(spooled), facts, plan, b"{}", "keep", "")
        1 / 0  # noqa: B018
    assert series.measures(SIZE, desk.now) == []


def test_domains_are_those_that_wrote_since_then_the_strongest_first(desk, series):
    desk.end(Outcome.HELD, sender="old@gone.example")
    desk.later(days=2)
    since = desk.now
    for sender in ("eve@big.example", "eve@big.example", "max@small.example"):
        desk.end(Outcome.HELD, sender=sender)
    assert [each.domain for each in series.domains(since, 9)] == ["big.example", "small.example"]
    assert series.domains(since, 1) == [Domain("big.example", 2, 0, 0)]


def test_who_wrote_for_the_first_time_is_known_or_not(desk, series):
    since, day = desk.now, desk.now.replace(hour=0, minute=0, second=0, microsecond=0)
    desk.store.directory.put_account("eve", emails=["eve@big.example"])
    for sender in ("eve@big.example", "max@small.example", "max@small.example"):
        desk.end(Outcome.HELD, sender=sender)
    desk.later(days=8)
    desk.end(Outcome.HELD, sender="new@small.example")
    assert series.newcomers(since) == {day: (1, 1), day + timedelta(days=8): (0, 1)}


def answer(desk, item, who="bob"):
    """Somebody inside answers, as an act."""
    with desk.store.writing():
        batch = Batch((Happened("item.answered", item),), Tell(), Actor(name=who), "support", item)
        Dispatches(desk.store.database, None, None).write(batch, Source(act="a-1", via="command"))


def test_how_long_items_waited_for_their_first_answer_is_told_of_its_day(desk, series):
    day = desk.now.replace(hour=0, minute=0, second=0, microsecond=0)
    first, second, private = [desk.item(f"Item {n}", content=b"%d" % n).item for n in range(3)]
    with desk.store.writing():
        desk.store.database.run("UPDATE item SET private = TRUE WHERE id = ?", private)
    desk.later(hours=2)
    answer(desk, first)
    answer(desk, private)
    desk.later(days=1)
    answer(desk, first)
    answer(desk, second)
    days = [day, day + timedelta(days=1), day + timedelta(days=2)]
    expected = [[(class_of(hours * 3_600_000_000), 1)] for hours in (2, 26)]
    assert series.answers(days) == [*expected, []]
    assert series.answers(days[1:]) == [expected[1], []]
    assert series.answers(days[:1]) == [[*expected[0], *expected[1]]], "until now"
    for places, found in ((("support",), expected), (("finance",), [[], []]), ((), [[], []])):
        assert series.answers(days[:2], sight=ItemSight(workspaces=frozenset(places))) == found, places
    assert series.measures(SIZE, day) and not series.measures(ANSWER, day + timedelta(days=9))


def test_an_answer_that_is_taken_back_was_never_counted(desk, series):
    item, day = desk.item().item, desk.now.replace(hour=0, minute=0, second=0, microsecond=0)
    desk.later(hours=1)
    with desk.store.rehearsal():
        answer(desk, item)
    assert series.answers([day]) == [[]]
    with pytest.raises(ZeroDivisionError), desk.store.joining():
        answer_in = Batch((Happened("item.answered", item),), Tell(), Actor(name="bob"), "support", item)
        Dispatches(desk.store.database, None, None).write(answer_in, Source(act="a-2", via="command"))
        1 / 0  # noqa: B018
    assert series.answers([day]) == [[]]


def test_letters_are_counted_by_state_about_items_that_are_seen(desk, series):
    since = desk.now
    desk.item(told=(auto(),))
    found, cut = series.letters(since, Span.DAY)
    assert {each.keys for each in found} == {("queued", "auto")} and not cut
    assert sum(each.many for each in found) == 1
    assert series.letters(since, Span.DAY, sight=ItemSight()) == ([], False)
    everywhere = frozenset({"support"})
    assert series.letters(since, Span.DAY, sight=ItemSight(False, everywhere, everywhere)) == (found, False)
    assert series.letters(since + timedelta(days=1), Span.QUARTER) == ([], False)
