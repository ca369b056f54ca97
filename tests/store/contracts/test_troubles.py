"""What does not work lasts until it is over, and remembers when it was told."""

from __future__ import annotations

from datetime import timedelta

import pytest


@pytest.fixture
def troubles(store):
    return store.troubles


def test_a_trouble_begins_once_and_says_what_was_heard_last(desk, troubles):
    assert troubles.find("smtp") is None
    begun = troubles.begin("smtp", "connection refused", desk.now)
    again = troubles.begin("smtp", "no route to host", desk.now + timedelta(hours=2))
    assert (begun.since, again.since, again.said, again.told_at) == (desk.now, desk.now, "no route to host", None)
    assert troubles.find("smtp") == again and troubles.find("disk") is None


def test_refused_logins_are_noted_of_a_trouble_and_go_with_it(desk, troubles):
    troubles.refused("smtp", (desk.now,), "d1")
    assert troubles.find("smtp") is None, "there is none"
    troubles.begin("smtp", "535", desk.now)
    troubles.refused("smtp", (desk.now, desk.now + timedelta(minutes=5)), "d1")
    found = troubles.begin("smtp", "535 again", desk.now)
    assert (found.refused, found.settings) == ((desk.now, desk.now + timedelta(minutes=5)), "d1")
    troubles.over("smtp")
    assert troubles.begin("smtp", "535", desk.now).refused == ()


def test_all_of_them_are_given_by_name(desk, troubles):
    assert troubles.all() == {}
    smtp = troubles.begin("smtp", "away", desk.now)
    box = troubles.begin("mailbox support", "login refused", desk.now)
    assert troubles.all() == {"smtp": smtp, "mailbox support": box}


def test_something_may_be_wrong_where_a_trouble_lasts_or_no_mail_has_come_for_half_a_day(desk, store, troubles):
    assert not troubles.may_be(desk.now, ()), "nothing was ever read"
    store.mailboxes.lease("system", "me", desk.now)
    desk.spool()
    assert not troubles.may_be(desk.now, ())
    assert troubles.may_be(desk.now + timedelta(hours=2), [3600.0]), "a mailbox whose silence is an hour"
    assert not troubles.may_be(desk.now + timedelta(hours=11), ())
    assert troubles.may_be(desk.now + timedelta(hours=13), (0.0,))
    troubles.begin("smtp", "away", desk.now)
    assert troubles.may_be(desk.now, ())


def test_it_remembers_when_it_was_told(desk, troubles):
    troubles.begin("smtp", "away", desk.now)
    troubles.told("smtp", desk.now + timedelta(hours=1))
    assert troubles.begin("smtp", "still away", desk.now + timedelta(hours=2)).told_at == desk.now + timedelta(hours=1)
    troubles.told("disk", desk.now)
    assert troubles.find("disk") is None, "what never began is not told"


def test_when_it_is_over_the_next_one_begins_anew(desk, troubles):
    troubles.begin("smtp", "away", desk.now)
    troubles.over("smtp")
    troubles.over("smtp")
    assert troubles.find("smtp") is None
    assert troubles.begin("smtp", "away", desk.now + timedelta(days=1)).since == desk.now + timedelta(days=1)
