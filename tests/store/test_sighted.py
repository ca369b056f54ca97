"""Who sees a part of the mails hears nothing of the others, and of theirs all that who sees everything hears."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from random import Random
from typing import NamedTuple

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from store.plans import read_whole
from store.test_figures import SHORT, SMALL

from engine.model import figures
from engine.model.draft import ENGINE, Decider, Who
from engine.model.facts import Release
from engine.model.figures import BY_MAIL, MOST_FACETS, QUARTER_US, Facet
from engine.model.plan import Outcome
from engine.model.sight import ALL, Sight
from engine.store import mails as looked_for
from engine.store import walking
from engine.store.database import time, us
from engine.store.errors import NotFound
from engine.store.facets import Quarters

WORKSPACES, MAILBOXES = ("support", "finance", "partners"), ("system", "support", "old")
SENDERS = ("jane@example.com", "ceo@partner.example", "x@letters.example")

COUNTED = {
    "outcome:held": lambda mail: mail.outcome == "held",
    "outcome:created": lambda mail: mail.outcome == "created",
    "-outcome:held": lambda mail: mail.outcome != "held",
    "code:gate": lambda mail: mail.code.startswith("gate."),
    "code:draft.created": lambda mail: mail.code == "draft.created",
    "mailbox:system": lambda mail: mail.mailbox == "system",
    "-mailbox:old": lambda mail: mail.mailbox != "old",
    "workspace:support": lambda mail: mail.home == "support",
    "-workspace:finance": lambda mail: mail.home != "finance",
    "by:gate": lambda mail: mail.by_kind == "gate",
    "by:person": lambda mail: mail.by_kind == "person",
    'by:"gate dmarc"': lambda mail: mail.by == "gate dmarc",
    'by:"rule system.toml VIP"': lambda mail: mail.by == "rule system.toml VIP",
    '-by:"rule system.toml VIP"': lambda mail: mail.by != "rule system.toml VIP",
    "newer_than:2d": lambda mail: mail.quarter >= quarter(datetime(2026, 11, 22, 3, 51, tzinfo=UTC)),
    "older_than:1d": lambda mail: mail.quarter <= quarter(datetime(2026, 11, 23, 3, 51, tzinfo=UTC)),
    "on:2026-11-21": lambda mail: f"{mail.received_at:%m-%d}" == "11-21",
    "after:2026-11-20": lambda mail: f"{mail.received_at:%m-%d}" > "11-20",
    "before:2026-11-22": lambda mail: f"{mail.received_at:%m-%d}" < "11-22",
}
"""Words that counts can tell, and of which mails they do: those of a quarter of an hour together."""

OTHERS = (
    "fire", "-fire", "from:jane", "domain:partner.example", "to:help", "subject:printer", "outcome:deferred",
    "-outcome:deferred", "by:anna", "by:dmarc", 'by:"person anna"', "item:1", "rule:vip",
)  # fmt: skip
"""Words that they cannot."""


def quarter(at):
    return us(at) // QUARTER_US


sights = st.builds(
    Sight, st.just(False), st.frozensets(st.sampled_from(WORKSPACES)), st.frozensets(st.sampled_from(MAILBOXES))
)
queries = st.lists(st.sampled_from((*COUNTED, *OTHERS)), max_size=3).map(" ".join)
law = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture(autouse=True)
def small(monkeypatch):
    """Blocks and windows of a few rows, so that a small ledger has many."""
    for place in (figures, walking):
        monkeypatch.setattr(place, "BLOCK_ROWS", 4)
    monkeypatch.setattr(walking, "WINDOW_ROWS", 50)
    monkeypatch.setattr(walking, "MOST_BLOCKS", 3)


@pytest.fixture
def filled(desk):
    """Some ninety mails, each in one of the ways a mail can belong: by a receipt, an older one, or by its mailbox."""
    deciders = (Decider(Who.GATE, "dmarc"), Decider(Who.RULE, "VIP", "system.toml", 3), ENGINE)
    chance = Random(7)  # noqa: S311
    for number in range(80):
        old, outcome = number % 7 == 3, chance.choice((Outcome.HELD, Outcome.HELD, Outcome.CREATED, Outcome.REJECTED))
        raw = desk.raw(mailbox=chance.choice(MAILBOXES), received_at=desk.now - timedelta(days=40) if old else None)
        (spooled,) = desk.store.ledger.spool([raw], desk.owner)
        desk.commit(
            spooled, outcome=outcome, sender=chance.choice(SENDERS), workspace=chance.choice(("", *WORKSPACES)),
            by=chance.choice(deciders), subject="Printer on fire" if number % 6 == 0 else "Hello",
            message_id=f"<{number % 60}@example.com>",
        )  # fmt: skip
        then = chance.choice(("stays", "again", "ignored")) if outcome is Outcome.HELD else ""
        if then == "again":
            desk.store.ledger.reopen(spooled.mail, Release("anna"))
        elif then == "ignored":
            desk.store.ledger.ignore(spooled.mail, "anna", "no")
        desk.later(hours=1, minutes=7)
    for mailbox in (*MAILBOXES, *MAILBOXES):
        (waits,) = desk.spool(desk.raw(mailbox=mailbox))
        desk.store.ledger.defer(waits, "config.broken", "a rule file", desk.now)
    desk.spool(*[desk.raw(mailbox=mailbox) for mailbox in MAILBOXES])
    (broken,) = desk.spool(desk.raw(mailbox="support"))
    desk.store.ledger.fail(broken, "it broke", desk.now, [], max_attempts=1)
    return desk


class Kept(NamedTuple):
    """A mail as its newest receipt tells of it, which is what counts do; without one there is no outcome."""

    row: int
    mailbox: str
    home: str
    received_at: datetime
    sender: str
    present: bool
    outcome: str
    code: str
    by_kind: str
    by_name: str
    by_file: str

    @property
    def quarter(self):
        return quarter(self.received_at)

    @property
    def by(self):
        name = f"{self.by_file} {self.by_name}" if self.by_kind == "rule" else self.by_name
        return self.by_kind if self.by_kind == "person" else f"{self.by_kind} {name}".rstrip()


def kept(desk):
    """All mails, read row by row."""
    newest = {}
    receipts = "SELECT inbound_id, generation, workspace, outcome, code, by_kind, by_name, by_file FROM receipt"
    for row, generation, *said in desk.store.database.rows(f"{receipts} ORDER BY inbound_id, generation"):
        newest[row] = (generation, *said)
    mails = []
    for row, mailbox, received_at, sender, present in desk.store.database.rows(
        "SELECT inbound.id, name, received_at, sender, generation FROM inbound JOIN mailbox ON mailbox.id = mailbox_id"
    ):
        generation, home, *said = newest.get(row, (0, "", "", "", "", "", ""))
        mails.append(Kept(row, mailbox, home, time(received_at), sender, present == generation, *said))
    return mails


def sees(sight, mail):
    return mail.home in sight.workspaces if mail.home else mail.mailbox in sight.mailboxes


def seen(desk, sight):
    return {mail.row for mail in kept(desk) if sees(sight, mail)}


def test_mails_lie_in_all_the_ways_there_are(filled):
    mails = kept(filled)
    assert {(mail.home, mail.mailbox) for mail in mails} == {(w, m) for w in ("", *WORKSPACES) for m in MAILBOXES}
    again = [mail for mail in mails if mail.outcome and not mail.present]
    assert {mail.home for mail in again} > {"", "support"}, "some wait to be decided again"


@law
@given(sight=sights, query=queries, limit=st.integers(1, 99), before=st.integers(0, 99))
def test_a_search_finds_what_is_seen_of_what_is_there(filled, sight, query, limit, before):
    all_of_it = filled.store.archive.search(query, 1000, before=before).mails
    expected = [row for row in all_of_it if row.row in seen(filled, sight)]
    found = filled.store.archive.search(query, limit, before=before, sight=sight)
    assert found.mails == expected[:limit] and found.more == (len(expected) > limit)
    assert [sight.sees(row.mailbox, row.home) for row in expected] == [True] * len(expected)


@law
@given(sight=sights, query=queries)
def test_a_search_in_parts_is_the_whole_one_and_tells_times_of_what_is_seen(filled, sight, query):
    archive, found, before = filled.store.archive, [], 0
    mine = {mail.received_at for mail in kept(filled) if sees(sight, mail)}
    while True:
        part = archive.search(query, 1000, before=before, within_s=0.0, sight=sight)
        found += part.mails
        assert part.looked_since is None or part.looked_since in mine
        assert (part.looked_since is None) == (part.looked_to == 0)
        before = part.looked_to
        if not before:
            break
    assert found == archive.search(query, 1000, sight=sight).mails


@law
@given(sight=sights, query=queries, workspace=st.sampled_from(("", "support")))
def test_held_and_waiting_mail_is_listed_as_far_as_it_is_seen(filled, sight, query, workspace):
    archive, mine = filled.store.archive, seen(filled, sight)
    held = archive.held(workspace, query=query, sight=sight)
    assert held == [row for row in archive.held(workspace, query=query) if row.row in mine]
    assert archive.waiting(sight=sight) == [row for row in archive.waiting() if row.row in mine]


@law
@given(sight=sights, query=queries, most=st.integers(1, 30))
def test_held_mail_by_code_is_the_list_of_it_put_together(filled, sight, query, most):
    listed: dict[str, list[object]] = {}
    for row in filled.store.archive.held(query=query, sight=sight):
        listed.setdefault(row.code, []).append(row)
    expected = sorted(listed.items(), key=lambda each: (-len(each[1]), each[0]))
    found = filled.store.archive.held_by_code(most, query, sight=sight)
    assert found == [(code, len(rows), rows[:most]) for code, rows in expected]


@law
@given(sight=sights, limit=st.integers(1, 9))
def test_of_held_mail_the_oldest_that_are_seen_come_first(filled, sight, limit):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(looked_for, "FEW", 9)
        few = filled.store.archive.held(limit=limit, sight=sight)
    assert few == filled.store.archive.held(sight=sight)[:limit]


@law
@given(sight=sights, limit=st.integers(1, 30))
def test_the_mails_of_a_sender_are_those_that_are_seen(filled, sight, limit):
    archive, mine = filled.store.archive, seen(filled, sight)
    for sender in SENDERS:
        expected = [row for row in archive.mails_of(sender, 1000) if row.row in mine]
        assert archive.mails_of(sender, limit, sight=sight) == expected[:limit]


@law
@given(sight=sights, nth=st.integers(0, 89))
def test_a_mail_is_found_by_what_names_it_where_it_is_seen_and_is_not_there_else(filled, sight, nth):
    archive, mine = filled.store.archive, seen(filled, sight)
    everything = archive.search("", 1000).mails
    theirs, row = [row for row in everything if row.row in mine], everything[nth]
    assert archive.seen(row.mail, sight) == archive.seen(row.mail[:10], sight) == (row if row in theirs else None)
    named = [each for each in theirs if each.message_id == (row.message_id or "<1@example.com>")]
    assert archive.seen(row.message_id or "<1@example.com>", sight) == (named[0] if named else None)


@law
@given(sight=sights)
def test_the_newest_and_the_oldest_mail_are_those_that_are_seen(filled, sight):
    archive, mine = filled.store.archive, seen(filled, sight)
    theirs = [row for row in archive.search("", 1000).mails if row.row in mine]
    assert archive.seen("last", sight) == (theirs[0] if theirs else None)
    assert archive.seen("last-held", sight) == next((row for row in theirs if row.state == "held"), None)
    assert archive.oldest(sight=sight) == (theirs[-1].received_at if theirs else None)


def test_the_beginning_of_an_id_fits_no_mail_that_is_not_seen(filled):
    ours, theirs = filled.store.archive.search("", 2).mails
    for row, ref in ((ours, "m-abcdef000001"), (theirs, "m-abcdef000002")):
        filled.store.database.run("UPDATE inbound SET ref = ? WHERE id = ?", ref, row.row)
    sight = Sight(mailboxes=frozenset({ours.mailbox}))
    assert not sight.sees(theirs.mailbox, theirs.home)
    assert filled.store.archive.seen("m-abcdef", sight).row == ours.row
    with pytest.raises(NotFound, match="more than one"):
        filled.store.archive.seen("m-abcdef", ALL)
    with pytest.raises(NotFound, match="too short"):
        filled.store.archive.seen("m-abc", sight)


# ── counts ────────────────────────────────────────────────────────────────────────────────────────────────────────

FACETS = ("outcome", "code", "mailbox", "workspace", "by")


def counted(mails, facet):
    key = "home" if facet == "workspace" else facet
    found = Counter(getattr(mail, key) for mail in mails)
    return sorted((Facet(value, many) for value, many in found.items() if value), key=lambda f: (-f.mails, f.value))


@law
@given(sight=sights | st.just(ALL), days=st.none() | st.integers(0, 50))
def test_facets_count_what_is_seen_and_decided(filled, sight, days):
    since = None if days is None else filled.now - timedelta(days=days, minutes=5)
    mine = [mail for mail in kept(filled) if mail.outcome and (sight.all or sees(sight, mail))]
    told = filled.store.archive.facets(sight=sight, since=since)
    if since is not None:
        assert since - told.since < timedelta(minutes=15) and told.since <= since
        mine = [mail for mail in mine if mail.received_at >= told.since]
    assert told.mails == len(mine)
    assert {facet: list(getattr(told, facet)) for facet in FACETS} == {facet: counted(mine, facet) for facet in FACETS}


@law
@given(sight=sights | st.just(ALL), words=st.lists(st.sampled_from([*COUNTED]), max_size=3))
def test_facets_of_a_query_count_what_fits_it(filled, sight, words):
    mine = [mail for mail in kept(filled) if mail.outcome and (sight.all or sees(sight, mail))]
    mine = [mail for mail in mine if all(COUNTED[word](mail) for word in words)]
    told = filled.store.archive.facets(" ".join(words), sight=sight)
    assert told.mails == len(mine)
    assert {facet: list(getattr(told, facet)) for facet in FACETS} == {facet: counted(mine, facet) for facet in FACETS}


@pytest.mark.parametrize("word", COUNTED)
def test_what_is_counted_is_what_is_found_but_for_mail_that_waits_to_be_decided_again(filled, word):
    fits = {mail.row for mail in kept(filled) if mail.present and COUNTED[word](mail)}
    found = {row.row for row in filled.store.archive.search(word, 1000).mails if row.outcome != "deferred"}
    assert found <= fits and len(fits) > 4
    assert fits == found or "_than" in word


@law
@given(sight=sights, word=st.sampled_from(OTHERS), more=st.lists(st.sampled_from([*COUNTED]), max_size=2))
def test_what_counts_cannot_tell_is_not_told(filled, sight, word, more):
    assert filled.store.archive.facets(" ".join((*more, word)), sight=sight) is None


@given(first=st.integers(-300, 300), length=st.integers(0, 600))
def test_a_time_is_counted_whole_and_nothing_of_it_twice(first, length):
    parts = [*Quarters(first, first + length).parts()]
    covered = [quarter for span, begin, end in parts for quarter in range(begin * span, end * span)]
    assert sorted(covered) == list(range(first, first + length))
    assert sum(max(end - begin, 0) for span, begin, end in parts if span == 1) < 2 * 96


@pytest.mark.parametrize(
    ("minute", "query", "mails"),
    [(44, "newer_than:30d", 1), (46, "newer_than:30d", 0), (30, "older_than:30d", 0), (31, "older_than:30d", 1)],
)
def test_a_quarter_of_an_hour_that_a_time_tears_is_counted_whole(desk, minute, query, mails):
    came = desk.now.replace(minute=31)
    desk.end(Outcome.HELD)
    desk.now = came.replace(minute=minute) + timedelta(days=30)
    assert desk.store.archive.facets(query).mails == mails


def test_each_value_of_a_facet_is_a_word_that_finds_as_many(filled):
    archive = filled.store.archive
    filled.store.ledger.ignore(archive.find_mail("last-held").mail, "anna", "no")
    again = {mail.row for mail in kept(filled) if not mail.present}
    for mail in [row.mail for row in archive.search("outcome:deferred", 1000).mails if row.row in again]:
        filled.store.ledger.ignore(mail, "anna", "no")
    told = archive.facets()
    assert told.mails == len(archive.search("", 1000).mails) > 60
    for facet in (*FACETS, "domain"):
        for value, mails in getattr(told, facet):
            assert len(archive.search(f'{facet}:"{value}"', 1000).mails) == mails, (facet, value)


def test_a_rule_with_a_long_name_is_a_word_too(desk):
    for name in ("x" * 199 + "é" * 9, "x" * 199 + "é", "y"):
        desk.end(Outcome.HELD, by=Decider(Who.RULE, name, "a b.toml", 1))
    told = desk.store.archive.facets().by
    assert [mails for _, mails in told] == [2, 1]
    assert [len(desk.store.archive.search(f'by:"{value}"', 9).mails) for value, _ in told] == [2, 1]


def test_domains_are_told_of_all_mails_only(filled):
    facets = filled.store.archive.facets
    told = Counter(mail.sender.partition("@")[2] for mail in kept(filled) if mail.outcome and mail.sender)
    assert facets().domain == tuple(Facet(*each) for each in told.most_common()) and len(told) == 3
    assert facets(sight=Sight(workspaces=frozenset(WORKSPACES), mailboxes=frozenset(MAILBOXES))).domain is None
    assert facets("outcome:held").domain is None and facets(since=filled.now).domain is None


def test_of_many_values_those_are_told_that_most_have(desk):
    for number in range(MOST_FACETS + 5):
        for _ in range(2 if number == 7 else 1):
            desk.end(Outcome.HELD, by=Decider(Who.HOOK, f"script {number:02}"))
    told = desk.store.archive.facets().by
    assert (len(told), told[0]) == (MOST_FACETS, Facet("hook script 07", 2)) and told[1].value == "hook script 00"


@law
@given(sight=sights, by=st.sampled_from(BY_MAIL), days=st.integers(0, 60))
def test_what_happened_is_counted_as_far_as_it_is_seen(filled, sight, by, days):
    counting, since = filled.store.counting, filled.now - timedelta(days=days)
    since = counting.begins(by, since)
    mine = [mail for mail in kept(filled) if mail.outcome and sees(sight, mail) and mail.received_at >= since]
    key = {"workspace": lambda m: m.home, "hour": lambda m: f"{m.received_at:%H:00}",
           "day": lambda m: f"{m.received_at:%Y-%m-%d}", "rule": lambda m: m.by[5:] if m.by_kind == "rule" else "",
           "hook": lambda m: ""}.get(by, lambda m: getattr(m, by))  # fmt: skip
    expected = Counter(key(mail) for mail in mine if by != "sender" or mail.present)
    assert {each.key: each.mails for each in counting.mails(by, since, UTC, sight=sight)} == expected


@law
@given(sight=sights)
def test_the_first_day_is_that_of_the_oldest_mail_that_is_seen(filled, sight):
    mine = [mail.received_at for mail in kept(filled) if mail.outcome and sees(sight, mail)]
    told = filled.store.counting.first_day(sight=sight)
    assert told == (min(mine).replace(hour=0, minute=0, second=0, microsecond=0) if mine else None)


def test_no_question_reads_a_growing_table_from_end_to_end(filled, monkeypatch):
    """But for that of all addresses, where one is meant by a part of it."""
    asked, database, archive = set(), filled.store.database, filled.store.archive
    for name in ("rows", "one"):
        original = getattr(database, name)

        def noting(sql, *params, original=original):
            asked.add((sql, len(params)))
            return original(sql, *params)

        monkeypatch.setattr(database, name, noting)
    sight, since = Sight(workspaces=frozenset({"support"}), mailboxes=frozenset({"system"})), filled.now
    for ref in ("m-1234", "<1@example.com>", "last", "last-held"):
        archive.seen(ref, sight)
    for query in ("", "fire", "outcome:held", "from:jane", "by:gate newer_than:1d"):
        archive.search(query, 5, sight=sight)
        archive.held(query=query, sight=sight)
        archive.facets(query, sight=sight)
    archive.facets(sight=sight, since=since - timedelta(days=3, hours=1))
    archive.mails_of(SENDERS[0], 5, sight=sight)
    archive.waiting(sight=sight)
    archive.oldest(sight=sight)
    filled.store.counting.first_day(sight=sight)
    for by in BY_MAIL:
        filled.store.counting.mails(by, since - timedelta(days=1), UTC, sight=sight)
    monkeypatch.undo()
    whole = [(sql, *each) for sql, params in asked for each in read_whole(database, sql, params, SHORT)]
    assert len(asked) > 20
    assert [f"{line}: {sql}" for sql, table, line in whole if table not in (*SMALL, "sender")] == []
