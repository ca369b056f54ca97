"""Whether a door that is configured stands open, asked from outside.

Here: `doors`. Not here: what is made of the answer (`cli/health.py`).
"""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

from engine.doors.sockets import connected

if TYPE_CHECKING:
    from engine.config import Config

WAIT_S = 5.0
_UP = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"


def doors(config: Config) -> tuple[tuple[str, str], ...]:
    """Ask the doors that are configured; gives of each its name, and what is wrong with it, "" for nothing."""
    found = []
    if config.root.lmtp is not None:
        found.append(("lmtp", wrong_with(config.root.lmtp.listen, b"", b"220 ")))
    if config.root.http is not None:
        found.append(("http", wrong_with(config.root.http.listen, _UP, b"HTTP/1.1 200 ")))
    return tuple(found)


def wrong_with(listen: str, said: bytes, wanted: bytes) -> str:
    """Say something at a door and tell what is wrong with its answer, "" for nothing."""
    try:
        with connected(listen, WAIT_S) as connection:
            connection.settimeout(WAIT_S)
            connection.sendall(said)
            heard = connection.recv(len(wanted), socket.MSG_WAITALL)
    except TimeoutError:
        return f"nobody answers at {listen}"
    except OSError as error:
        return f"nobody listens at {listen}: {error.strerror or error}"
    return "" if heard == wanted else f"takes no mail at {listen}"
