"""The walk through the ledger: it finds what the words mean, wherever it is told to look."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from store.desk import Desk, furnish

from engine.model import figures
from engine.model.facts import Release
from engine.model.figures import RuleHit
from engine.model.plan import Outcome
from engine.store import walking
from engine.store.mails import _rows
from engine.store.search import Meaning, meanings
from engine.store.store import Store
from engine.store.walking import Walk

RULES = '[[rule]]\nname = "Printers"\n[[rule]]\nname = "VIP"\n'
HIT = b'{"rules":[{"file":"system.toml","digest":"d1","hits":[{"rule":%d}]}]}'

WORDS = (
    "fire", "from:jane", "from:nobody", "domain:partner.example", "to:help", "subject:printer", "outcome:held",
    "outcome:created", "outcome:deferred", "code:gate", "code:draft.created", "mailbox:system", "mailbox:second",
    "workspace:support", "by:gate", "by:person", "by:anna", "by:dmarc", "item:1", "rule:printers", "rule:vip",
    "newer_than:2d", "older_than:1d", "on:2026-11-21", "after:2026-11-20", "before:2026-11-22",
)  # fmt: skip
"""A word of each kind; some find much, some nothing."""


@pytest.fixture(autouse=True)
def small(monkeypatch):
    """Blocks and windows of a few rows, so that a small ledger has many."""
    for place in (figures, walking):
        monkeypatch.setattr(place, "BLOCK_ROWS", 4)
    monkeypatch.setattr(walking, "WINDOW_ROWS", 5)
    monkeypatch.setattr(walking, "MOST_BLOCKS", 2)


def fill(desk):
    """A ledger of some thirty mails of all kinds: decided once, twice, by a person, waiting, broken, from before."""
    desk.store.archive.keep_text("d1", RULES)
    senders = ("jane@example.com", "ceo@partner.example", "x@letters.example")
    ends = (Outcome.HELD, Outcome.CREATED, Outcome.REJECTED, Outcome.DUPLICATE)
    for number in range(24):
        raw = desk.raw(mailbox="second" if number % 5 == 0 else "system",
                       received_at=desk.now - timedelta(days=30) if number % 7 == 3 else None)  # fmt: skip
        (spooled,) = desk.store.ledger.spool([raw], desk.owner)
        rule = number % 3
        desk.commit(
            spooled, outcome=ends[number % 4], sender=senders[number % 3],
            workspace="support" if number % 2 else "finance",
            subject="Printer on fire" if number % 6 == 0 else "Hello", trace=HIT % rule if rule else b"{}",
            hits=(RuleHit("system.toml", "d1", rule),) if rule else (),
        )  # fmt: skip
        if number % 8 == 0:
            desk.store.ledger.reopen(spooled.mail, Release("anna"))
        if number % 8 == 4:
            desk.store.ledger.ignore(spooled.mail, "anna", "no")
        desk.later(hours=3)
    desk.item("Printer", subject="Printer on fire")
    desk.end(Outcome.HELD)
    desk.spool()
    (broken,) = desk.spool()
    desk.store.ledger.fail(broken, "it broke", desk.now, [], max_attempts=1)
    return desk


@pytest.fixture
def filled(desk):
    return fill(desk)


def walked(desk, query, limit=1000, before=0):
    """Row numbers, as the walk finds them."""
    return [row.row for row in desk.store.archive.search(query, limit, before=before).mails]


def plainly(desk, query):
    """Row numbers, as the conditions alone would find them."""
    database = desk.store.database
    told = meanings(query, desk.now, desk.store._work.mails._rules_called, database.dialect.says_that_rule)
    return [row[1] for row in Walk(database, [Meaning(each.rows) for each in told], _rows).rows(1000)]


def test_each_word_finds_what_it_means_and_nearly_every_one_finds_something(filled):
    empty = []
    for word in WORDS:
        for sign in ("", "-"):
            found = plainly(filled, sign + word)
            assert walked(filled, sign + word) == found, sign + word
            empty += [] if found else [sign + word]
    assert empty == ["from:nobody"]


@pytest.fixture(scope="module")
def ledger():
    """One ledger for all examples of a property; nothing is written any more."""
    made: list[Desk] = []
    with pytest.MonkeyPatch.context() as patch, Store.open(":memory:", clock=lambda: made[0].now) as store:
        patch.setattr(figures, "BLOCK_ROWS", 4)
        made.append(desk := Desk(store))
        furnish(store)
        yield fill(desk)


@settings(max_examples=300, deadline=None)
@given(
    words=st.lists(st.tuples(st.sampled_from(["", "", "-"]), st.sampled_from(WORDS)), max_size=4),
    limit=st.integers(1, 40), before=st.integers(0, 40),
)  # fmt: skip
def test_all_words_together_find_what_they_mean_page_by_page(ledger, words, limit, before):
    query = " ".join(sign + word for sign, word in words)
    expected = [row for row in plainly(ledger, query) if not before or row < before]
    assert walked(ledger, query, limit, before) == expected[:limit]


def test_pages_follow_each_other_without_a_gap(filled):
    whole, pages, before = walked(filled, "workspace:support"), [], 0
    while page := filled.store.archive.search("workspace:support", 3, before=before).mails:
        pages += [row.row for row in page]
        before = pages[-1]
    assert pages == whole and len(whole) > 6


def test_more_is_told_where_there_is_more(filled):
    many = len(walked(filled, "by:gate"))
    assert filled.store.archive.search("by:gate", many - 1).more
    assert not filled.store.archive.search("by:gate", many).more


def test_who_waits_no_longer_hears_how_far_back_was_looked(filled):
    told = filled.store.archive.search("subject:printer", 50, within_s=0.0)
    assert told.looked_since is not None and len(told.mails) < len(walked(filled, "subject:printer"))
    older = filled.store.archive.search("subject:printer", 50, before=told.mails[-1].row if told.mails else 0)
    assert older.looked_since is None


def test_an_empty_ledger_has_nothing(desk):
    assert all(walked(desk, word) == [] for word in ("", *WORDS))
