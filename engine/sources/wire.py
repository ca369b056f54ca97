"""A connection to a mail server that may be slow, broken or hostile.

Here: connecting, TLS, bounded reading and sending, plain sentences for what goes wrong.
Not here: IMAP or POP3. Invariant: every wait ends at the deadline of the command or of the session, whatever the
server sends, and no command makes us hold more than its allowance of bytes.
Over 300 lines: one connection, whose reading, sending and waiting share its allowance.
"""

from __future__ import annotations

import base64
import socket
import ssl
from functools import lru_cache
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING

from engine.config.mailbox import PORTS, SPOKE_PLAINLY, TOKENS
from engine.sources.source import SourceError, printable
from engine.web.bearer import first_words

if TYPE_CHECKING:
    from engine.config import Mailbox

COMMAND_BYTES = 8_000_000
"""The most an answer may hold when nothing bigger is expected."""

LINE_BYTES = 65_536
"""The longest line of an answer when nothing longer is expected."""

SESSION_TIMES = 60
"""A session may last this many times the mailbox's `timeout`: an hour at the default of a minute."""

SAID_CHARS = 160

NOT_CONNECTED = "authenticated but not connected"
"""What Exchange says to a token that is good, of an app that may not open the mailbox."""


class Overflow(Exception):
    """The server sends more than was allowed; the connection is out of step and can only be closed."""


class Wire:
    """One connection. `allow` opens an allowance of time and bytes; reading beyond either ends in SourceError."""

    def __init__(self, mailbox: Mailbox) -> None:
        self.mailbox, self.host, self.port = mailbox, mailbox.host, mailbox.port
        self.timeout_s = float(mailbox.timeout)
        self.socket: socket.socket | None = None
        self._buffer = bytearray()
        self._session_end = monotonic() + SESSION_TIMES * self.timeout_s
        self._deadline = self._session_end
        self._left_bytes = COMMAND_BYTES
        self._secrets: tuple[str, ...] = ()
        self._heard = False

    # ── allowances and errors ─────────────────────────────────────────────────────────────────────────────────

    def allow(self, seconds: float = 0.0, size_bytes: int = COMMAND_BYTES) -> None:
        """Begin a command: it may take `seconds` (0: the mailbox's `timeout`) and answer with `size_bytes`."""
        self._deadline = min(self._session_end, monotonic() + (seconds or self.timeout_s))
        self._left_bytes = size_bytes

    def hide(self, user: str, secret: str) -> None:
        """Remember what must never be repeated: servers echo what they were sent."""
        tokens = (first_words(auth, user, secret, self.host, self.port) for auth in TOKENS)
        blobs = (secret.encode(), f"\0{user}\0{secret}".encode(), *tokens)
        self._secrets = tuple(each for each in (secret, *(base64.b64encode(blob).decode() for blob in blobs)) if each)

    def error(self, code: str, what: str, said: bytes | str = b"", key: str = "") -> SourceError:
        """Make the error: `what` continues "mailbox NAME: HOST:PORT …", `said` is the server's own text, made safe."""
        text = self.quoted(said)
        if self.mailbox.sign_in is not None and NOT_CONNECTED in text.casefold():
            from engine.sources.login import not_opened

            code, what = not_opened()
        place = f"{self.host}:{self.port}"
        return SourceError(code, f"mailbox {self.mailbox.name}: {place} {what}{f' ({text})' if text else ''}", key)

    def quoted(self, said: bytes | str) -> str:
        """Make the server's words fit to be shown: one short printable line without our secrets."""
        text = said if isinstance(said, str) else said.decode("utf-8", "replace")
        for secret in self._secrets:
            text = text.replace(secret, "***")
        return printable(text.strip())[:SAID_CHARS]

    # ── opening and closing ───────────────────────────────────────────────────────────────────────────────────

    def connect(self) -> None:
        """Open the TCP connection; with several addresses each gets its share of the time."""
        self.allow()
        try:
            places = socket.getaddrinfo(self.host, self.port, type=socket.SOCK_STREAM)
        except (OSError, ValueError) as error:
            raise self.error(
                "source.unreachable", "cannot be found", getattr(error, "strerror", "") or str(error)
            ) from None
        problem: OSError = OSError("no address")
        for index, (family, kind, protocol, _, address) in enumerate(places):
            candidate = socket.socket(family, kind, protocol)
            try:
                candidate.settimeout(max(0.01, self._remaining() / (len(places) - index)))
                candidate.connect(address)
                candidate.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            except OSError as error:
                candidate.close()
                problem = error
                continue
            except BaseException:
                candidate.close()
                raise
            self.socket = candidate
            return
        if isinstance(problem, TimeoutError):
            raise self._late()
        raise self.error("source.unreachable", "cannot be reached", problem.strerror or str(problem))

    def start_tls(self, context: ssl.SSLContext) -> None:
        """Encrypt. Plaintext that came behind the answer to STARTTLS is an attack (RFC 3501, 6.2.1) and ends it."""
        if self._buffer:
            raise self.error("source.tls", "sent plaintext behind its answer to STARTTLS: someone is on the line")
        plain, self.socket = self.socket, None
        assert plain is not None  # noqa: S101 - connect() comes first
        try:
            plain.settimeout(self._remaining())
            self.socket = context.wrap_socket(plain, server_hostname=self.host)
        except ssl.SSLCertVerificationError as error:
            reason = error.verify_message or str(error)
            raise self.error("source.certificate", "shows a certificate that cannot be trusted", reason) from None
        except ssl.SSLError as error:
            raise self.error("source.tls", self._no_tls(error), error.reason or str(error)) from None
        except TimeoutError:
            raise self._late() from None
        except (OSError, ValueError) as error:
            raise self.error("source.tls", "broke off while TLS began", str(error)) from None
        finally:
            if self.socket is None:
                plain.close()

    def _no_tls(self, error: ssl.SSLError) -> str:
        """Why TLS did not begin; a server that spoke first, in plain text, is on a port for STARTTLS."""
        if self.mailbox.ssl is not True or error.reason not in SPOKE_PLAINLY:
            return "cannot agree on TLS with us"
        usual = PORTS.get((self.mailbox.protocol, True), 0)
        other = f", or port = {usual} with  ssl = true" if usual != self.port else ""
        return f'speaks no TLS at first on this port: write  ssl = "starttls"{other}'

    @property
    def encrypted(self) -> str:
        """The TLS version, "" on a plain connection."""
        return (self.socket.version() or "") if isinstance(self.socket, ssl.SSLSocket) else ""

    def close(self) -> None:
        """Hang up; nothing is said to the server. May be called twice."""
        if self.socket is not None:
            self.socket.close()
            self.socket = None
        self._buffer.clear()

    # ── reading and sending ───────────────────────────────────────────────────────────────────────────────────

    def send(self, data: bytes) -> None:
        """Send all of it within the deadline."""
        try:
            self._open().settimeout(self._remaining())
            self._open().sendall(data)
        except TimeoutError:
            raise self._late() from None
        except (OSError, ValueError) as error:
            raise self._broken(error) from None

    def readline(self, limit: int = LINE_BYTES) -> bytes:
        """Read one line with its line end. Raises Overflow for one longer than `limit`."""
        seen = 0
        while (at := self._buffer.find(b"\n", seen)) < 0:
            seen = len(self._buffer)
            if seen > limit:
                raise Overflow(f"a line of more than {limit} bytes")
            self._fill()
        if at >= limit:
            raise Overflow(f"a line of more than {limit} bytes")
        line = bytes(self._buffer[: at + 1])
        del self._buffer[: at + 1]
        return line

    def read(self, size: int) -> bytes:
        """Read exactly `size` bytes. Raises Overflow when that is more than the command may answer with."""
        if size > self._left_bytes + len(self._buffer):
            raise Overflow(f"a literal of {size} bytes")
        while len(self._buffer) < size:
            self._fill(size - len(self._buffer))
        data = bytes(self._buffer[:size])
        del self._buffer[:size]
        return data

    def read_dotted(self, limit: int) -> bytes:
        """Read a multi-line answer up to the line with a single dot, byte-stuffing undone (RFC 1939, 3).

        A dot that was not doubled stays: Dovecot forgets the one that opens a message. Raises Overflow for more than
        `limit` bytes.
        """
        seen = 0
        while True:
            if self._buffer.startswith(b".\r\n"):
                end, size = 3, 0
                break
            if (at := self._buffer.find(b"\r\n.\r\n", seen)) >= 0:
                end, size = at + 5, at + 2
                break
            seen = max(0, len(self._buffer) - 4)
            if seen > limit:
                raise Overflow(f"more than {limit} bytes")
            self._fill()
        data = bytes(self._buffer[:size])
        del self._buffer[:end]
        return (data[1:] if data.startswith(b"..") else data).replace(b"\r\n..", b"\r\n.")

    def hear(self, limit: int = LINE_BYTES) -> list[bytes]:
        """Give the lines that are there, without waiting. Raises Overflow as `readline` does, and for a flood."""
        connection = self._open()
        try:
            connection.settimeout(0)
            while data := connection.recv(65_536):
                self._left_bytes -= len(data)
                if self._left_bytes < 0:
                    raise Overflow("more than was asked for")
                self._buffer += data
        except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
            pass
        except (OSError, ValueError) as error:
            raise self._broken(error) from None
        else:
            raise self.error("source.unreachable", "closed the connection")
        *lines, rest = bytes(self._buffer).split(b"\n")
        if len(rest) > limit:
            raise Overflow(f"a line of more than {limit} bytes")
        self._buffer[:] = rest
        return lines

    def fileno(self) -> int:
        """The number of the socket, for whoever waits for many. Raises SourceError where it is closed."""
        return self._open().fileno()

    def renew(self) -> None:
        """Begin the time of the session anew: it is used again after it was at rest."""
        self._session_end = monotonic() + SESSION_TIMES * self.timeout_s

    def _fill(self, wanted: int = 65_536) -> None:
        """Read once from the socket into the buffer."""
        try:
            self._open().settimeout(self._remaining())
            data = self._open().recv(max(4096, min(wanted, 262_144)))
        except TimeoutError:
            raise self._late() from None
        except (OSError, ValueError) as error:
            raise self._broken(error) from None
        if not data:
            raise self.error("source.unreachable", "closed the connection")
        self._heard = True
        self._left_bytes -= len(data)
        if self._left_bytes < 0:
            raise Overflow("more than was asked for")
        self._buffer += data

    def _open(self) -> socket.socket:
        if self.socket is None:
            raise self.error("source.unreachable", "is not connected any more")
        return self.socket

    def _remaining(self) -> float:
        left = self._deadline - monotonic()
        if left <= 0:
            raise self._late()
        return left

    def _late(self) -> SourceError:
        if not self._heard and self.mailbox.ssl is not True and self.port == PORTS.get((self.mailbox.protocol, True)):
            return self.error("source.timeout", "says nothing: this port waits for TLS, write  ssl = true")
        return self.error("source.timeout", "did not answer in time")

    def _broken(self, error: Exception) -> SourceError:
        return self.error("source.unreachable", "broke off", getattr(error, "strerror", "") or str(error))


def tls_context(mailbox: Mailbox) -> ssl.SSLContext:
    """The TLS settings of a mailbox: 1.2 at least, certificate and name verified unless the mailbox says otherwise."""
    ca_file = str(mailbox.ca_file or "")
    try:
        changed = Path(ca_file).stat().st_mtime_ns if ca_file else 0
        return _context(bool(mailbox.ssl_verification), ca_file, changed)
    except (OSError, ssl.SSLError) as error:
        reason = getattr(error, "strerror", "") or str(error)
        raise SourceError(
            "source.certificate", f"mailbox {mailbox.name}: ca_file {ca_file} cannot be used ({reason})"
        ) from None


@lru_cache(maxsize=16)
def _context(verify: bool, ca_file: str, _changed: int) -> ssl.SSLContext:
    context = ssl.create_default_context() if verify else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if not verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    elif ca_file:
        context.load_verify_locations(ca_file)
    return context


def one_line(wire: Wire, text: str, what: str) -> str:
    """Refuse a text with CR, LF or NUL in it: it would end the command and begin another."""
    if any(char in text for char in "\r\n\0"):
        raise wire.error("source.bad_name", f"is not told {what}: it holds a line break")
    return text
