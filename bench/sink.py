"""A mail server for the bench: it takes everything and keeps nothing, or hangs up on whoever connects, and counts.

Here: as much of SMTP as sending needs, in a thread. Not here: what is sent.
"""

from __future__ import annotations

import socket
import threading
from types import TracebackType
from typing import Self


class Sink:
    """Listens on a port of this machine; `connections` and `mails` count what came. Not `open` means away."""

    def __init__(self, *, is_open: bool = True) -> None:
        self._open, self._socket = is_open, socket.create_server(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]
        self.connections = self.mails = 0

    def __enter__(self) -> Self:
        threading.Thread(target=self._listen, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()

    def _listen(self) -> None:
        while True:
            try:
                one, _ = self._socket.accept()
            except OSError:  # closed
                return
            self.connections += 1
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
                self.mails += 1
            one.sendall(b"221 bye\r\n" if verb == b"QUIT" else b"250 ok\r\n")
            if verb == b"QUIT":
                return
