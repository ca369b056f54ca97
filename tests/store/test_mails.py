"""Finding mails."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from store.desk import auto

from engine.model.figures import RuleHit
from engine.model.plan import Outcome
from engine.store.errors import NotFound, Refused


def test_a_mail_is_found_by_id_prefix_message_id_last_and_last_held(desk):
    held = desk.end(Outcome.HELD, message_id="<held@example.com>")
    last = desk.item(message_id="<last@example.com>").mail
    for ref in (held, held[:8], "<held@example.com>", "held@example.com", "last-held"):
        assert desk.store.archive.find_mail(ref).mail == held
    assert desk.store.archive.find_mail("last").mail == last


@pytest.mark.parametrize("ref", ["m-zzz", "<no@example.com>", "", "last-held", "m-%", "m-_"])
def test_what_is_not_there_is_none_and_mail_says_so(desk, ref):
    desk.item()
    assert desk.store.archive.find_mail(ref) is None
    with pytest.raises(NotFound, match="there is no mail"):
        desk.store.archive.mail(ref)


def test_a_prefix_of_several_mails_names_them(desk):
    desk.item()
    desk.item()
    with pytest.raises(NotFound, match="beginning of more than one"):
        desk.store.archive.find_mail("m-")


def test_an_empty_ledger_has_no_last_mail(desk):
    assert desk.store.archive.find_mail("last") is None


def test_the_newest_of_several_mails_with_one_message_id_is_found(desk):
    desk.item(message_id="<same@example.com>")
    newest = desk.item(message_id="<same@example.com>").mail
    assert desk.store.archive.find_mail("<same@example.com>").mail == newest


def test_a_waiting_mail_is_deferred(desk):
    (spooled,) = desk.spool()
    desk.store.ledger.defer(spooled, "rule.file_broken", "rules/x.toml does not load", desk.now)
    row = desk.store.archive.mail(spooled.mail)
    assert (row.outcome, row.state, row.code, row.because) == (
        "deferred", "received", "rule.file_broken", "rules/x.toml does not load",
    )  # fmt: skip
    assert [each.mail for each in desk.store.archive.mails("outcome:deferred")] == [row.mail]


@pytest.fixture
def searched(desk):
    desk.mails = {
        "invoice": desk.end(Outcome.HELD, sender="ceo@partner.example", subject="Please pay 100%", workspace="finance"),
        "printer": desk.item("Printer", sender="jane@bigcorp.example", subject="Printer on fire").mail,
    }
    desk.later(days=10)
    desk.mails["late"] = desk.end(Outcome.DISCARDED, sender="news@letters.example", subject="Weekly fire")
    return desk


QUERIES: tuple[tuple[str, list[str]], ...] = (
    ("", ["late", "printer", "invoice"]),
    ("from:bigcorp", ["printer"]),
    ("outcome:held", ["invoice"]),
    ("fire", ["late", "printer"]),
    ("fire -from:letters", ["printer"]),
    ('subject:"on fire"', ["printer"]),
    ("subject:100%", ["invoice"]),
    ("subject:_", []),
    ("newer_than:7d", ["late"]),
    ("older_than:1w fire", ["printer"]),
    ("workspace:finance", ["invoice"]),
    ("item:1", ["printer"]),
    ("item:#1", ["printer"]),
    ("code:gate.dmarc", ["late", "invoice"]),
    ("mailbox:system to:help", ["late", "printer", "invoice"]),
    ("mailbox:support", []),
    ("domain:bigcorp.example", ["printer"]),
    ("domain:bigcorp", []),
    ("-domain:bigcorp.example", ["late", "invoice"]),
    ("by:gate", ["late", "printer", "invoice"]),
    ("by:dmarc outcome:held", ["invoice"]),
    ("by:person", []),
    ("on:2026-11-20", ["printer", "invoice"]),
    ("on:today", ["late"]),
    ("on:mon", ["late"]),
    ("after:2026-11-20", ["late"]),
    ("before:2026-11-21 -outcome:held", ["printer"]),
    ("outcome:discarded from:letters fire", ["late"]),
    ("-rule:printer fire", ["late", "printer"]),
    ("FIRE", ["late", "printer"]),
)


def test_queries_find(searched):
    for query, names in QUERIES:
        found = [row.mail for row in searched.store.archive.mails(query)]
        assert found == [searched.mails[name] for name in names], query


def test_a_rule_is_found_where_it_matched_and_not_where_it_was_only_read(desk):
    desk.store.archive.keep_text("d1", '[[rule]]\nname = "Other"\n[[rule]]\nname = "VIP customers"\n')
    hit = b'{"rules":[{"file":"system.toml","digest":"d1","hits":[{"rule":2}]}],"answers":["VIP customers"]}'
    miss = b'{"rules":[{"file":"system.toml","digest":"d1","hits":[{"rule":1}]}],"answers":["VIP customers"]}'
    mail = desk.end(Outcome.HELD, trace=hit, hits=(RuleHit("system.toml", "d1", 2),))
    desk.end(Outcome.HELD, trace=miss, hits=(RuleHit("system.toml", "d1", 1),))
    desk.end(Outcome.HELD)
    assert [row.mail for row in desk.store.archive.mails('rule:"vip"')] == [mail]
    assert desk.store.archive.mails("rule:nobody") == []


@pytest.mark.parametrize("query", ["form:x", "newer_than:soon", "item:x", "outcome:lost", "from:", "on:someday"])
def test_words_without_meaning_are_refused_with_a_hint(desk, query):
    with pytest.raises(Refused):
        desk.store.archive.mails(query)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(max_size=60))
@example("from:' OR 1=1 --")
@example('subject:"%_\\"')
@example("newer_than:999999y")
def test_no_query_breaks_the_database(desk, query):
    try:
        desk.store.archive.mails(query, 5)
    except Refused:
        pass


def test_held_lists_what_waits_for_a_person_oldest_first(desk):
    first = desk.end(Outcome.HELD)
    (broken,) = desk.spool()
    desk.store.ledger.fail(broken, "x", desk.now, [], max_attempts=1)
    desk.end(Outcome.DISCARDED)
    assert [row.mail for row in desk.store.archive.held()] == [first, broken.mail]
    assert [row.mail for row in desk.store.archive.held("support")] == [first]


def test_receipts_name_their_outgoing_mail(desk):
    receipt = desk.item("x", told=(auto(),))
    assert desk.store.archive.receipts(receipt.mail) == [receipt]


def test_stored_mails_are_those_of_a_time_that_were_decided(desk):
    first = desk.end(Outcome.HELD)
    desk.later(days=5)
    second = desk.item().mail
    desk.spool()
    assert [each.mail for each in desk.store.archive.stored_mails(desk.now - timedelta(days=1))] == [second]
    assert [each.mail for each in desk.store.archive.stored_mails(desk.now - timedelta(days=9))] == [first, second]
    (stored,) = desk.store.archive.stored_mails(desk.now - timedelta(days=9), desk.now - timedelta(days=1))
    assert (stored.outcome, stored.raw.digest) == ("held", desk.store.archive.raw(first).digest)


def test_rule_texts_are_kept_by_hash(desk):
    desk.store.archive.keep_text("abc", "when = 'x'")
    desk.store.archive.keep_text("abc", "when = 'x'")
    assert (desk.store.archive.text("abc"), desk.store.archive.text("no")) == ("when = 'x'", "")


@pytest.mark.sqlite  # PostgreSQL chooses among indexes by what is in the table
def test_reasons_of_held_mail_are_counted_by_their_index_alone(desk, monkeypatch):
    held = desk.end(Outcome.HELD)
    archive, asked, rows = desk.store.archive, list[Any](), desk.store.database.all
    monkeypatch.setattr(type(desk.store.database), "all", lambda self, query: asked.append(query) or rows(query))
    ((_, many, (row,)),) = archive.held_by_code(5)
    assert (many, row.mail) == (1, held)
    plans = [
        desk.store.database.rows(f"EXPLAIN QUERY PLAN {sql}", *params)[0][-1]
        for sql, params in (query.sql() for query in asked[:2])
    ]
    assert all("USING COVERING INDEX inbound_held" in each for each in plans), plans
