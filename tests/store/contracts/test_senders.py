"""What every store promises about those who write."""

from __future__ import annotations

from datetime import timedelta

import pytest

from engine.model.plan import Outcome
from engine.model.senders import NewDomain


@pytest.fixture
def senders(store):
    return store.senders


def test_a_sender_is_found_by_domain_by_a_part_of_the_address_and_by_name(desk, senders):
    for number, sender in enumerate(("jane@bigcorp.example", "jane@bigcorp.example", "max@else.example")):
        desk.end(Outcome.HELD if number else Outcome.CREATED, sender=sender, content=b"%d" % number)
    (jane,) = senders.find("bigcorp.example", 10)
    assert (jane.address, jane.domain, jane.mails, jane.made, jane.held, jane.refused) == (
        "jane@bigcorp.example", "bigcorp.example", 2, 1, 1, 0
    )  # fmt: skip
    assert jane.first_at is not None and jane.last_at is not None
    assert [each.address for each in senders.find("MAX", 10)] == ["max@else.example"]
    assert [each.address for each in senders.find("example", 10)] == ["jane@bigcorp.example", "max@else.example"]
    assert [each.address for each in senders.find("example", 1)] == ["jane@bigcorp.example"], "who wrote most"
    for nothing in ("100%", "_", "nobody"):
        assert senders.find(nothing, 10) == []


def test_all_who_are_found_are_given_by_address_some_at_a_time(desk, senders):
    for number, sender in enumerate(("jane@b.example", "Max@a.example", "ann@b.example", "jane@c.example")):
        desk.end(Outcome.CREATED, sender=sender, content=b"%d" % number)

    def walked(text):
        found, after = [], ""
        while some := senders.after(after, text, 2):
            found += [each.address for each in some]
            after = found[-1]
        return found

    assert walked("") == ["ann@b.example", "jane@b.example", "jane@c.example", "max@a.example"]
    assert walked("b.example") == ["ann@b.example", "jane@b.example"], "of the domain, and nobody else"
    for text in ("jane", "MAX", "@a.example", "example", "nobody"):
        assert sorted(walked(text)) == sorted(each.address for each in senders.find(text, 10)), text


def test_a_domain_is_new_where_nobody_of_it_wrote_before(desk, senders):
    desk.end(Outcome.CREATED, sender="old@known.example", content=b"0")
    desk.end(Outcome.CREATED, sender="", content=b"nobody")
    since = desk.later(days=8) - timedelta(days=7)
    for number, (sender, outcome) in enumerate((
        ("new@known.example", Outcome.HELD), ("a@fresh.example", Outcome.HELD), ("b@fresh.example", Outcome.REJECTED),
        ("b@fresh.example", Outcome.CREATED), ("x@other.example", Outcome.CREATED), ("old@known.example", Outcome.NOTE),
    )):  # fmt: skip
        desk.later(minutes=1)
        desk.end(outcome, sender=sender, content=b"new %d" % number)
    fresh, other = senders.new_domains(since, 10)
    assert fresh == NewDomain("fresh.example", desk.now - timedelta(minutes=4), 2, 3, 1, 1, 1)
    assert (other.domain, other.senders, other.mails) == ("other.example", 1, 1)
    assert senders.new_domains(since, 1) == [fresh], "where most came from"
    assert senders.new_domains(desk.now + timedelta(days=1), 10) == []
    assert {each.domain for each in senders.new_domains(since - timedelta(days=30), 10)} == {
        "known.example", "fresh.example", "other.example",
    }  # fmt: skip


def test_addresses_are_given_in_their_order_with_the_account_and_how_they_take_our_mail(desk, senders):
    desk.store.directory.put_account("jane", name="Jane", emails=["Jane@bigcorp.example"])
    desk.end(Outcome.CREATED, sender="jane@bigcorp.example")
    with desk.store.writing():
        desk.store.database.run(
            "INSERT INTO address_state (address_key, failures, last_code, suspended_at) VALUES (?, 3, '550', 1000000)",
            "jane@bigcorp.example",
        )
    never, jane, tagged = senders.named(
        ["x@never.example", "jane@bigcorp.example", "jane+a@bigcorp.example", "jane@bigcorp.example"], "+"
    )
    assert (never.address, never.mails, never.login, never.first_at) == ("x@never.example", 0, "", None)
    assert (jane.login, jane.mails, jane.failures) == ("jane", 1, 3) and jane.suspended_at is not None
    assert (tagged.login, tagged.mails, tagged.failures) == ("jane", 0, 3)
    assert senders.named([]) == []
