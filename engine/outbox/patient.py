"""smtplib with deadlines: for each reply, each piece of a mail, and the session.

Here: what smtplib lets a subclass replace. Not here: what is sent (`wire.py`).
Invariant: no server can make us wait longer than its session, however its bytes drip.
"""

from __future__ import annotations

import smtplib
import socket
import time
from functools import cached_property
from typing import Any

REPLY_LINES = 200
"""Lines of one reply: a server that sends more is broken or hostile."""

SESSION_TIMES = 60
"""A session may last this many times `smtp.timeout`: an hour at the default of a minute."""

CHUNK = 65_536
"""Bytes of a mail that have the time of one reply to go out (RFC 5321, 4.5.3.2.5)."""


class _Patience:
    """Lines of a server that may be slow: a reply has one deadline, where a socket's timeout starts with every byte."""

    def __init__(self, sock: socket.socket, seconds: float, session_end: float) -> None:
        self._sock, self._seconds, self._session_end = sock, seconds, session_end
        self._buffer = bytearray()
        self.again()

    def again(self) -> None:
        """Start a new reply."""
        self._lines, self._until = 0, min(time.monotonic() + self._seconds, self._session_end)

    def readline(self, size: int) -> bytes:
        self._lines += 1
        if self._lines > REPLY_LINES:
            raise smtplib.SMTPServerDisconnected("the server's reply has no end")
        while (at := self._buffer.find(b"\n")) < 0 and len(self._buffer) < size:
            if not (data := self._received()):
                break
            self._buffer += data
        end = min(size, at + 1 or size)
        line = bytes(self._buffer[:end])
        del self._buffer[:end]
        return line

    def _received(self) -> bytes:
        left = self._until - time.monotonic()
        if left <= 0:
            raise TimeoutError
        self._sock.settimeout(left)
        try:
            return self._sock.recv(4096)
        finally:
            self._sock.settimeout(self._seconds)

    def close(self) -> None:
        self._buffer.clear()


class _Patient:
    """What both kinds of connection share: every wait has a deadline, and all of them together have one."""

    timeout: float
    file: Any
    sock: Any

    @cached_property
    def session_end(self) -> float:
        """When the session has lasted too long, whatever is still to come; it begins with the first reply."""
        return time.monotonic() + SESSION_TIMES * self.timeout

    def getreply(self) -> tuple[int, bytes]:
        if self.file is None:
            self.file = _Patience(self.sock, self.timeout, self.session_end)
        else:
            self.file.again()
        try:
            return super().getreply()  # type: ignore[misc,no-any-return]
        except smtplib.SMTPServerDisconnected as error:
            if isinstance(error.__context__, TimeoutError):
                raise TimeoutError from None
            raise

    def send(self, s: Any) -> None:
        """Send in pieces that have a timeout each: a long mail over a slow line needs longer than one reply."""
        content = s.encode(self.command_encoding) if isinstance(s, str) else bytes(s)  # type: ignore[attr-defined]
        for start in range(0, len(content), CHUNK):
            if time.monotonic() > self.session_end:
                self.close()  # type: ignore[attr-defined]
                raise TimeoutError
            super().send(content[start : start + CHUNK])  # type: ignore[misc]


class Plain(_Patient, smtplib.SMTP):
    pass


class Tls(_Patient, smtplib.SMTP_SSL):
    pass
