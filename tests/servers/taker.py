"""A server that takes mail on loopback and remembers who got what.

Here: just enough SMTP for a client that behaves. Not here: failures of the server (`sink.py`).
"""

from __future__ import annotations

import socket
import threading
from email import message_from_bytes
from types import TracebackType
from typing import BinaryIO, NamedTuple


class Sent(NamedTuple):
    """One mail to one recipient."""

    recipient: str
    message_id: str
    content: bytes


def _content(file: BinaryIO) -> bytes | None:
    """Read a mail up to its dot; None where whoever sends it hangs up before."""
    lines: list[bytes] = []
    while (line := file.readline()) != b".\r\n":
        if not line:
            return None
        lines.append(line)
    return b"".join(lines)


class Taker:
    """Takes every mail; `taken` holds them in order. It falls silent at a line that begins with `hang_before`."""

    def __init__(self) -> None:
        self.taken: list[Sent] = []
        self.hang_before = b""
        self.hanging = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._open: list[socket.socket] = []
        self._threads = [threading.Thread(target=self._accept, daemon=True)]

    def __enter__(self) -> Taker:
        self._threads[0].start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for each in (self._listener, *self._open):
            try:
                each.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
        for thread in self._threads:
            thread.join(10)
        for each in (self._listener, *self._open):
            each.close()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self._open.append(connection)
            thread = threading.Thread(target=self._talk, args=(connection,), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _talk(self, connection: socket.socket) -> None:
        try:
            with connection.makefile("rb") as file:
                connection.sendall(b"220 sink\r\n")
                recipients: list[str] = []
                while line := file.readline():
                    verb = line[:4].upper()
                    if self.hang_before and line.upper().startswith(self.hang_before):
                        self.hanging.set()
                        connection.recv(1)  # until the client hangs up
                        return
                    if verb == b"RCPT":
                        recipients.append(line.decode().partition("<")[2].partition(">")[0])
                    elif verb == b"DATA":
                        connection.sendall(b"354 go\r\n")
                        content = _content(file)
                        if content is None:
                            return
                        message_id = message_from_bytes(content)["Message-ID"]
                        self.taken += [Sent(each, message_id, content) for each in recipients]
                        recipients = []
                    connection.sendall(b"221 bye\r\n" if verb == b"QUIT" else b"250 ok\r\n")
        except OSError:
            pass
