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
