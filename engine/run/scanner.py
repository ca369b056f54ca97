"""The virus scanner: one question to clamd.

Here: the INSTREAM command of clamd(8) over its local socket. Not here: what is done about the answer (stage `limits`).
"""

from __future__ import annotations

import socket
import struct
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from engine.config import Config

CHUNK = 64 * 1024
TIMEOUT_S = 30.0


def scan(config: Config, content: bytes) -> str:
    """Ask about a mail: clean, off (none configured), unavailable, or the name of what was found."""
    antivirus = config.settings("").gates.antivirus
    if antivirus is None or not antivirus.clamd:
        return "off"
    return ask(antivirus.clamd, content)


def ask(path: str, content: bytes) -> str:
    """Send bytes to the clamd socket at `path`: clean, unavailable, or the name of what was found."""
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as clamd:
            clamd.settimeout(TIMEOUT_S)
            clamd.connect(path)
            clamd.sendall(b"zINSTREAM\0")
            for start in range(0, len(content), CHUNK):
                chunk = content[start : start + CHUNK]
                clamd.sendall(struct.pack("!I", len(chunk)) + chunk)
            clamd.sendall(struct.pack("!I", 0))
            answer = clamd.recv(1024).rstrip(b"\0\n").decode("utf-8", "replace")
    except OSError:
        return "unavailable"
    said = answer.removeprefix("stream: ")
    if said == "OK":
        return "clean"
    return said.removesuffix(" FOUND") if said.endswith(" FOUND") else "unavailable"
