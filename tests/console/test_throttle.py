"""How much somebody may ask: requests in a minute, connections at once, lines of the log."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
from console.offices import Office, office
from console.test_signing_in import BASE, PASSWORD, enter

from engine.console import serving, throttle
from engine.console.throttle import Throttle
from engine.desk import access, logged, passwords


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_so_many_requests_are_answered_at_once_and_then_as_many_as_come_back() -> None:
    clock = Clock()
    may = Throttle(300, clock)
    assert [may.wait("anna") for _ in range(300)] == [0] * 300
    assert may.wait("anna") == 1 and may.wait("bob") == 0, "nobody waits for others"
    clock.now += 1
    assert [may.wait("anna") for _ in range(6)] == [0, 0, 0, 0, 0, 1], "five a second"
    clock.now += 3600
    assert [may.wait("anna") for _ in range(301)][-2:] == [0, 1], "never more than a minute holds"


def test_who_is_refused_waits_no_longer_for_asking_again() -> None:
    clock = Clock()
    may = Throttle(60, clock)
    for _ in range(60):
        may.wait("anna")
    assert {may.wait("anna") for _ in range(1000)} == {1}
    clock.now += 1
    assert may.wait("anna") == 0


def test_only_so_many_names_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(throttle, "MOST_KNOWN", 10)
    may = Throttle()
    for number in range(1000):
        may.wait(str(number))
    assert len(may._left) == 10


@pytest.fixture
def gate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Office]:
    """An office with accounts where three requests are a minute's."""
    monkeypatch.setattr(passwords, "COST", passwords.Cost(8, 1, 1))
    monkeypatch.setattr(throttle.Throttle.__init__, "__defaults__", (3, time.monotonic))
    with office(tmp_path / "demo", "accounts") as made:
        with made.installation.store() as store:
            access.set_password(store, made.installation.config, "anna", PASSWORD, "anna")
        yield made


def test_a_session_that_asks_too_much_is_told_when_to_come_again_and_another_one_is_not(gate: Office) -> None:
    first, other = gate.client, gate.client
    assert enter(first).status_code == enter(other).status_code == 303
    statuses = [first.get("/topics", base_url=BASE).status_code for _ in range(4)]
    assert statuses == [200, 200, 200, 429]
    answer = first.get("/topics.json", base_url=BASE)
    assert answer.status_code == 429 and int(answer.headers["Retry-After"]) >= 1
    assert answer.get_json() == {"error": "too many requests: wait a moment"}
    assert other.get("/topics", base_url=BASE).status_code == 200, "the session counts, not the address"


def test_who_is_not_signed_in_counts_by_the_network_whatever_their_cookie(gate: Office) -> None:
    def ask(address: str) -> int:
        client = gate.client
        client.set_cookie("__Host-allegra", f"invented{time.monotonic_ns()}", domain="localhost")
        return int(client.get("/mails", base_url=BASE, environ_overrides={"REMOTE_ADDR": address}).status_code)

    assert [ask("192.0.2.1") for _ in range(4)] == [303, 303, 303, 429]
    assert ask("192.0.2.2") == 303
    v6 = [f"2001:db8:1:2::{number:x}" for number in range(1, 5)]
    assert [ask(each) for each in v6] == [303, 303, 303, 429], "a network of IPv6 is one"
    style = gate.client.get("/login", base_url=BASE, environ_overrides={"REMOTE_ADDR": "192.0.2.1"})
    assert style.status_code == 200, "the form is there for who waits"


def test_who_looks_around_on_their_own_machine_does_not_wait(quiet_office: Office) -> None:
    assert {quiet_office.get("/topics").status_code for _ in range(throttle.A_MINUTE + 10)} == {200}


# ── the log ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_who_is_refused_over_and_over_fills_no_disk(own_office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    file = own_office.folder / "allegra.toml"
    file.write_text(file.read_text("utf-8") + '\n[log]\nfile = "var/refused.log"\n', "utf-8")
    own_office.installation._looked_at = 0.0
    monkeypatch.setattr(logged, "MOST_A_MINUTE", 5)

    def refused() -> list[str]:
        for _ in range(20):
            assert own_office.post("/held", token="x", act="release").status_code == 403
        text = (own_office.folder / "var" / "refused.log").read_text("utf-8")
        return [line.split(" ", 3)[3] for line in text.splitlines() if "security.refused" in line]

    lines = refused()
    assert len(lines) == 5 and "POST /held: this form is too old" in lines[0]
    monkeypatch.setattr(logged, "MINUTE_S", 0.0)
    assert "15 more were refused in the minute before" in refused()[5]


# ── connections ───────────────────────────────────────────────────────────────────────────────────────────────────


@contextmanager
def served(app: Any) -> Iterator[tuple[str, int]]:
    from waitress.server import create_server

    server = create_server(app, listen="127.0.0.1:0", **serving.limits(4))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        yield "127.0.0.1", int(server.effective_port)
    finally:
        server.close()
        thread.join(5)
        server.task_dispatcher.shutdown()


def test_500_connections_that_say_nothing_or_little_stop_nobody(quiet_office: Office) -> None:
    with served(quiet_office.app) as place, ExitStack() as kept:
        for number in range(500):
            idle = kept.enter_context(socket.create_connection(place, 5))
            if number % 3 == 1:
                idle.sendall(b"GET /mails HTTP/1.1\r\nHost: localhost\r\nX-Slow: ")
            elif number % 3 == 2:
                idle.sendall(b"POST /login HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000\r\n\r\nwho=a")
        began = time.monotonic()
        with socket.create_connection(place, 5) as asks:
            asks.sendall(b"GET /topics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            answer = b"".join(iter(lambda: asks.recv(65536), b""))
        assert answer.startswith(b"HTTP/1.1 200") and time.monotonic() - began < 3


def test_a_header_and_a_body_are_only_so_long(quiet_office: Office) -> None:
    sent = {
        b"GET /topics HTTP/1.1\r\nHost: localhost\r\nX: " + b"x" * 20_000 + b"\r\n\r\n": b"431",
        b"POST /held HTTP/1.1\r\nHost: localhost\r\nContent-Length: 11000000\r\n\r\n": b"413",
        b"POST /held HTTP/1.1\r\nHost: localhost\r\nContent-Length: -5\r\n\r\n": b"400",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n": b"400",
    }
    with served(quiet_office.app) as place:
        for request, status in sent.items():
            with socket.create_connection(place, 5) as asks:
                asks.sendall(request)
                asks.settimeout(5)
                assert asks.recv(65536).split(b" ")[1] == status, request[:40]
