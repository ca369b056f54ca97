"""Hosts whose clocks disagree go by the database's: none takes the mail another has in hand, or waits an hour."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest

from engine.store import clock
from engine.store.place import Url
from engine.store.store import Store

HOUR_NS = 3600 * 10**9


@pytest.fixture(params=[-HOUR_NS, HOUR_NS])
def wrong_by(request: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """The clock of this host is an hour off."""
    real = time.time_ns
    monkeypatch.setattr(clock, "time_ns", lambda: real() + request.param)
    yield request.param
    clock._ahead_us = 0


def test_a_host_whose_clock_is_off_goes_by_the_servers(postgres_url, wrong_by):
    assert abs(clock.now_us() - time.time_ns() // 1000) > 3_000_000_000
    with Store.open(Url(postgres_url)) as store:
        assert abs(store.database.now() - time.time_ns() // 1000) < 5_000_000
        assert abs(clock.now().timestamp() - time.time()) < 5
        assert abs(store.database.clock().timestamp() - time.time()) < 5


def test_a_clock_that_is_off_by_less_than_two_seconds_is_left_alone(postgres_url, monkeypatch):
    real = time.time_ns
    monkeypatch.setattr(clock, "time_ns", lambda: real() + 10**9)
    with Store.open(Url(postgres_url)):
        assert clock._ahead_us == 0


def test_what_a_living_owner_holds_is_not_free_however_late_it_seems(postgres_url):
    from engine.store.queue import is_free

    with Store.open(Url(postgres_url)) as one, Store.open(Url(postgres_url)) as two:
        owner, ago = one.owner, 1
        assert not is_free(two.database, owner, ago, two.database.now())
        one.close()
        until = time.monotonic() + 10
        while not is_free(two.database, owner, two.database.now() + 10**12, two.database.now()):
            assert time.monotonic() < until, "the server takes a moment to see that the session is over"
            time.sleep(0.01)
