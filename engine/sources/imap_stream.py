"""imaplib on our own connection.

Here: what imaplib lets a subclass replace: opening, reading, sending, and the beginning of a command.
Not here: any command (`guarded.py`). Invariant: every command has an allowance of time, bytes and line length.
"""

from __future__ import annotations

import imaplib
from typing import Any

from engine.sources.wire import COMMAND_BYTES, LINE_BYTES, Overflow, Wire

MOST_KINDS = 100
"""Kinds of untagged answers to one command: each costs imaplib a list of its own."""

PLAIN_ALLOWANCE = (0.0, COMMAND_BYTES, LINE_BYTES)
"""Seconds (0: the mailbox's `timeout`), bytes of the answer, bytes of a line."""


class Imap4(imaplib.IMAP4):
    """imaplib on our Wire: its own reading has no deadline that a slow server could not stretch, and no bound."""

    def __init__(self, wire: Wire) -> None:
        self.wire = wire
        self.allowance: tuple[float, int, int] = PLAIN_ALLOWANCE
        self.line_bytes = LINE_BYTES
        super().__init__(wire.host, wire.port)
        self.is_readonly = True  # we look at READ-ONLY ourselves; imaplib would raise

    def open(self, host: str = "", port: int = 143, timeout: float | None = None) -> None:
        self.host, self.port = host, port
        self.sock = self.wire.socket  # type: ignore[assignment]

    def read(self, size: int) -> bytes:
        return self.wire.read(size)

    def readline(self) -> bytes:
        return self.wire.readline(self.line_bytes)

    def send(self, data: Any) -> None:
        self.wire.send(bytes(data))

    def shutdown(self) -> None:
        self.wire.close()

    def _log(self, line: str) -> None:
        """Remember nothing: imaplib keeps the last ten lines, the login among them."""

    def _new_tag(self) -> bytes:
        """Begin a command: its allowance opens, the answers to the one before are forgotten."""
        seconds, size_bytes, self.line_bytes = self.allowance
        self.allowance = PLAIN_ALLOWANCE
        self.wire.allow(seconds, size_bytes)
        self.untagged_responses.clear()
        tag: bytes = super()._new_tag()  # type: ignore[misc]
        return tag

    def _append_untagged(self, typ: str, dat: bytes) -> None:
        if len(self.untagged_responses) > MOST_KINDS:
            raise Overflow("answers of too many kinds")
        super()._append_untagged(typ, dat)  # type: ignore[misc]

    def starttls(self, ssl_context: Any = None) -> Any:
        answer = self._simple_command("STARTTLS")
        if answer[0] == "OK":
            self.wire.start_tls(ssl_context)
            self.sock = self.wire.socket  # type: ignore[assignment]
            self._get_capabilities()
        return answer
