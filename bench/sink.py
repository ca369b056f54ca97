"""A mail server for the bench: it takes everything and keeps nothing, or hangs up on whoever connects, and counts.

Here: as much of SMTP as sending needs, in a process of its own, so that it costs the sender nothing. Not here: what is
sent.
"""

from __future__ import annotations

import socket
from multiprocessing import get_context
from types import TracebackType
from typing import Self


class Sink:
    """Listens on a port of this machine and counts what comes. Not `is_open` means away."""

    def __init__(self, *, is_open: bool = True) -> None:
        self._open, self._socket = is_open, socket.create_server(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]
        fork = get_context("fork")
        self._connections, self._mails = fork.Value("i"), fork.Value("i")
        self._process = fork.Process(target=self._listen, daemon=True)

    def __enter__(self) -> Self:
        self._process.start()
        return self

    @property
    def connections(self) -> int:
        """How many connected."""
        return int(self._connections.value)

    @property
    def mails(self) -> int:
        """How many mails came."""
        return int(self._mails.value)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.terminate()
        self._process.join()
        self._socket.close()

    def _listen(self) -> None:
        while True:
            one, _ = self._socket.accept()
            self._connections.value += 1
            with one:
                if self._open:
                    self._talk(one)

    def _talk(self, one: socket.socket) -> None:
        lines = one.makefile("rb")
        one.sendall(b"220 sink\r\n")
        for line in lines:
            verb = line[:4].upper()
            if verb == b"DATA":
                one.sendall(b"354 go on\r\n")
                for text in lines:
                    if text == b".\r\n":
                        break
                self._mails.value += 1
            one.sendall(b"221 bye\r\n" if verb == b"QUIT" else b"250 ok\r\n")
            if verb == b"QUIT":
                return
