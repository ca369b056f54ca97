"""A session at rest rings when a message came; no server makes anybody wait for it, or hold much of what it says."""

from __future__ import annotations

import select
import time
import tracemalloc
from collections.abc import Callable
from typing import Any

import pytest
from servers.scripted import Scripted, Talk, imap

from engine.sources import imap_idle
from engine.sources.imap_idle import Bell, Kept
from engine.sources.source import SourceError

CAN = "IMAP4rev1 IDLE UIDPLUS"
QUICK_S = 0.4


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(imap_idle, "ANSWER_S", QUICK_S)


def idling(*then: str | Callable[[Talk], None]) -> Callable[[Talk, bytes, bytes], None]:
    """Begin IDLE, say this, and end it when that is asked for."""

    def script(talk: Talk, tag: bytes, rest: bytes) -> None:
        talk.send("+ idling")
        for each in then:
            each(talk) if callable(each) else talk.send(each)
        if talk.line() == b"DONE":
            talk.send(tag + b" OK done")

    return script


def resting(bench: Any, server: Scripted) -> Bell:
    kept = Kept(bench.box(port=server.port, ssl=False, timeout=QUICK_S), bench.limits, lambda: bench.now).open()
    with kept:  # a visit: without one before, whatever lies there rings
        pass
    bell = Bell(kept)
    try:
        bell.rest()
    except SourceError:
        bell.close()
        raise
    return bell


def wait(bell: Bell, until: Callable[[], bool], seconds: float = 5.0) -> None:
    """Look whenever the socket moves or the bell has something to do."""
    end = time.monotonic() + seconds
    while not until():
        assert time.monotonic() < end
        left = max(0.0, min(bell.deadline, end) - time.monotonic())
        select.select([bell.fileno()], [], [], left + 0.001)
        bell.look()


def broken(bench: Any, idle: Any, deed: Callable[[Bell], None] = lambda bell: None) -> tuple[SourceError, float]:
    """How a rest with such a server ends, and how long that takes."""
    with Scripted(imap(capability=CAN, idle=idle)) as server:
        began = time.monotonic()
        with pytest.raises(SourceError) as caught:
            bell = resting(bench, server)
            try:
                deed(bell)
                wait(bell, lambda: False)
            finally:
                bell.close()
        return caught.value, time.monotonic() - began


def test_it_rings_where_a_message_came_and_for_nothing_else(bench: Any) -> None:
    quiet = ["* OK Still here", "* 1 RECENT", "* 1 FETCH (FLAGS (\\Seen))", "* 1 EXPUNGE", "* 0 EXISTS", "* 0 EXISTS"]
    with Scripted(imap(capability=CAN, idle=idling(*quiet, lambda talk: time.sleep(0.2), "* 1 EXISTS"))) as server:
        bell = resting(bench, server)
        wait(bell, lambda: bell.rests)
        time.sleep(0.1)
        bell.look()
        assert not bell.rang
        wait(bell, lambda: bell.rang)
        bell.rouse()
        wait(bell, lambda: bell.is_awake)
        bell.source.session.logout()


def test_the_session_is_used_again_after_a_rest(bench: Any) -> None:
    with Scripted(imap(capability=CAN, idle=idling())) as server:
        bell = resting(bench, server)
        for _ in range(3):
            wait(bell, lambda: bell.rests)
            bell.rouse()
            wait(bell, lambda: bell.is_awake)
            with bell.source as source:
                assert [each.key for each in source.list()] == ["INBOX/9/7"]
            bell.rest()
        assert server.connections == 1
        bell.close()


def test_what_came_between_the_visit_and_the_rest_rings_at_once(bench: Any) -> None:
    nexts = iter([8, 8, 9])

    def examine(talk: Talk, tag: bytes, rest: bytes) -> None:
        talk.send("* 1 EXISTS", "* OK [UIDVALIDITY 9] ok", f"* OK [UIDNEXT {next(nexts)}] ok", tag + b" OK done")

    with Scripted(imap(capability=CAN, examine=examine, idle=idling())) as server:
        bell = resting(bench, server)
        assert bell.rang
        bell.close()


def test_a_rest_ends_by_itself_and_begins_anew(bench: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    with Scripted(imap(capability=CAN, idle=idling())) as server:
        kept = Kept(bench.box(port=server.port, ssl=False, timeout=QUICK_S), bench.limits, lambda: bench.now).open()
        with kept:
            pass
        bell = Bell(kept)
        bell.rest(seconds=0.3)
        wait(bell, lambda: bell.is_awake)
        assert server.heard.count(b"DONE\r\n") == 1 and not bell.rang
        bell.close()


@pytest.mark.parametrize(
    ("idle", "code"),
    [
        (lambda talk, tag, rest: talk.hang(), "source.timeout"),
        (lambda talk, tag, rest: talk.drip(b"+ idling for ever and ever" * 20), "source.timeout"),
        (lambda talk, tag, rest: talk.send(tag + b" NO not today"), "source.no_idle"),
        (lambda talk, tag, rest: talk.send("+ idling", "* BYE going down"), "source.unreachable"),
        (lambda talk, tag, rest: talk.socket.close(), "source.unreachable"),
    ],
)
def test_a_server_that_does_not_begin_or_ends_the_session_is_left(bench: Any, idle: Any, code: str) -> None:
    error, took = broken(bench, idle)
    assert error.code == code and took < 3


@pytest.mark.parametrize(
    "idle",
    [
        lambda talk, tag, rest: (talk.send("+ idling"), talk.hang()),
        lambda talk, tag, rest: (talk.send("+ idling"), [talk.drip(b"* OK x\r\n" * 200) for _ in range(9)]),
        lambda talk, tag, rest: (talk.send("+ idling"), [talk.drip(b"* 9 EXISTS\r\n" * 50, 0.001) for _ in range(9)]),
    ],
)  # fmt: skip
def test_a_server_that_never_answers_done_is_left_at_the_deadline(bench: Any, idle: Any) -> None:
    def rouse(bell: Bell) -> None:
        wait(bell, lambda: bell.rests)
        bell.rouse()

    error, took = broken(bench, idle, rouse)
    assert error.code == "source.timeout" and took < 3


@pytest.mark.parametrize("flood", [b"* OK more\r\n" * 1000, b"* 9 EXISTS\r\n" * 1000, b"x" * 10_000])
def test_a_flood_ends_the_session_and_costs_little_memory(bench: Any, flood: bytes) -> None:
    def pour(talk: Talk) -> None:
        while True:
            talk.raw(flood)

    tracemalloc.start()
    error, took = broken(bench, idling(pour))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert error.code == "source.protocol" and took < 5
    assert peak < 20_000_000


def test_a_real_server_rings(bench: Any, dovecot: Any, mails: Any) -> None:
    account = dovecot.account()
    kept = Kept(bench.of(account), bench.limits, lambda: bench.now).open()
    bell = Bell(kept)
    bell.rest()
    wait(bell, lambda: bell.rests)
    account.deliver(*mails(1))
    wait(bell, lambda: bell.rang)
    bell.rouse()
    wait(bell, lambda: bell.is_awake)
    with kept as source:
        assert len(source.list()) == 1
    kept.session.logout()
