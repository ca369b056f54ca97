"""The virus scanner: one question to clamd.

Here: the INSTREAM command of clamd(8) over its local socket, or over TCP. Not here: what is done about the answer
(stage `limits`).
"""

from __future__ import annotations

import re
import socket
import struct
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from engine.config import Config

CHUNK = 64 * 1024
TIMEOUT_S = 30.0
_HOST_AND_PORT = re.compile(r"([^/:]+|\[[^/\]]+\]):(\d{1,5})")


def scan(config: Config, content: bytes) -> str:
    """Ask about a mail: clean, off (none configured), unavailable, or the name of what was found."""
    antivirus = config.settings("").gates.antivirus
    if antivirus is None or not antivirus.clamd:
        return "off"
    return ask(antivirus.clamd, content)


def ask(place: str, content: bytes) -> str:
    """Send bytes to clamd at a socket's path or host:port: clean, unavailable, or the name of what was found."""
    try:
        with _connected(place) as clamd:
            clamd.sendall(b"zINSTREAM\0")
            for start in range(0, len(content), CHUNK):
                chunk = content[start : start + CHUNK]
                clamd.sendall(struct.pack("!I", len(chunk)) + chunk)
            clamd.sendall(struct.pack("!I", 0))
            answer = clamd.recv(1024).rstrip(b"\0\n").decode("utf-8", "replace")
    except (OSError, OverflowError):  # a port over 65535
        return "unavailable"
    said = answer.removeprefix("stream: ")
    if said == "OK":
        return "clean"
    return said.removesuffix(" FOUND") if said.endswith(" FOUND") else "unavailable"


def _connected(place: str) -> socket.socket:
    """Connect to host:port, with an address of IPv6 in brackets, or to a socket of this machine."""
    if found := _HOST_AND_PORT.fullmatch(place):
        return socket.create_connection((found[1].strip("[]"), int(found[2])), TIMEOUT_S)
    clamd = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        clamd.settimeout(TIMEOUT_S)
        clamd.connect(place)
    except BaseException:
        clamd.close()
        raise
    return clamd
