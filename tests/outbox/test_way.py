"""An account that the mail server refused is left alone before it is locked."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from posted import MAILBOX, NOW, later, row

from engine.config import Config, parse
from engine.model.stored import NO_WAY_OUT
from engine.outbox.deliver import Delivered, deliver
from engine.store.store import Store

WRONG = "535 5.7.8 Username and Password not accepted"


@pytest.fixture
def configure(tmp_path: Path) -> Callable[..., Config]:
    def configuring(port: int, password: str) -> Config:
        options = {"host": "127.0.0.1", "port": port, "ssl": False, "from": "help@example.com", "timeout": "2 s",
                   "username": "desk", "password": password}  # fmt: skip
        lines = "".join(f"{name} = {json.dumps(value)}\n" for name, value in options.items())
        return parse(f"{MAILBOX}[smtp]\n{lines}", tmp_path / "allegra.toml", {})

    return configuring


def logins(server: Any) -> int:
    return sum(line.upper().startswith(b"AUTH ") for line in server.heard)


def out(store: Store, config: Config, now: datetime, *, asked: bool = False) -> Delivered:
    return deliver(store, config, 100, lambda: now, asked=asked)


def test_a_refused_login_is_tried_twice_an_hour_and_the_pass_says_why_mail_waits(
    store: Store, sink: Any, configure: Any
) -> None:
    server, waiting = sink(login="right", says={"AUTH": WRONG}), row(store, "notice", "a@example.com")
    config = configure(server.port, "wrong")
    away = [out(store, config, later(minutes=2 * pass_)).away for pass_ in range(30)]
    assert logins(server) == 2
    assert all("535" in each for each in away), "it is told in every pass"
    assert store.outbox.row(waiting).attempts == 0
    assert "535" in out(store, config, later(minutes=62)).away and logins(server) == 3, "the hour is over"


def test_another_password_is_tried_at_once_but_no_fourth_time_in_an_hour(
    store: Store, sink: Any, configure: Any
) -> None:
    server = sink(login="right", says={"AUTH": WRONG})
    row(store, "notice", "a@example.com")
    for number in range(8):
        out(store, configure(server.port, f"wrong {number % 3}"), later(seconds=number))
    assert logins(server) == 3
    out(store, configure(server.port, "wrong 9"), later(seconds=9), asked=True)
    assert logins(server) == 4, "whoever asks for it takes the risk"


def test_mail_goes_out_again_as_soon_as_the_password_is_mended(store: Store, sink: Any, configure: Any) -> None:
    server = sink(login="right")
    row(store, "notice", "a@example.com")
    assert out(store, configure(server.port, "wrong"), NOW).away and not server.taken
    assert out(store, configure(server.port, "wrong"), later(minutes=1)).away
    assert out(store, configure(server.port, "right"), later(minutes=1)).sent == 1
    assert store.troubles.find(NO_WAY_OUT) is None


def test_a_server_that_is_only_busy_is_asked_in_every_pass(store: Store, sink: Any, configure: Any) -> None:
    server = sink(login="right", says={"AUTH": "454 4.7.0 Temporary authentication failure"})
    row(store, "notice", "a@example.com")
    for number in range(5):
        out(store, configure(server.port, "right"), NOW + timedelta(minutes=number))
    assert logins(server) == 5


def test_a_wrong_password_is_tried_in_one_way_however_many_are_offered(store: Store, sink: Any, configure: Any) -> None:
    server = sink(
        login="right", says={"AUTH": WRONG, "EHLO": "250-here\r\n250-AUTH CRAM-MD5 PLAIN LOGIN\r\n250 8BITMIME"}
    )
    row(store, "notice", "a@example.com")
    assert "535" in out(store, configure(server.port, "wrong"), NOW).away
    assert logins(server) == 1
