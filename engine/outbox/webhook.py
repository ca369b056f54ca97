"""Telling another system that something happened.

Here: one POST of JSON that holds names and ids. Not here: which events there are, when it is tried again.
Invariant: nothing of a mail's text or addresses leaves; only https, except to this machine; no redirect is followed.
"""

from __future__ import annotations

import http.client
import ipaddress
import json
import socket
import ssl
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from urllib.parse import urlsplit

from engine.config.secrets import redact

REPLY_LIMIT_BYTES = 4096


class NotTold(Exception):
    """The other side did not take it; `later` tells that another try may help."""

    def __init__(self, sentence: str, *, later: bool) -> None:
        super().__init__(sentence)
        self.later = later


def post(url: str, data: Mapping[str, object], timeout_s: float, key: str = "") -> None:
    """POST JSON; `key` lets the other side know a repetition (Idempotency-Key). Raises: NotTold."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise NotTold("its url is none", later=False) from None
    if parts.scheme == "https":
        connection: http.client.HTTPConnection = http.client.HTTPSConnection(
            host, port, timeout=timeout_s, context=ssl.create_default_context()
        )
    elif parts.scheme == "http" and loopback(host):
        connection = http.client.HTTPConnection(host, port, timeout=timeout_s)
    else:
        raise NotTold("its url must begin with https://", later=False)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    headers = {"Content-Type": "application/json", "User-Agent": "allegra"} | ({"Idempotency-Key": key} if key else {})
    try:
        connection.connect()
        with _deadline(connection, timeout_s):
            connection.request("POST", target, json.dumps(data).encode(), headers)
            reply = connection.getresponse()
            reply.read(REPLY_LIMIT_BYTES)
    except (OSError, http.client.HTTPException) as error:
        raise NotTold(redact(f"no answer: {type(error).__name__}"), later=True) from None
    finally:
        connection.close()
    if not 200 <= reply.status < 300:
        raise NotTold(f"it answered {reply.status}", later=reply.status >= 500 or reply.status in (408, 425, 429))


@contextmanager
def _deadline(connection: http.client.HTTPConnection, seconds: float) -> Iterator[None]:
    """Cut the connection when its time is over: a socket's own timeout starts anew with every byte that comes."""
    handle = connection.sock.dup()
    over = threading.Event()

    def cut() -> None:
        over.set()
        with suppress(OSError):
            handle.shutdown(socket.SHUT_RDWR)

    timer = threading.Timer(seconds, cut)
    timer.daemon = True
    timer.start()
    try:
        yield
    except (OSError, http.client.HTTPException):
        if not over.is_set():
            raise
    finally:
        timer.cancel()
        timer.join()
        handle.close()
    if over.is_set():  # what was read until then may look like a whole answer
        raise TimeoutError


def loopback(host: str) -> bool:
    """Tell whether a host is this machine."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
