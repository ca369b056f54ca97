"""Hosts that are usually called so, and whether they speak IMAP or POP3 with a good certificate.

Not here: logging in. Invariant: nothing is said to a host but STARTTLS where it offers that; each look ends after
`CONNECTING_S`, and all are made at once.
"""

from __future__ import annotations

import socket
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from engine.discovery.found import Server, Tls
from engine.discovery.world import NoNames, encrypted

if TYPE_CHECKING:
    from engine.discovery.world import World

DOORS: tuple[tuple[str, int, Tls], ...] = (("imap", 993, True), ("imap", 143, "starttls"), ("pop3", 995, True))
SENDING: tuple[tuple[str, int, Tls], ...] = (("smtp", 465, True), ("smtp", 587, "starttls"))
GREETINGS = {"imap": b"* OK", "pop3": b"+OK", "smtp": b"220"}
LINE_BYTES = 1024
MOST_LINES = 50

CONNECTING_S = 5.0
"""How long a host may take to take a connection, agree on TLS and greet."""


def usual(domain: str, exchangers: Iterable[str]) -> list[str]:
    """The hosts that mail of a domain may lie on, the likeliest first."""
    return list(dict.fromkeys((f"imap.{domain}", f"mail.{domain}", *(each for each in exchangers if each), domain)))


def answering(world: World, hosts: Iterable[str], doors: Iterable[tuple[str, int, Tls]]) -> tuple[Server, ...]:
    """Those of the hosts and ports where a mail server greets behind TLS, in their order."""
    places = [Server(protocol, host, port, safe) for host in hosts for protocol, port, safe in doors]
    with ThreadPoolExecutor(max_workers=max(1, len(places))) as looks:
        good = list(looks.map(lambda each: _answers(world, each), places))
    return tuple(each for each, answers in zip(places, good, strict=True) if answers)


def _answers(world: World, server: Server) -> bool:
    greeting = GREETINGS[server.protocol]
    try:
        with world.line(server.host, server.port, CONNECTING_S) as line:
            if server.ssl is not True:
                if not _line(line).startswith(greeting) or not _offers_tls(line, server.protocol):
                    return False
                encrypted(line, server.host).close()
                return True
            with encrypted(line, server.host) as safe:
                return _line(safe).startswith(greeting)
    except (OSError, ValueError, NoNames):
        return False


def _offers_tls(line: socket.socket, protocol: str) -> bool:
    if protocol == "imap":
        line.sendall(b"a STARTTLS\r\n")
        return _line(line).startswith(b"a OK")
    line.sendall(b"EHLO localhost\r\n")
    for _ in range(MOST_LINES):
        if not (said := _line(line)).startswith(b"250-"):
            break
    line.sendall(b"STARTTLS\r\n")
    return said.startswith(b"250") and _line(line).startswith(b"220")


def _line(line: socket.socket) -> bytes:
    """One line of a server, read byte by byte so that what follows it is left where it is."""
    said = bytearray()
    while not said.endswith(b"\n") and len(said) < LINE_BYTES and (byte := line.recv(1)):
        said += byte
    return bytes(said)
