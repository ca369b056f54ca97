"""Who comes in at a door, and how long each may take.

Here: a thread for each client, a cap on them, deadlines, the end. Not here: where the door is (`sockets.py`), what is
said there (`lmtp.py`, `http.py`).
Invariant: a client that is slow, silent or broken costs nobody but itself; what is in hand is finished before the end.
"""

from __future__ import annotations

import selectors
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress

CHUNK = 65_536
GRACE_S = 30.0
"""How long what is in hand may take when somebody asks to stop."""

SHORT_S = 0.05
"""How long a connection that cannot be taken is waited with."""

LINGER_S, LINGER_BYTES = 2.0, 16 << 20
"""How long, and how much of what a client still sends is read and thrown away, so that it can read our answer."""


class Client:
    """A connection, with a time by which what is awaited must have come: `by` sets it, however the bytes drip."""

    def __init__(self, connection: socket.socket, listener: Listener) -> None:
        self._socket, self._listener = connection, listener
        self._until = 0.0
        self.idle = False

    @property
    def stopping(self) -> bool:
        """Whether somebody asked to stop: what is in hand is finished, nothing is begun."""
        return self._listener.stopping

    @property
    def name(self) -> str:
        """Who it is, for the log."""
        with suppress(OSError):
            peer = self._socket.getpeername()
            if isinstance(peer, tuple):
                return str(peer[0])
        return "a unix socket"

    def by(self, seconds: float) -> None:
        """Let what is awaited come within so many seconds."""
        self._until = time.monotonic() + seconds

    def read(self) -> bytes:
        """Give what came, b"" at the end. Raises TimeoutError, OSError."""
        self._wait()
        return self._socket.recv(CHUNK)

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """Nothing is in hand here: a request to stop ends the wait as if the client had gone."""
        self.idle = True
        try:
            if self.stopping:
                self.wake()
            yield
        finally:
            self.idle = False

    def send(self, content: bytes) -> None:
        """Send all of it. Raises TimeoutError, OSError."""
        self._wait()
        self._socket.sendall(content)

    def _wait(self) -> None:
        left = self._until - time.monotonic()
        if left <= 0:
            raise TimeoutError("it took too long")
        self._socket.settimeout(left)

    def wake(self) -> None:
        """End a wait for the client."""
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RD)

    def linger(self) -> None:
        """Let the client read our last words although it still sends."""
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_WR)
            self.by(LINGER_S)
            left = LINGER_BYTES
            while left > 0 and (came := self.read()):
                left -= len(came)

    def close(self) -> None:
        self._socket.close()


class Listener:
    """Takes connections and gives each to `serve` in a thread of its own.

    Who comes when all places are taken hears `full` and nothing else; where `serve` breaks, `broken`, and `log` gets
    the exception. `begin` returns at once, `end` when all is said, or after `GRACE_S`.
    """

    def __init__(
        self, sockets: Sequence[socket.socket], clients: int, serve: Callable[[Client], None], full: bytes,
        broken: bytes, log: Callable[[Exception], None],
    ) -> None:  # fmt: skip
        self._sockets, self._most, self._serve = sockets, clients, serve
        self._full, self._broken, self._log = full, broken, log
        self._clients: dict[Client, threading.Thread] = {}
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._accept, name="accept", daemon=True)
        self.stopping = False

    def begin(self) -> None:
        """Open the door."""
        self._thread.start()

    def end(self) -> None:
        """Take nobody any more, let those who wait go, and finish what is in hand."""
        self.stopping = True
        self._thread.join()
        with self._lock:
            left = dict(self._clients)
        for client in left:
            if client.idle:
                client.wake()
        until = time.monotonic() + GRACE_S
        for thread in left.values():
            thread.join(max(until - time.monotonic(), 0.0))

    def _accept(self) -> None:
        with selectors.DefaultSelector() as ready:
            for each in self._sockets:
                each.setblocking(False)
                ready.register(each, selectors.EVENT_READ)
            while not self.stopping:
                for key, _ in ready.select(0.2):
                    try:
                        self._take(key.fileobj.accept()[0])  # type: ignore[union-attr]  # a socket, as registered
                    except OSError:  # it has gone already, or there are no more descriptors
                        time.sleep(SHORT_S)

    def _take(self, connection: socket.socket) -> None:
        if connection.family != socket.AF_UNIX:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        client = Client(connection, self)
        if not self._begun(client):
            connection.setblocking(False)
            with suppress(OSError):
                connection.send(self._full)
            connection.close()

    def _begun(self, client: Client) -> bool:
        """Begin to talk to a client; False where all places are taken, or the system has no thread for it."""
        thread = threading.Thread(target=self._run, args=(client,), name="client", daemon=True)
        with self._lock:
            if len(self._clients) >= self._most:
                return False
            self._clients[client] = thread
            try:
                thread.start()
            except RuntimeError:
                del self._clients[client]
                return False
        return True

    def _run(self, client: Client) -> None:
        try:
            self._serve(client)
        except OSError:  # it went away, or took too long: what there was to say has been said
            pass
        except Exception as error:
            self._log(error)
            client.by(1.0)
            with suppress(OSError):
                client.send(self._broken)
        finally:
            client.close()
            with self._lock:
                self._clients.pop(client, None)
