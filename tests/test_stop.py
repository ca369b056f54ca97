"""Asking a pass to stop, and ending what takes too long."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import suppress

import pytest

from engine import stop as stopping
from engine.stop import Stop, Stopped, TookTooLong


@pytest.fixture
def stop() -> Iterator[Stop]:
    made = Stop()
    with made.signals():
        yield made


def ask(how: signal.Signals = signal.SIGTERM) -> None:
    os.kill(os.getpid(), how)


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_a_request_is_noted_where_something_is_in_hand(stop: Stop, how: signal.Signals) -> None:
    ask(how)
    assert stop.is_set()


def test_a_request_interrupts_where_nothing_is_in_hand(stop: Stop) -> None:
    with pytest.raises(Stopped), stop.interruptible():
        ask()


def test_what_is_protected_is_finished_first(stop: Stop) -> None:
    done = []
    with pytest.raises(Stopped), stop.interruptible():
        with stop.protected():
            ask()
            done.append("finished")
        with stop.interruptible():
            done.append("never")
    assert done == ["finished"]


def test_nothing_interruptible_begins_after_a_request(stop: Stop) -> None:
    ask()
    with pytest.raises(Stopped), stop.interruptible():
        raise AssertionError("it began")


def test_a_second_request_interrupts_anything(stop: Stop) -> None:
    ask()
    with pytest.raises(KeyboardInterrupt), stop.protected():
        ask()


def test_nobody_takes_a_request_for_a_broken_mail(stop: Stop) -> None:
    with pytest.raises(Stopped), stop.interruptible(), suppress(Exception):
        ask()


def test_handlers_are_put_back_and_set_once() -> None:
    before = signal.getsignal(signal.SIGTERM)
    stop = Stop()
    with stop.signals():
        inside = signal.getsignal(signal.SIGTERM)
        with stop.signals():
            pass
        assert signal.getsignal(signal.SIGTERM) == inside
    assert signal.getsignal(signal.SIGTERM) == before


def test_in_another_thread_signals_are_none_of_its_business() -> None:
    before = signal.getsignal(signal.SIGTERM)

    def enter() -> None:
        with Stop().signals():
            assert signal.getsignal(signal.SIGTERM) == before

    thread = threading.Thread(target=enter)
    thread.start()
    thread.join()


def test_waiting_ends_at_once_after_a_request() -> None:
    stop = Stop()
    assert not stop.wait(0.0)
    stop.set()
    assert stop.wait(60.0)


def test_a_decision_that_takes_too_long_is_ended(stop: Stop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stopping, "DECISION_CPU_S", 0.05)
    stop.limit(True)
    try:
        with pytest.raises(TookTooLong):
            count = 0
            while True:
                count += 1
    finally:
        stop.limit(False)


def test_a_limit_that_was_ended_does_not_strike(stop: Stop) -> None:
    stop.limit(True)
    stop.limit(False)
    assert signal.getitimer(signal.ITIMER_VIRTUAL)[0] == signal.getitimer(signal.ITIMER_PROF)[0] == 0.0
