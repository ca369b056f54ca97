"""Doors that stand open inside the test, and clients that say to them exactly what a test wants said.

Here: `Standing`, `Mta`, `pushed`. Not here: doors as processes of their own (`failpoints.py`, `desk.start`).
"""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from engine.config import Config, load
from engine.config.doors import Http, Lmtp
from engine.doors import serving, sockets
from engine.doors.listening import Client, Listener
from engine.doors.reception import Reception
from engine.run.engine import Engine
from engine.store.store import Store

KEY = "a-key-that-nobody-guesses"


class Standing:
    """A door in threads of this process; nobody decides, `decide` does. `at` is where it is."""

    def __init__(self, config: Config, settings: Lmtp | Http, opened: Any = None) -> None:
        self.config = config
        self.reception = Reception(config, lambda: load(config.path))
        self.broken: list[Exception] = []
        make = serving.lmtp(settings) if isinstance(settings, Lmtp) else serving.http(settings)
        talk, full, broken = make(self.reception)
        self._opened = sockets.opened(settings.listen, settings.mode)
        made = self._opened.__enter__()
        self.at = sockets.place(made)
        self.listener = Listener(made, settings.clients, opened or talk, full, broken, self.broken.append)
        self.listener.begin()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.listener.end()
        self.reception.close()
        self._opened.__exit__(None, None, None)
        assert self.broken == []

    def decide(self) -> None:
        """Decide what has come, as the main thread of the command does."""
        from engine.run.at_once import decide_fresh

        with Store.open(self.config.store.where) as store:
            engine = Engine(self.config, store)
            for box in self.config.mailboxes:
                assert decide_fresh(engine, box)
            engine.close()


class Mta:
    """A client of LMTP that says a line at a time and hears every reply."""

    def __init__(self, at: str | Path, seconds: float = 20.0) -> None:
        self.socket = sockets.connected(str(at), seconds)
        self.socket.settimeout(seconds)
        self._file = self.socket.makefile("rb")
        try:
            self.greeting = self.hear()
        except OSError:
            self.__exit__(None, None, None)
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()
        self.socket.close()

    def hear(self) -> str:
        """One reply, its lines in one; "" at the end."""
        lines = [self._file.readline().decode()]
        while lines[-1][3:4] == "-":
            lines.append(self._file.readline().decode())
        return "".join(lines).rstrip()

    def say(self, *lines: str) -> str:
        """Say lines and hear the reply to the last one."""
        self.socket.sendall("".join(f"{line}\r\n" for line in lines).encode())
        return [self.hear() for _ in lines][-1]

    def begin(self, *recipients: str, sender: str = "jane@big.example", size: int = 0) -> list[str]:
        """Greet and name sender and recipients; gives the reply to each recipient."""
        self.say("LHLO mx.example.test")
        assert self.say(f"MAIL FROM:<{sender}>" + (f" SIZE={size}" if size else "")).startswith("250"), "MAIL"
        return [self.say(f"RCPT TO:<{each}>") for each in recipients]

    def data(self, content: bytes, replies: int = 1) -> list[str]:
        """Give a mail with its dots; gives the replies."""
        assert self.say("DATA").startswith("354")
        dotted = content.replace(b"\r\n.", b"\r\n..")
        end = b".\r\n" if content.endswith(b"\r\n") else b"\r\n.\r\n"
        self.socket.sendall((b"." if content.startswith(b".") else b"") + dotted + end)
        return [self.hear() for _ in range(replies)]

    def hand_over(self, content: bytes, *recipients: str) -> list[str]:
        """A whole mail; gives the reply to each recipient that was taken."""
        taken = [each for each in self.begin(*recipients) if each.startswith("250")]
        return self.data(content, len(taken)) if taken else []


def wait_for(at: str | Path, seconds: float = 20.0) -> None:
    """Wait until somebody listens there."""
    end = time.monotonic() + seconds
    while not sockets.is_open(str(at)):
        assert time.monotonic() < end, f"nobody listens at {at}"
        time.sleep(0.01)


@dataclass
class Answer:
    """What HTTP answered."""

    status: int
    fields: dict[str, str] = field(default_factory=dict)
    data: dict[str, Any] = field(default_factory=dict)

    @property
    def code(self) -> str:
        return str(self.data.get("code", ""))


def asked(at: str, content: bytes, *more: bytes, seconds: float = 20.0, pause_s: float = 0.0) -> list[Answer]:
    """Send bytes as they are, piece by piece; gives every answer until the other side closes."""
    with sockets.connected(at, seconds) as connection:
        connection.settimeout(seconds)
        came = b""
        try:
            for piece in (content, *more):
                connection.sendall(piece)
                time.sleep(pause_s)
            connection.shutdown(socket.SHUT_WR)
        except OSError:  # it has said what it had to say
            pass
        try:
            while piece := connection.recv(65536):
                came += piece
        except ConnectionResetError:
            pass
    return [*_answers(came)]


def _answers(came: bytes) -> Any:
    while came:
        head, _, came = came.partition(b"\r\n\r\n")
        first, *lines = head.decode().split("\r\n")
        fields = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
        size = int(fields.get("content-length", 0))
        status = int(first.split()[1])
        yield Answer(status, fields, json.loads(came[:size] or b"{}"))
        came = came[size:]


def request(
    target: str, content: bytes = b"", fields: Sequence[str] = (), *, method: str = "POST", key: str = KEY,
    kind: str = "message/rfc822",
) -> bytes:  # fmt: skip
    """The bytes of a request."""
    lines = [f"{method} {target} HTTP/1.1", "Host: localhost", *fields]
    lines += [f"Authorization: Bearer {key}"] if key else []
    lines += [f"Content-Type: {kind}"] if kind else []
    if not any(each.lower().startswith(("content-length", "transfer-encoding")) for each in fields):
        lines.append(f"Content-Length: {len(content)}")
    return "\r\n".join([*lines, "", ""]).encode() + content


def pushed(at: str, target: str, content: bytes = b"", fields: Sequence[str] = (), **options: Any) -> Answer:
    """Push a mail; gives the one answer."""
    (answer,) = asked(at, request(target, content, fields, **options))
    return answer


def talking(reply: bytes) -> Any:
    """Something that talks to a client and breaks after it."""

    def talk(client: Client) -> None:
        client.by(5.0)
        client.send(reply)
        raise ValueError("a fault of ours")

    return talk
