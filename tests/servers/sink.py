"""A server that takes mail on loopback, writes down every byte, and may be told to misbehave.

Here: SMTP as far as our client speaks it (RFC 5321, STARTTLS, AUTH PLAIN). Not here: what is expected of a client.
"""

from __future__ import annotations

import base64
import contextlib
import socket
import ssl
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from email import message_from_bytes
from types import TracebackType
from typing import BinaryIO


@dataclass(frozen=True)
class Taken:
    """One mail as it crossed the wire, dots unstuffed, and what was said to it; "" hung up."""

    reverse_path: str
    recipients: list[str]
    content: bytes
    said: str = "250 ok"

    @property
    def recipient(self) -> str:
        """The first recipient: our client sends a mail of its own to each."""
        return self.recipients[0]

    @property
    def message_id(self) -> str:
        """The Message-ID of the mail."""
        return str(message_from_bytes(self.content)["Message-ID"])


class Sink:
    """Takes every mail; `taken` holds them in order, `heard` every line of every client.

    `says` gives other replies than the usual ones, by verb (GREETING, STARTTLS, AUTH, MAIL, RCPT, DOT, …); an empty one
    hangs up. With `tls` it offers STARTTLS, or with `implicit` nothing but TLS; `login` is the password it wants, and
    `tokens` says of a user and a token whether they are good. It falls silent at a line that begins with
    `hang_before`, and tells so by `hanging`; it hangs up at one that begins with `breaks_at`. `refuses` are its answers
    to recipients, by what stands in the line. A session of `mails_each` mails is ended at the next one, with the words
    of `then` if there are any. `moods` are other replies as in `says`, one set for each connection; when they are over
    it is the usual server.
    """

    def __init__(
        self,
        *,
        tls: ssl.SSLContext | None = None,
        implicit: bool = False,
        login: str = "",
        tokens: Callable[[str, str], bool] | None = None,
        says: Mapping[str, str] | None = None,
        breaks_at: bytes = b"",
        refuses: Mapping[bytes, str] | None = None,
        mails_each: int = 0,
        then: str = "",
        moods: Iterable[Mapping[str, str]] = (),
    ) -> None:
        self._moods = iter(moods)
        self.breaks_at, self.refuses, self.mails_each, self.then = breaks_at, dict(refuses or {}), mails_each, then
        self.taken: list[Taken] = []
        self.heard: list[bytes] = []
        self.connections = 0
        self.hang_before = b""
        self.hanging = threading.Event()
        self._tls, self._implicit, self._login, self._says = tls, implicit, login, dict(says or {})
        self.tokens = tokens
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._open: list[socket.socket] = []
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    def __enter__(self) -> Sink:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Hang up on everybody and stop listening; twice does no harm."""
        for each in (self._listener, *self._open):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
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
            self.connections += 1
            self._open.append(connection)
            thread = threading.Thread(target=self._serve, args=(connection,), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _serve(self, connection: socket.socket) -> None:
        talk = _Talk(self, connection, self._tls, self._implicit, self._login, self._says | dict(next(self._moods, {})))
        with contextlib.suppress(OSError, _HungUp):
            talk.run()
        with contextlib.suppress(OSError):
            talk.connection.shutdown(socket.SHUT_RDWR)


class _HungUp(Exception):
    """The server ends the conversation."""


class _Talk:
    """One conversation."""

    def __init__(
        self,
        sink: Sink,
        connection: socket.socket,
        tls: ssl.SSLContext | None,
        implicit: bool,
        login: str,
        says: dict[str, str],
    ) -> None:
        self.sink, self.connection, self.tls, self.implicit, self.login, self.says = (
            sink, connection, tls, implicit, login, says,
        )  # fmt: skip
        self.file: BinaryIO
        self.secured = False
        self.reverse_path = ""
        self.recipients: list[str] = []
        self.mails = 0

    def run(self) -> None:
        if self.implicit:
            self._secure()
        self.file = self.connection.makefile("rb")
        self._say("GREETING", "220 sink")
        while line := self.file.readline():
            if self.sink.hang_before and line.upper().startswith(self.sink.hang_before):
                self.sink.hanging.set()
                self.connection.recv(1)  # until the client hangs up
                return
            self.sink.heard.append(line)
            if self.sink.breaks_at and line.upper().startswith(self.sink.breaks_at):
                return
            self._answer(line)

    def _answer(self, line: bytes) -> None:
        verb, _, rest = line.decode("utf-8", "replace").strip().partition(" ")
        verb = verb.upper()
        if verb == "EHLO":
            self._say(verb, "\r\n".join(self._offers()))
        elif verb == "STARTTLS" and self.tls is not None:
            if self._say(verb, "220 go").startswith("220"):
                self._secure()
                self.file = self.connection.makefile("rb")
        elif verb == "AUTH" and self.sink.tokens is not None:
            self._token(rest)
        elif verb == "AUTH":
            given = base64.b64decode(rest.partition(" ")[2]).decode().split("\0")[-1]
            self._say(verb, "235 ok" if given == self.login else "535 no")
        elif verb == "MAIL" and self.sink.mails_each and self.mails >= self.sink.mails_each:
            self._say(verb, self.sink.then)
            raise _HungUp
        elif verb == "MAIL":
            self.mails += 1
            self.reverse_path, self.recipients = _path(rest), []
            self._say(verb, "250 ok")
        elif verb == "RCPT":
            refused = [reply for part, reply in self.sink.refuses.items() if part in line.upper()]
            if self._say(verb, *refused or ["250 ok"]).startswith("2"):
                self.recipients.append(_path(rest))
        elif verb == "DATA":
            if self._say(verb, "354 go").startswith("354"):
                said = self.says.get("DOT", "250 ok")
                self.sink.taken.append(Taken(self.reverse_path, self.recipients, self._content(), said))
                self._say("DOT", "250 ok")
        else:
            self._say(verb, "221 bye" if verb == "QUIT" else "250 ok")

    def _token(self, rest: str) -> None:
        """AUTH XOAUTH2 or OAUTHBEARER; who is refused hears why first, and answers that (RFC 7628, 3.2.3)."""
        mechanism, _, words = rest.partition(" ")
        if not words:
            self._say("GO ON", "334 ")
            words = self._heard()
        user, token = _token(base64.b64decode(words).decode())
        assert self.sink.tokens is not None
        if "AUTH" not in self.says and self.sink.tokens(user, token):
            self._say("AUTH OK", "235 2.7.0 ok")
            return
        told = base64.b64encode(b'{"status":"400","schemes":"Bearer","scope":"https://mail.google.com/"}').decode()
        self._say("WHY", f"334 {told}")
        assert self._heard() == ("AQ==" if mechanism == "OAUTHBEARER" else "")
        self._say("AUTH", "535 5.7.3 Authentication unsuccessful")

    def _heard(self) -> str:
        line = self.file.readline()
        self.sink.heard.append(line)
        return line.decode().strip()

    def _content(self) -> bytes:
        lines = []
        while (line := self.file.readline()) != b".\r\n":
            if not line:
                raise _HungUp
            lines.append(line.removeprefix(b"."))
        return b"".join(lines)

    def _offers(self) -> list[str]:
        offers = ["sink"]
        if self.tls is not None and not self.secured:
            offers.append("STARTTLS")
        if self.login:
            offers.append("AUTH PLAIN")
        if self.sink.tokens is not None:
            offers.append("AUTH XOAUTH2 OAUTHBEARER")
        return [*(f"250-{each}" for each in offers[:-1]), f"250 {offers[-1]}"]

    def _secure(self) -> None:
        assert self.tls is not None
        self.connection = self.tls.wrap_socket(self.connection, server_side=True)
        self.sink._open.append(self.connection)
        self.secured = True

    def _say(self, verb: str, usual: str) -> str:
        reply = self.says.get(verb, usual)
        if not reply:
            raise _HungUp
        self.connection.sendall(reply.replace("\r\n", "\n").replace("\n", "\r\n").encode() + b"\r\n")
        return reply


def _token(words: str) -> tuple[str, str]:
    """User and token of the first words of XOAUTH2 or OAUTHBEARER."""
    parts = words.split("\1")
    user = parts[0].removeprefix("user=") if words.startswith("user=") else parts[0].split(",")[1].removeprefix("a=")
    (token,) = (each.removeprefix("auth=Bearer ") for each in parts if each.startswith("auth=Bearer "))
    return user, token


def _path(rest: str) -> str:
    return rest.partition("<")[2].partition(">")[0]
