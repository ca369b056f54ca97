"""A door from its opening to its end: sockets, clients, deciding, signals, what systemd hears.

Here: `serve`. Not here: each of these; options and what is printed (`cli/doors.py`).
Invariant: after a request to stop nothing new is begun and what is in hand is finished; neither that nor `kill -9`
loses anything that was answered for.
"""

from __future__ import annotations

import socket
import traceback
from collections.abc import Callable
from contextlib import closing, suppress
from typing import TYPE_CHECKING

from engine.doors import sockets
from engine.doors.listening import Client, Listener
from engine.doors.reception import Reception
from engine.log import Entry
from engine.stop import Stop, Stopped

if TYPE_CHECKING:
    from engine.config import Config
    from engine.config.doors import Http, Lmtp

Talk = Callable[[Client], None]
Door = Callable[[Reception], tuple[Talk, bytes, bytes]]
"""Gives what talks to a client, what is said to one too many, and what where that breaks."""


def lmtp(settings: Lmtp) -> Door:
    """Make the door for mail servers."""

    def door(reception: Reception) -> tuple[Talk, bytes, bytes]:
        from engine.doors.lmtp import BROKEN, FULL, Session

        name = socket.gethostname() or "localhost"
        return lambda client: Session(client, reception, settings.timeout, name).run(), FULL, BROKEN

    return door


def http(settings: Http, aloud: Callable[[str], None] = lambda _: None) -> Door:
    """Make the door for programs; `aloud` hears of a key that cannot be had.

    Where none of them can be had the door raises SecretError.
    """

    def door(reception: Reception) -> tuple[Talk, bytes, bytes]:
        from engine.doors.http import BROKEN, FULL, Session
        from engine.doors.keys import Keys, Telling

        keys = Keys(Telling(reception, aloud))
        keys.begin(reception.config)
        return lambda client: Session(client, reception, keys, settings.timeout).run(), FULL, BROKEN

    return door


def serve(
    config: Config, load: Callable[[], Config], settings: Lmtp | Http, door: Door, opened: Callable[[str], None]
) -> None:
    """Open a door and keep it open until SIGTERM or Ctrl-C; `opened` hears where it is.

    Raises CannotListen, SecretError.
    """
    stop = Stop()
    with (
        suppress(Stopped), stop.signals(), sockets.opened(settings.listen, settings.mode) as listening,
        closing(Reception(config, load)) as reception,
    ):  # fmt: skip
        with stop.interruptible():  # keys may be long in coming
            talk, full, broken = door(reception)
        listener = Listener(listening, settings.clients, talk, full, broken, _breaking(reception))
        listener.begin()
        try:
            opened(sockets.place(listening))
            sockets.tell_systemd("READY=1")
            reception.decide(stop)
        finally:
            sockets.tell_systemd("STOPPING=1")
            listener.end()


def _breaking(reception: Reception) -> Callable[[Exception], None]:
    def log(error: Exception) -> None:
        told = "".join(traceback.format_exception(error))[-2000:].replace("\n", " | ")
        reception.log(Entry("error", "door.broken", told))

    return log
