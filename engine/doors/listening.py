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
from contextlib import closing, contextmanager, suppress
from typing import cast

CHUNK = 65_536
GRACE_S = 30.0
"""How long what is in hand may take when somebody asks to stop."""

LOOK_S = 0.2
"""How soon a request to stop is seen where nobody comes."""

SHORT_S = 0.05
"""How long a connection that cannot be taken is waited with."""

LINGER_S, LINGER_BYTES = 2.0, 16 << 20
"""How long, and how much of what a client still sends is read and thrown away, so that it can read our answer."""

MOST_TURNED_AWAY = 100
"""Clients for whom there is no place that are heard out at a time."""


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


class TurnedAway:
    """Clients for whom there was no place: what they still send is thrown away for a while, so that they read why.

    All of it in the thread that accepts, by its selector; `hear` what one sent, `look` whose time is over.
    """

    def __init__(self, ready: selectors.BaseSelector) -> None:
        self._ready = ready
        self._left: dict[socket.socket, tuple[float, int]] = {}

    def add(self, connection: socket.socket, said: bytes) -> None:
        """Say the last words to a client; closed at once where too many are heard out already."""
        connection.setblocking(False)
        try:
            connection.send(said)
            connection.shutdown(socket.SHUT_WR)
            if len(self._left) >= MOST_TURNED_AWAY:
                raise OSError("too many")
            self._ready.register(connection, selectors.EVENT_READ)
        except OSError:
            connection.close()
        else:
            self._left[connection] = (time.monotonic() + LINGER_S, LINGER_BYTES)

    def hear(self, connection: socket.socket) -> None:
        """Throw away what one sent."""
        until, left = self._left[connection]
        try:
            came = len(connection.recv(CHUNK))
        except BlockingIOError:
            return
        except OSError:
            came = 0
        if came and left > came:
            self._left[connection] = (until, left - came)
        else:
            self._let_go(connection)

    def look(self) -> None:
        """Let those go whose time is over."""
        now = time.monotonic()
        for each in [each for each, (until, _) in self._left.items() if until < now]:
            self._let_go(each)

    def _let_go(self, connection: socket.socket) -> None:
        del self._left[connection]
        self._ready.unregister(connection)
        connection.close()

    def close(self) -> None:
        """Let all go."""
        for each in list(self._left):
            self._let_go(each)


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
        with selectors.DefaultSelector() as ready, closing(TurnedAway(ready)) as turned_away:
            for each in self._sockets:
                each.setblocking(False)
                ready.register(each, selectors.EVENT_READ)
            while not self.stopping:
                for key, _ in ready.select(LOOK_S):
                    found = cast("socket.socket", key.fileobj)
                    if found not in self._sockets:
                        turned_away.hear(found)
                        continue
                    try:
                        connection = found.accept()[0]
                        if not self._taken(connection):
                            turned_away.add(connection, self._full)
                    except OSError:  # it has gone already, or there are no more descriptors
                        time.sleep(SHORT_S)
                turned_away.look()

    def _taken(self, connection: socket.socket) -> bool:
        if connection.family != socket.AF_UNIX:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return self._begun(Client(connection, self))

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
            with self._lock:  # before the end is seen outside: whoever comes back then has a place
                self._clients.pop(client, None)
            client.close()
