"""Telling another system that something happened.

Here: what is said, in ids, one POST of it, and its signature. Not here: which events there are, when it is tried again.
Invariant: nothing of a mail's text or addresses leaves; only https, except to this machine; no redirect is followed.
"""

from __future__ import annotations

import hmac
import http.client
import ipaddress
import json
import socket
import ssl
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from engine.config.secrets import redact

if TYPE_CHECKING:
    from engine.model.stored import OutboxRow

REPLY_LIMIT_BYTES = 4096


class NotTold(Exception):
    """The other side did not take it; `later` tells that another try may help."""

    def __init__(self, sentence: str, *, later: bool) -> None:
        super().__init__(sentence)
        self.later = later


def said(row: OutboxRow) -> dict[str, object]:
    """What a webhook is told (`allegra.webhook/2`); `actor` is the login of an account, None for anybody else."""
    told = row.told
    return {
        "schema": "allegra.webhook/2", "event": row.event, "id": told.number or None, "item": row.item or None,
        "topic": row.topic or None, "mail": row.mail or None, "workspace": told.workspace or None,
        "actor": told.login or None,
    }  # fmt: skip


def signature(body: bytes, secret: str) -> str:
    """Sign what is posted, so that the other side knows that it is from us: the value of `X-Allegra-Signature`."""
    return "sha256=" + hmac.new(secret.encode(), body, "sha256").hexdigest()


def post(url: str, data: Mapping[str, object], timeout_s: float, key: str = "", secret: str = "") -> None:
    """POST JSON; `key` lets the other side know a repetition (Idempotency-Key), `secret` signs it. Raises: NotTold."""
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
    body = json.dumps(data).encode()
    headers = {"Content-Type": "application/json", "User-Agent": "allegra"}
    headers |= {"Idempotency-Key": key} if key else {}
    headers |= {"X-Allegra-Signature": signature(body, secret)} if secret else {}
    try:
        connection.connect()
        with _deadline(connection, timeout_s):
            connection.request("POST", target, body, headers)
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
