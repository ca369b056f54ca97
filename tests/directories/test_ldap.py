"""A real LDAP server, and servers that stall, drip and lie."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from directories.conftest import settings
from servers.dovecot import free_ports, make_certificate
from servers.slapd import MANY, Slapd

from engine.config.directory import Attributes
from engine.directories import Away, ldap
from engine.directories.ldap import Server
from engine.model.answers import Listed, Standing

JANE = "jane@example.com"


def ask(slapd: Slapd, address: str = JANE, **options: Any) -> Listed:
    server = opened(slapd, **options)
    try:
        return server.find(address)
    finally:
        server.close()


def opened(slapd: Slapd, **options: Any) -> Server:
    given = {"kind": "ldap", "server": f"ldaps://localhost:{slapd.ldaps}", "ca_file": slapd.ca_file,
             "bind_dn": slapd.bind_dn, "password": slapd.password, "base": slapd.people, **options}  # fmt: skip
    return Server(settings(**given))


def refused(asking: Callable[[], object]) -> str:
    with pytest.raises(Away) as away:
        asking()
    return str(away.value)


@pytest.mark.parametrize("way", ["ldaps", "ldap+starttls"])
def test_a_person_is_found_with_all_that_is_known(slapd: Slapd, way: str) -> None:
    port = slapd.ldaps if way == "ldaps" else slapd.ldap
    assert ask(slapd, "J.DOE@example.com", server=f"{way}://localhost:{port}") == Listed(
        Standing.KNOWN,
        "staff",
        "jane",
        "Jane Doe",
        (JANE, "j.doe@example.com"),
        ("Support Staff", "Nobody here, Ltd"),
        "de",
    )


@pytest.mark.parametrize(
    ("address", "standing"),
    [
        ("lola@example.com", "disabled"),
        ("adam@example.com", "disabled"),
        ("eve@example.com", "known"),
        ("both@example.com", "ambiguous"),
        ("nobody@example.com", "unknown"),
    ],
)
def test_who_is_disabled_twice_there_or_not_there(slapd: Slapd, address: str, standing: str) -> None:
    assert ask(slapd, address).standing == standing


@pytest.mark.parametrize(
    "address",
    ["*", "j*@example.com", "*)(uid=*", "x)(|(mail=*", f"{JANE})(uid=jane", "jane\\2a", "\\", "a@b\0", "(", ")" * 200,
     "jäne@exämple.com", "x" * 10_000 + "@example.com", "jane@example.com\r\n"],
)  # fmt: skip
def test_an_address_is_a_value_of_the_filter_and_nothing_else(slapd: Slapd, address: str) -> None:
    server = opened(slapd)
    assert server.find(address).standing is Standing.UNKNOWN
    assert server.find(JANE).standing is Standing.KNOWN
    server.close()


def test_ten_thousand_entries_with_one_address_are_two(slapd: Slapd) -> None:
    began = time.monotonic()
    assert MANY == 10_000 and ask(slapd, "all@example.com", base=slapd.many).standing is Standing.AMBIGUOUS
    assert time.monotonic() - began < 3


def test_bytes_that_are_no_text_and_formulas_are_plain_names(slapd: Slapd) -> None:
    assert ask(slapd, "odd@example.com").name == "cmd|' /C calc'!A0"
    raw = Attributes(name=("rawName",), written=frozenset({"name"}))
    assert ask(slapd, "odd@example.com", attributes=raw).name == "\ufffd\ufffd\ufffdw"
    assert ask(slapd, "juergen@example.com").name == "Jürgen Müller"


def test_a_wrong_password_is_said_and_is_in_no_sentence(slapd: Slapd) -> None:
    said = refused(lambda: ask(slapd, password="hunter2-hunter2"))
    assert said == "directory staff: localhost refuses the login: wrong bind_dn or password"


def test_a_certificate_that_nobody_vouches_for_is_not_talked_to(slapd: Slapd, tmp_path: Path) -> None:
    said = refused(lambda: ask(slapd, ca_file=None))
    assert said.startswith("directory staff: localhost shows a certificate that cannot be trusted: self-signed")
    other, _ = make_certificate(tmp_path, "other")
    assert "cannot be trusted" in refused(lambda: ask(slapd, ca_file=other))
    starttls = f"ldap+starttls://localhost:{slapd.ldap}"
    assert "cannot be trusted" in refused(lambda: ask(slapd, ca_file=other, server=starttls))
    (tmp_path / "empty.pem").write_text("")
    assert "cannot be used" in refused(lambda: ask(slapd, ca_file=tmp_path / "empty.pem"))


def test_a_certificate_of_another_name_is_not_talked_to(slapd: Slapd, monkeypatch: pytest.MonkeyPatch) -> None:
    resolve = socket.getaddrinfo
    monkeypatch.setattr(
        socket,
        "getaddrinfo",
        lambda host, *rest, **more: resolve("localhost" if host == "ldap.example.com" else host, *rest, **more),
    )
    said = refused(lambda: ask(slapd, server=f"ldaps://ldap.example.com:{slapd.ldaps}"))
    assert "cannot be trusted: Hostname mismatch" in said


def test_a_base_that_is_not_there_and_a_port_that_speaks_no_tls_are_said(slapd: Slapd) -> None:
    assert refused(lambda: ask(slapd, base="dc=nowhere")) == "directory staff: localhost has no such base"
    plain = f"ldaps://localhost:{slapd.ldap}"
    assert refused(lambda: ask(slapd, server=plain)) == "directory staff: localhost speaks no TLS on this port"


def test_a_server_that_is_started_anew_is_asked_again(slapd: Slapd) -> None:
    server = opened(slapd)
    assert server.find(JANE).standing is Standing.KNOWN
    before = slapd.ldap, slapd.ldaps
    slapd.stop(keep=True)
    try:
        assert refused(lambda: server.find(JANE)) == "directory staff: localhost cannot be reached: connection refused"
        slapd.start(before)
        assert server.find(JANE).standing is Standing.KNOWN
    finally:
        server.close()
        if slapd.ended:
            slapd.start()


# ── servers that are none ─────────────────────────────────────────────────────────────────────────────────────

Serving = Callable[[Callable[[socket.socket], None]], int]


@pytest.fixture
def serving() -> Iterator[Serving]:
    """A server that does with each connection what it is told; gives its port."""
    over: list[socket.socket] = []

    def start(does: Callable[[socket.socket], None]) -> int:
        server = socket.create_server(("127.0.0.1", 0))
        over.append(server)

        def serve() -> None:
            while True:
                try:
                    peer = server.accept()[0]
                except OSError:
                    return
                with peer:
                    try:
                        does(peer)
                    except OSError:
                        pass

        threading.Thread(target=serve, daemon=True).start()
        return int(server.getsockname()[1])

    yield start
    for each in over:
        each.close()


def _silent(peer: socket.socket) -> None:
    while peer.recv(1000):
        pass


def _dripping(peer: socket.socket) -> None:
    for byte in b"\x16\x03\x03\x40\x00" + b"\0" * 1000:
        peer.sendall(bytes([byte]))
        time.sleep(0.1)


def _starttls_drip(peer: socket.socket) -> None:
    peer.recv(1000)
    for byte in b"\x30\x84\x00\x00\x40\x00" + b"\0" * 1000:
        peer.sendall(bytes([byte]))
        time.sleep(0.1)


def _closing(peer: socket.socket) -> None:
    peer.recv(10)


def _nonsense(peer: socket.socket) -> None:
    peer.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n" * 10)
    peer.recv(1000)


@pytest.mark.parametrize("scheme", ["ldaps", "ldap+starttls"])
@pytest.mark.parametrize("does", [_silent, _dripping, _starttls_drip, _closing, _nonsense])
def test_a_server_that_stalls_drips_or_talks_nonsense_costs_no_more_than_the_time_it_has(
    serving: Serving, scheme: str, does: Callable[[socket.socket], None]
) -> None:
    port = serving(does)
    server = Server(settings(kind="ldap", server=f"{scheme}://127.0.0.1:{port}", base="dc=x", timeout=0.7))
    began = time.monotonic()
    said = refused(lambda: server.find(JANE))
    assert said.startswith("directory staff: 127.0.0.1 ") and time.monotonic() - began < 2.5
    if does in (_silent, _dripping if scheme == "ldaps" else _starttls_drip):
        assert said.endswith("did not answer within 0.7 s")


def test_nobody_answers_on_a_port_that_is_closed() -> None:
    (port,) = free_ports(1)
    server = Server(settings(kind="ldap", server=f"ldaps://127.0.0.1:{port}", base="dc=x"))
    assert refused(lambda: server.find(JANE)) == "directory staff: 127.0.0.1 cannot be reached: connection refused"


def test_without_the_library_it_is_said_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ldap3", None)
    server = Server(settings(kind="ldap", server="ldaps://127.0.0.1:1", base="dc=x"))
    assert refused(lambda: server.find(JANE)) == 'ldap3 is not installed: pip install "allegra-mail[ldap]"'


def test_the_library_is_loaded_when_a_server_is_asked_and_not_before() -> None:
    asked = (
        "import engine.directories, engine.directories.ldap, engine.run.directories, sys; print('ldap3' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n" and ldap.MOST_BYTES
