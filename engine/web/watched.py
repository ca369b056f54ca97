"""Connections that are cut when their time is over.

Here: what urllib3 lets a subclass see of its connections, and the clock over them. Not here: asking (`client.py`).
Invariant: from the first packet of an exchange on, nothing the other side sends or leaves out makes it longer.
"""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import urllib3


class Late(OSError):
    """The time of an exchange is over."""


class _Watch:
    """Cuts the connections of one exchange when its time is over: a socket's own timeout starts with every byte."""

    def __init__(self, seconds: float) -> None:
        self.over = threading.Event()
        self._handles: list[socket.socket] = []
        self._timer = threading.Timer(seconds, self._cut)
        self._timer.daemon = True
        self._timer.start()

    def see(self, connected: socket.socket) -> None:
        """Watch a connection. What it is copied to stays valid when TLS takes it over."""
        self._handles.append(socket.socket(fileno=os.dup(connected.fileno())))
        if self.over.is_set():
            self._cut()

    def _cut(self) -> None:
        self.over.set()
        for handle in [*self._handles]:
            with suppress(OSError):
                handle.shutdown(socket.SHUT_RDWR)

    def end(self) -> None:
        self._timer.cancel()
        self._timer.join()
        for handle in self._handles:
            handle.close()


_now = threading.local()


@contextmanager
def deadline(seconds: float) -> Iterator[None]:
    """Watch the connections that are made or used inside. Raises: Late, in place of what comes of a cut one."""
    watch = _now.watch = _Watch(seconds)
    try:
        yield
    except Exception:
        if watch.over.is_set():
            raise Late from None
        raise
    finally:
        _now.watch = None
        watch.end()
    if watch.over.is_set():  # what was read until then may look like a whole answer
        raise Late


class _Http(urllib3.connection.HTTPConnection):
    """A connection that the exchange under way watches, from its first packet on."""

    def _new_conn(self) -> socket.socket:
        connected = super()._new_conn()
        _now.watch.see(connected)
        return connected

    def request(self, *what: Any, **how: Any) -> None:
        if self.sock is not None:  # kept from an exchange before
            _now.watch.see(self.sock)
        super().request(*what, **how)


class _Https(_Http, urllib3.connection.HTTPSConnection):
    """The same by TLS."""


class _HttpPool(urllib3.HTTPConnectionPool):
    ConnectionCls = _Http


class _HttpsPool(urllib3.HTTPSConnectionPool):
    ConnectionCls = _Https


POOLS = {"http": _HttpPool, "https": _HttpsPool}
"""What a PoolManager makes its connections by."""
