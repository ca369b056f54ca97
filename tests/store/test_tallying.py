"""What is counted of mails: the same as their receipts say, after any history."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from store.desk import Desk, furnish

from engine.model.facts import Authentication, Release
from engine.model.figures import RuleHit, Span, class_of, duration_of
from engine.model.plan import Outcome
from engine.model.sight import ALL, Sight
from engine.store.errors import Refused
from engine.store.recounting import recount
from engine.store.store import Store
from engine.store.tallying import MOST_NAME, became

RULE = RuleHit("rules/system.toml", "d1", 2)


def counts(desk):
    """All counts, but for rows that count nothing any more."""
    tally = "SELECT span, at, mailbox, workspace, outcome, code, by_kind, by_name, lag, mails FROM tally"
    return {
        "tally": desk.store.database.rows(f"{tally} WHERE mails <> 0 ORDER BY 1, 2, 3, 4, 5, 6, 7, 8, 9"),
        "sender": desk.store.database.rows("SELECT address, domain, mails, made, held, refused FROM sender ORDER BY 1"),
    }


def recounted(desk):
    with desk.store.writing():
        return recount(desk.store.database)


def of_span(desk, span, *columns):
    names = ", ".join(columns)
    asked = f"SELECT {names}, sum(mails) FROM tally WHERE span = ? AND mails <> 0 GROUP BY {names}"  # noqa: S608
    return sorted(desk.store.database.rows(asked, span))


def test_a_mail_is_counted_by_what_became_of_it_and_what_it_becomes_later_takes_that_back(desk):
    mail = desk.end(Outcome.HELD)
    assert of_span(desk, Span.DAY, "outcome") == [("held", 1)]
    desk.store.ledger.reopen(mail, Release("anna"))
    spooled = desk.store.ledger.claim_one(mail, desk.now, desk.owner)
    desk.commit(spooled, outcome=Outcome.CREATED)
    for span in Span:
        assert of_span(desk, span, "outcome") == [("created", 1)]
    assert desk.count("tally", "mails = 0") == 0, "what counts nothing goes"


@pytest.mark.parametrize("outcome", [Outcome.HELD, Outcome.CREATED, Outcome.REJECTED])
def test_what_is_taken_back_was_never_counted(desk, outcome):
    (spooled,) = desk.spool()
    with pytest.raises(ZeroDivisionError), desk.store.writing(), desk.store.savepoint():
        plan, facts = desk.plan((), outcome)
        desk.store.commit(spooled, desk.mail(spooled), facts, plan, b"{}", "keep", "")
        1 / 0  # noqa: B018
    assert counts(desk) == {"tally": [], "sender": []}
    desk.commit(spooled, outcome=Outcome.HELD)
    assert of_span(desk, Span.DAY, "outcome") == [("held", 1)]


def test_of_a_batch_only_what_stays_is_counted(desk):
    first, second = desk.spool(desk.raw(), desk.raw())
    with desk.store.writing():
        plan, facts = desk.plan((), Outcome.HELD)
        desk.store.commit(first, desk.mail(first), facts, plan, b"{}", "keep", "")
        with pytest.raises(ZeroDivisionError), desk.store.savepoint():
            desk.store.commit(second, desk.mail(second), facts, plan, b"{}", "keep", "")
            1 / 0  # noqa: B018
    assert of_span(desk, Span.DAY, "outcome") == [("held", 1)]


def test_a_rehearsal_counts_nothing(desk):
    with desk.store.rehearsal():
        desk.end(Outcome.HELD)
    desk.end(Outcome.REJECTED)
    assert of_span(desk, Span.DAY, "outcome") == [("rejected", 1)]


def test_who_writes_is_known_with_what_became_of_it_and_how_often_that_was_proven(desk):
    for outcome, dmarc in ((Outcome.HELD, "fail"), (Outcome.CREATED, "pass"), (Outcome.REJECTED, "none")):
        (spooled,) = desk.spool()
        desk.later(hours=1)
        plan, facts = desk.plan((), outcome, name="Jane Doe")
        facts = replace(facts, authentication=Authentication(dmarc=dmarc))
        with desk.store.writing():
            desk.store.commit(spooled, desk.mail(spooled), facts, plan, b"{}", "keep", "")
    (row,) = desk.store.database.rows(
        "SELECT address, domain, name, last_at - first_at, mails, made, held, refused, passed, failed FROM sender"
    )
    assert row == ("jane@example.com", "example.com", "Jane Doe", 7200 * 1_000_000, 3, 1, 1, 1, 1, 1)


def test_rules_that_matched_are_counted_in_every_decision(desk):
    mail = desk.end(Outcome.HELD, hits=(RULE, RULE._replace(rule=0)))
    desk.later(days=1)
    desk.end(Outcome.HELD, hits=(RULE,))
    assert sorted(desk.store.counting.hits(desk.now - timedelta(days=9))) == [
        (RULE._replace(rule=0), 1, desk.now - timedelta(days=1)), (RULE, 2, desk.now)
    ]  # fmt: skip
    assert [each.decisions for each in desk.store.counting.hits(desk.now)] == [1]
    assert desk.store.counting.first_day() <= desk.now - timedelta(days=1)
    assert desk.store.archive.mail(mail).outcome == "held"


def test_of_a_person_who_decided_no_name_is_counted(desk):
    mail = desk.end(Outcome.HELD)
    desk.store.ledger.ignore(mail, "anna", "spam")
    assert of_span(desk, Span.DAY, "outcome", "by_kind", "by_name") == [("discarded", "person", "", 1)]


def test_a_sender_whose_mail_is_purged_is_not_known_any_more(desk):
    kept, gone = (
        desk.end(Outcome.REJECTED, sender="kept@example.com", action="keep"),
        desk.end(Outcome.REJECTED, sender="gone@example.com", action="keep"),
    )
    again = desk.end(Outcome.REJECTED, sender="gone@example.com", action="keep", content=b"other")
    desk.store.archive.purge(gone)
    assert desk.store.database.rows("SELECT address, mails, refused FROM sender ORDER BY 1") == [
        ("gone@example.com", 1, 1), ("kept@example.com", 1, 1)
    ]  # fmt: skip
    desk.store.archive.purge(again)
    assert desk.store.database.rows("SELECT address FROM sender") == [("kept@example.com",)]
    assert of_span(desk, Span.DAY, "outcome") == [("rejected", 3)] and desk.store.archive.mail(kept)


def test_a_person_who_is_forgotten_is_no_sender_any_more(desk):
    desk.end(Outcome.REJECTED, sender="jane@example.com", action="keep")
    desk.end(Outcome.REJECTED, sender="bob@example.com", action="keep")
    desk.store.archive.forget("jane@example.com", "anna")
    assert desk.store.database.rows("SELECT address FROM sender") == [("bob@example.com",)]


# ── the law ───────────────────────────────────────────────────────────────────────────────────────────────────

SENDERS = st.sampled_from(["jane@example.com", "ceo@partner.example", "x@letters.example", ""])
ENDS = st.sampled_from([Outcome.HELD, Outcome.CREATED, Outcome.REJECTED, Outcome.DISCARDED, Outcome.DUPLICATE])
STEPS = st.one_of(
    st.tuples(st.just("end"), ENDS, SENDERS),
    st.tuples(st.sampled_from(["release", "retry", "replay"]), st.integers(0, 9), ENDS, SENDERS),
    st.tuples(st.sampled_from(["ignore", "break", "purge", "wait", "reopen"]), st.integers(0, 9), SENDERS),
    st.tuples(st.just("later"), st.integers(1, 100)),
)


class History:
    """Does to a desk what a list of steps says, as far as it may be done."""

    def __init__(self, desk):
        self.desk, self.mails = desk, []

    def do(self, kind, *what):
        try:
            getattr(self, kind)(*what)
        except Refused:
            pass

    def end(self, outcome, sender):
        content = b"From: a@example.com\n\nhistory %d" % len(self.mails)
        self.mails.append(self.desk.end(outcome, sender=sender, content=content, hits=(RULE,), action="keep"))

    def later(self, hours):
        self.desk.later(hours=hours)

    def release(self, number, outcome, sender):
        self._again(number, outcome, sender, release=Release("anna"))

    def retry(self, number, outcome, sender):
        self._again(number, outcome, sender, release=None, retry=True)

    def replay(self, number, outcome, sender):
        self._again(number, outcome, sender, release=None, replay=True)

    def _again(self, number, outcome, sender, **how):
        if mail := self._mail(number):
            self.desk.store.ledger.reopen(mail, **how)
            spooled = self.desk.store.ledger.claim_one(mail, self.desk.now, self.desk.owner)
            self.desk.commit(spooled, outcome=outcome, sender=sender, action="keep")

    def wait(self, number, sender):
        """It is tried again, deferred under another sender's name, and then held."""
        if mail := self._mail(number):
            self.desk.store.ledger.reopen(mail, None, retry=True)
            spooled = self.desk.store.ledger.claim_one(mail, self.desk.now, self.desk.owner)
            _, facts = self.desk.plan((), Outcome.HELD, sender)
            self.desk.store.ledger.describe(spooled, self.desk.mail(spooled), facts)
            self.desk.commit(spooled, outcome=Outcome.HELD, sender="jane@example.com", action="keep")

    def reopen(self, number, _):
        """It waits to be decided again."""
        if mail := self._mail(number):
            self.desk.store.ledger.reopen(mail, None, retry=True)

    def ignore(self, number, _):
        if mail := self._mail(number):
            self.desk.store.ledger.ignore(mail, "anna", "no")

    def purge(self, number, _):
        if mail := self._mail(number):
            self.desk.store.archive.purge(mail)

    def _mail(self, number):
        return self.mails[number % len(self.mails)] if self.mails else None


def _break(history, number, _):
    """A new mail breaks the machine; what was known of it before is nothing."""
    (spooled,) = history.desk.spool(b"From: a@example.com\n\nbroken %d" % len(history.mails))
    history.desk.store.ledger.fail(spooled, "it broke", history.desk.now, [], max_attempts=1)
    history.mails.append(spooled.mail)


setattr(History, "break", _break)


@settings(max_examples=60, deadline=None)
@given(st.lists(STEPS, max_size=14))
def test_the_counts_are_those_of_the_newest_receipts_after_any_history(steps):
    made: list[Desk] = []
    with Store.open(":memory:", clock=lambda: made[0].now) as store:
        made.append(desk := Desk(store))
        furnish(store)
        history = History(desk)
        for step in steps:
            history.do(*step)
        before = counts(desk)
        recounted(desk)
        assert counts(desk) == before
        for sight in SIGHTS:
            held = len(store.archive.held(sight=sight))
            assert [store.figures.held(sight, most) for most in (100, 1)] == [held, min(held, 1)]


SIGHTS = (ALL, Sight(workspaces=frozenset({"support"})), Sight(workspaces=frozenset({"other"})),
          Sight(mailboxes=frozenset({"system"})), Sight(False, frozenset({"support"}), frozenset({"system"})),
          Sight())  # fmt: skip


def test_counting_anew_gives_the_same_on_every_database(desk):
    history = History(desk)
    for step in (
        ("end", Outcome.HELD, "jane@example.com"), ("later", 30), ("end", Outcome.CREATED, "x@letters.example"),
        ("break", 0, ""), ("release", 0, Outcome.CREATED, "ceo@partner.example"), ("ignore", 2, ""),
        ("end", Outcome.REJECTED, "ceo@partner.example"), ("purge", 3, ""), ("end", Outcome.HELD, ""),
        ("wait", 4, "y@z.example"),
    ):  # fmt: skip
        history.do(*step)
    before = counts(desk)
    told = recounted(desk)
    assert counts(desk) == before and (told.mails, told.decisions) == (5, 8)


def test_a_trace_tells_rules_names_and_proofs_when_all_is_counted_anew(desk):
    trace = (
        b'{"facts":{"sender":{"address":{"name":"Jane"}},"authentication":{"dmarc":"pass"}},'
        b'"rules":[{"file":"f.toml","digest":"d","hits":[{"rule":3}],"cut":["body"]}]}'
    )
    desk.end(Outcome.HELD, trace=trace)
    desk.end(Outcome.HELD, trace=b"no trace")
    assert recounted(desk).untraced == 1
    assert sorted(hit for hit, _, _ in desk.store.counting.hits(desk.now)) == [("f.toml", "d", 0), ("f.toml", "d", 3)]
    assert desk.store.database.rows("SELECT name, passed, mails FROM sender") == [("Jane", 1, 2)]


# ── classes and spans ─────────────────────────────────────────────────────────────────────────────────────────


@given(st.integers(-5, 10**14))
def test_a_class_tells_a_duration_to_a_tenth(us):
    assert class_of(us) >= 1
    if us > 1000:
        assert abs(duration_of(class_of(us)) / us - 1) < 0.1


def test_a_rule_and_a_hook_are_counted_by_their_names():
    rule = became(1, "held", "rule.hold", "rule", "rules/a.toml", "x" * 999, "support", 5)
    assert rule.by_name.startswith("rules/a.toml x") and len(rule.by_name) == MOST_NAME
    assert became(1, "held", "hook.guard_hold", "hook", "guard.py", "guard.py", "support", 5).by_name == "guard.py"
    assert became(1, "held", "x", "person", "", "anna", "", 5).by_name == ""
