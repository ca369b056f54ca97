"""Servers that say exactly what a test tells them, and remember what they heard.

Here: a TCP server with one thread a connection, small IMAP and POP3 scripts to be spoiled at will.
Not here: anything a real server can show as well (`dovecot.py`).
"""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable
from types import TracebackType

PATIENCE_S = 10.0


class Talk:
    """One connection as a script sees it."""

    def __init__(self, connection: socket.socket, server: Scripted) -> None:
        self.socket, self.server = connection, server
        self._buffer = b""

    def send(self, *lines: bytes | str) -> None:
        """Send lines, CRLF added."""
        self.raw(b"".join((line.encode() if isinstance(line, str) else line) + b"\r\n" for line in lines))

    def raw(self, data: bytes) -> None:
        """Send bytes as they are."""
        self.socket.sendall(data)

    def line(self) -> bytes:
        """Read a line without its end, b"" when the other side has hung up."""
        while b"\r\n" not in self._buffer:
            data = self.socket.recv(65536)
            if not data:
                return b""
            self.server.heard += data
            self._buffer += data
        line, _, self._buffer = self._buffer.partition(b"\r\n")
        return line

    def drip(self, data: bytes, pause_s: float = 0.05) -> None:
        """Send byte after byte, slowly, until the other side or the test has enough."""
        for byte in data:
            self.raw(bytes([byte]))
            if self.server.stopped.wait(pause_s):
                return

    def hang(self) -> None:
        """Say nothing more until the other side hangs up."""
        while self.line():
            pass

    def start_tls(self) -> None:
        """Encrypt with the server's context."""
        assert self.server.tls is not None
        self.socket = self.server.tls.wrap_socket(self.socket, server_side=True)
        self._buffer = b""


Script = Callable[[Talk], None]


class Scripted:
    """A server that runs `script` for every connection; with `tls` and `wrapped` it speaks TLS from the first byte.

    `heard` is all plaintext clients sent, `connections` how often somebody came.
    """

    host = "localhost"

    def __init__(self, script: Script, tls: ssl.SSLContext | None = None, wrapped: bool = True) -> None:
        self.script, self.tls, self.wrapped = script, tls, wrapped
        self.heard = b""
        self.connections = 0
        self.stopped = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._threads = [threading.Thread(target=self._accept, daemon=True)]

    def __enter__(self) -> Scripted:
        self._threads[0].start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stopped.set()
        try:
            self._listener.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self._listener.close()
        for thread in self._threads:
            thread.join(PATIENCE_S)

    def _accept(self) -> None:
        while not self.stopped.is_set():
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            connection.settimeout(PATIENCE_S)
            thread = threading.Thread(target=self._serve, args=(connection,), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _serve(self, connection: socket.socket) -> None:
        talk = Talk(connection, self)
        try:
            if self.tls is not None and self.wrapped:
                talk.start_tls()
            self.script(talk)
        except (OSError, ValueError):
            pass
        finally:
            talk.socket.close()


Reply = bytes | str | Callable[[Talk, bytes, bytes], None]


def imap(greeting: str = "* OK ready", capability: str = "IMAP4rev1 UIDPLUS MOVE", **replies: Reply) -> Script:
    """An IMAP server with one message, UID 7 of 12 bytes, until it is moved or deleted.

    A reply by command name (`uid_fetch`) spoils it.

    A text is sent before the tagged OK; a function gets the talk, the tag and the rest of the line and says it all.
    """
    done: set[bytes] = set()

    def fetch(talk: Talk, tag: bytes, rest: bytes) -> None:
        if done & {b"MOVE", b"EXPUNGE"}:
            talk.send(tag + b" OK done")
        elif b"Deleted" in done and b"BODY" not in rest:
            talk.send(b"* 1 FETCH (UID 7 RFC822.SIZE %d FLAGS (\\Deleted))" % len(BODY), tag + b" OK done")
        else:
            fetch_reply(talk, tag, rest)

    def change(talk: Talk, tag: bytes, rest: bytes) -> None:
        done.update(word for word in (b"MOVE", b"EXPUNGE", b"Deleted") if word in rest)
        talk.send(tag + b" OK done")

    usual: dict[str, Reply] = {
        "capability": f"* CAPABILITY {capability}",
        "login": "",
        "list": '* LIST (\\Noselect) "/" ""',
        "examine": "* 1 EXISTS\r\n* OK [UIDVALIDITY 9] ok\r\n* OK [UIDNEXT 8] ok",
        "select": "* 1 EXISTS\r\n* OK [UIDVALIDITY 9] ok\r\n* OK [PERMANENTFLAGS (\\Deleted \\Seen \\*)] ok",
        "uid_search": "* SEARCH 7",
        "uid_fetch": fetch,
        "uid_store": change,
        "uid_move": change,
        "uid_copy": "",
        "uid_expunge": change,
        "expunge": "",
        "logout": "* BYE bye",
    }
    usual |= replies

    def script(talk: Talk) -> None:
        talk.send(greeting)
        while line := talk.line():
            tag, _, rest = line.partition(b" ")
            words = rest.lower().split()
            name = b"_".join(words[:2] if words[:1] == [b"uid"] else words[:1]).decode()
            reply = usual.get(name)
            if callable(reply):
                reply(talk, tag, rest)
            elif reply is None:
                talk.send(tag + b" BAD unknown")
            else:
                if reply:
                    talk.send(reply)
                talk.send(tag + b" OK done")

    return script


BODY = b"Subject: x\r\n"


def fetch_reply(talk: Talk, tag: bytes, rest: bytes) -> None:
    """Answer a FETCH of UID 7 honestly."""
    if b"BODY.PEEK[]" in rest:
        talk.raw(b"* 1 FETCH (UID 7 BODY[] {%d}\r\n%s)\r\n" % (len(BODY), BODY))
    else:
        talk.send(b"* 1 FETCH (UID 7 RFC822.SIZE %d FLAGS ())" % len(BODY))
    talk.send(tag + b" OK done")


def pop3(
    greeting: str = "+OK ready <1.2@test>",
    mails: tuple[bytes, ...] = (BODY,),
    **replies: str | Callable[[Talk, bytes], None],
) -> Script:
    """A POP3 server; a reply by command name spoils it. `mails` are its messages, with UIDLs m1, m2 …"""

    def retr(talk: Talk, rest: bytes) -> None:
        content = mails[int(rest.split()[0]) - 1]
        talk.raw(b"+OK\r\n" + (b"\r\n" + content).replace(b"\r\n.", b"\r\n..")[2:] + b".\r\n")

    numbered = [(number, mail) for number, mail in enumerate(mails, 1)]
    usual: dict[str, str | Callable[[Talk, bytes], None]] = {
        "capa": "+OK\r\nUSER\r\nUIDL\r\n.",
        "user": "+OK",
        "pass": "+OK",
        "list": "\r\n".join(["+OK", *(f"{number} {len(mail)}" for number, mail in numbered), "."]),
        "uidl": "\r\n".join(["+OK", *(f"{number} m{number}" for number, _ in numbered), "."]),
        "retr": retr,
        "dele": "+OK",
        "quit": "+OK",
    }
    usual |= replies

    def script(talk: Talk) -> None:
        talk.send(greeting)
        while line := talk.line():
            name, _, rest = line.partition(b" ")
            reply = usual.get(name.decode().lower(), "-ERR unknown")
            if callable(reply):
                reply(talk, rest)
            else:
                talk.send(reply)
            if name.upper() == b"QUIT":
                return

    return script
