"""A proxy before a server whose connections break in every way, as chance has it; the seed makes it repeatable.

Here: which fault a connection has. Not here: one planned fault for all connections (`chaos.py`).
"""

from __future__ import annotations

import contextlib
import random
import socket
import threading
from collections import Counter
from dataclasses import dataclass

from servers.chaos import _reset


@dataclass(frozen=True)
class Fault:
    """What happens to a connection: refused, ended after so many bytes to the client, or at bytes of the client.

    At `bytes_up` the command does not arrive, or its reply does not (`reply_lost`): then it was done.
    """

    kind: str
    after: int = 0
    bytes_up: bytes = b""
    reply_lost: bool = False
    politely: bool = False


class Flaky:
    """Forwards connections to `upstream`, a port on loopback; a share of them is faulty. `met` counts by kind."""

    host = "localhost"

    def __init__(self, upstream: int, share: float, commands: tuple[bytes, ...], seed: int) -> None:
        self.upstream, self.share, self.commands = upstream, share, commands
        self.connections, self.met = 0, Counter[str]()
        self._chance = random.Random(seed)  # noqa: S311 - repeatable on purpose
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=100)
        self.port: int = self._listener.getsockname()[1]
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    def close(self) -> None:
        """Listen no more, and wait until whoever is connected has gone."""
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        for each in self._threads:
            each.join(10)
        self._listener.close()

    def calm(self) -> None:
        """Break nothing from now on."""
        self.share = 0.0

    def _plan(self) -> Fault | None:
        self.connections += 1
        if self._chance.random() >= self.share:
            return None
        kind = self._chance.choice(("refused", "reset", "ended", "command lost", "reply lost"))
        after = int(10 ** self._chance.uniform(1, 5.3))
        lost = kind.endswith("lost")
        return Fault(
            kind, 0 if lost else after, self._chance.choice(self.commands) if lost else b"",
            kind == "reply lost", kind == "ended",
        )  # fmt: skip

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            thread = threading.Thread(target=self._between, args=(client, self._plan()), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _between(self, client: socket.socket, fault: Fault | None) -> None:
        with client:
            if fault is not None and fault.kind == "refused":
                self._strikes(fault, client)
                return
            try:
                server = socket.create_connection(("127.0.0.1", self.upstream), 10)
            except OSError:
                return
            server.settimeout(None)
            silent = threading.Event()
            with server:
                up = threading.Thread(target=self._up, args=(client, server, fault, silent), daemon=True)
                up.start()
                self._down(client, server, fault, silent)
                up.join()

    def _up(self, client: socket.socket, server: socket.socket, fault: Fault | None, silent: threading.Event) -> None:
        with contextlib.suppress(OSError):
            while data := client.recv(65536):
                if fault is not None and fault.bytes_up and fault.bytes_up in data:
                    if not fault.reply_lost:
                        self._strikes(fault)
                        break
                    silent.set()
                server.sendall(data)
        _reset(client, server)

    def _down(self, client: socket.socket, server: socket.socket, fault: Fault | None, silent: threading.Event) -> None:
        sent = 0
        with contextlib.suppress(OSError):
            while data := server.recv(65536):
                if silent.is_set() and fault is not None:
                    self._strikes(fault)
                    break
                if fault is not None and fault.after and sent + len(data) > fault.after:
                    client.sendall(data[: fault.after - sent])
                    self._strikes(fault)
                    if fault.politely:
                        client.shutdown(socket.SHUT_RDWR)
                    break
                sent += len(data)
                client.sendall(data)
        _reset(client, server)

    def _strikes(self, fault: Fault, *sockets: socket.socket) -> None:
        self.met[fault.kind] += 1
        _reset(*sockets)
