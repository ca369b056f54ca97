"""A proxy between us and a server that loses, cuts, changes and remembers what passes.

Here: one fault plan for all connections, set by attributes. Not here: the servers.
"""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from types import TracebackType


class Chaos:
    """Forwards connections to `upstream` (a port on loopback); `heard` is every byte clients sent.

    `replace` changes bytes on their way to the client. `drop_reply` and `drop_command` name client bytes: when they
    pass, the connection is reset behind the server's back: after the command was done, or before it arrives.
    `cut_after` resets when so many bytes went to the client. Each fault strikes `times` times, then never again.
    """

    host = "localhost"

    def __init__(self, upstream: int) -> None:
        self.upstream = upstream
        self.replace: dict[bytes, bytes] = {}
        self.drop_reply = self.drop_command = b""
        self.cut_after = 0
        self.times = 1
        self.heard = b""
        self._stopped = False
        self._open: list[socket.socket] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._threads = [threading.Thread(target=self._accept, daemon=True)]

    def __enter__(self) -> Chaos:
        self._threads[0].start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopped = True
        for each in (self._listener, *self._open):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(10)
        for each in (self._listener, *self._open):
            each.close()

    def cut(self) -> None:
        """Reset every connection there is."""
        gone, self._open = self._open, []
        _reset(*gone)
        for each in gone:
            each.close()

    def _accept(self) -> None:
        while not self._stopped:
            try:
                client, _ = self._listener.accept()
                server = socket.create_connection(("127.0.0.1", self.upstream), 10)
            except OSError:
                return
            server.settimeout(None)
            self._open += [client, server]
            swallow = threading.Event()
            for pump in (self._up, self._down):
                thread = threading.Thread(target=pump, args=(client, server, swallow), daemon=True)
                self._threads.append(thread)
                thread.start()

    def _up(self, client: socket.socket, server: socket.socket, swallow: threading.Event) -> None:
        with contextlib.suppress(OSError):
            while data := client.recv(65536):
                self.heard += data
                if self.drop_command and self.drop_command in data and self._strikes():
                    break
                if self.drop_reply and self.drop_reply in data and self._strikes():
                    swallow.set()
                server.sendall(data)
        _reset(client, server)

    def _down(self, client: socket.socket, server: socket.socket, swallow: threading.Event) -> None:
        sent = 0
        with contextlib.suppress(OSError):
            while data := server.recv(65536):
                for old, new in self.replace.items():
                    data = data.replace(old, new)
                if swallow.is_set():
                    break
                sent += len(data)
                if self.cut_after and sent > self.cut_after and self._strikes():
                    client.sendall(data[: len(data) - (sent - self.cut_after)])
                    break
                client.sendall(data)
        _reset(client, server)

    def _strikes(self) -> bool:
        self.times -= 1
        return self.times >= 0


def _reset(*sockets: socket.socket) -> None:
    for each in sockets:
        with contextlib.suppress(OSError):
            each.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            each.shutdown(socket.SHUT_RDWR)
