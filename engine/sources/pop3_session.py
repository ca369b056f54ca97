"""One POP3 session (RFC 1939, 2449, 2595, 5034), read by ourselves: poplib falls out of step at a line of 2 kB.

Here: greeting, TLS, login, commands. Not here: which message is new, what is deleted (`pop3.py`).
Invariant: no credential leaves before the connection is as safe as the mailbox asks for; what was marked with DELE
is deleted only by `quit`.
"""

from __future__ import annotations

import base64
import hashlib
import re
from contextlib import suppress
from typing import TYPE_CHECKING

from engine.sources.login import refused_login, secret_of
from engine.sources.sasl import MECHANISMS, answers
from engine.sources.source import SourceError
from engine.sources.wire import Overflow, Wire, one_line, tls_context
from engine.web.bearer import MECHANISMS as BEARER
from engine.web.bearer import TokenAnswers

if TYPE_CHECKING:
    from engine.config import Mailbox

LISTING_BYTES = 32_000_000
MOST_MESSAGES = 1_000_000
STATUS_BYTES = 8192
MOST_CHALLENGES = 5
RETR_TIMES = 5

_TIMESTAMP = re.compile(rb"<[!-;=?-~]{1,250}@[!-;=?-~]{0,250}>")
_UIDL = re.compile(rb"^(\d{1,9}) +([!-~]{1,250}) *\r$", re.MULTILINE)
_SIZE = re.compile(rb"^(\d{1,9}) +(\d{1,18})(?: [^\r\n]*)?\r$", re.MULTILINE)
_CODE = re.compile(rb"\s*\[([A-Z0-9/-]{1,40})\]", re.IGNORECASE)


class Refused(Exception):
    """The server answered -ERR; `code` is the RFC 2449 response code, `text` its words, safe to show."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code, self.text = code, text


class Session:
    """A logged-in session. Raises SourceError when it breaks, Refused for -ERR."""

    def __init__(self, mailbox: Mailbox) -> None:
        """Connect, encrypt and log in."""
        secret = secret_of(mailbox)
        self.mailbox, self.wire = mailbox, Wire(mailbox)
        self.wire.hide(mailbox.username, secret)
        self.retrieved = self.marked = 0
        try:
            greeting = self._begin()
            self._log_in(mailbox.username, secret, greeting)
        except BaseException:
            self.wire.close()
            raise

    # ── opening and closing ───────────────────────────────────────────────────────────────────────────────────

    def _begin(self) -> bytes:
        wire, mailbox = self.wire, self.mailbox
        context = tls_context(mailbox) if mailbox.ssl else None
        wire.connect()
        if context is not None and mailbox.ssl is True:
            wire.start_tls(context)
        try:
            greeting = self._status()
        except Refused as refused:
            raise wire.error("source.busy", "does not want to talk now", refused.text) from None
        if context is not None and mailbox.ssl == "starttls":
            try:
                self.command("STLS")
            except Refused as refused:
                what = "does not offer STLS; the login is not sent in the clear"
                raise wire.error("source.starttls_missing", what, refused.text) from None
            wire.start_tls(context)
        return greeting

    def _log_in(self, user: str, secret: str, greeting: bytes) -> None:
        one_line(self.wire, user, "the user name")
        one_line(self.wire, secret, "the password")
        auth = self.mailbox.auth or "login"
        try:
            if auth == "apop":
                self._apop(user, secret, greeting)
            elif auth in ("login", "user"):
                self._user_pass(user, secret, auth)
            else:
                self._sasl(auth, user, secret)
        except Refused as refused:
            busy = refused.code in ("IN-USE", "LOGIN-DELAY", "SYS/TEMP")
            code, what = ("source.busy", "is busy") if busy else refused_login(self.mailbox, secret)
            raise self.wire.error(code, what, refused.text) from None

    def _user_pass(self, user: str, secret: str, auth: str) -> None:
        """USER and PASS; on a server that offers no USER but the mechanism LOGIN, that."""
        if auth == "login":
            offered = self._capabilities()
            sasl = offered.get("SASL", "").split()
            if offered and "USER" not in offered and "LOGIN" in sasl:
                self._sasl("auth-login", user, secret)
                return
        self.command(f"USER {user}")
        self.command(f"PASS {secret}")

    def _apop(self, user: str, secret: str, greeting: bytes) -> None:
        found = _TIMESTAMP.search(greeting)
        if not found:
            raise Refused("", "it greets without the time stamp that APOP needs")
        digest = hashlib.md5(found.group() + secret.encode(), usedforsecurity=False).hexdigest()
        self.command(f"APOP {user} {digest}")

    def _sasl(self, auth: str, user: str, secret: str) -> None:
        tokens = TokenAnswers(auth, user, secret, self.wire.host, self.wire.port) if auth in BEARER else None
        respond = tokens or answers(auth, user, secret)
        self.wire.allow()
        self.wire.send(f"AUTH {(MECHANISMS | BEARER)[auth]}\r\n".encode())
        for _ in range(MOST_CHALLENGES):
            line = self._line()
            if not line.startswith(b"+ ") and line != b"+":
                try:
                    self._judge(line)
                except Refused as refused:
                    why = tokens.refusal if tokens is not None else ""
                    raise Refused(refused.code, f"{why}: {refused.text}" if why else refused.text) from None
                return
            try:
                challenge = base64.b64decode(line[2:])
            except ValueError:
                raise self.wire.error("source.protocol", "sends a challenge that is no base64") from None
            self.wire.send(base64.b64encode(respond(challenge)) + b"\r\n")
        raise self.wire.error("source.protocol", "asks without end who we are")

    def _capabilities(self) -> dict[str, str]:
        """What CAPA tells (RFC 2449): names with their arguments, nothing from a server that does not know CAPA."""
        try:
            lines = self.text("CAPA", 64_000).splitlines()
        except Refused:
            return {}
        words = (line.decode("ascii", "replace").partition(" ") for line in lines)
        return {name.upper(): rest.upper() for name, _, rest in words}

    def quit(self) -> None:
        """End the session; only now the server deletes what was marked. Raises Refused when it does not."""
        try:
            self.command("QUIT")
        finally:
            self.wire.close()

    def leave(self) -> None:
        """Say good-bye when nothing is marked; else just hang up, so that nothing is deleted."""
        if self.wire.socket is not None and not self.marked:
            with suppress(SourceError, Refused):
                self.quit()
        self.wire.close()

    # ── commands ──────────────────────────────────────────────────────────────────────────────────────────────

    def uidls(self) -> dict[int, str]:
        """Unique ids by message number; none from a server without UIDL, no entry for an id that breaks the rules."""
        try:
            text = self.text("UIDL", LISTING_BYTES)
        except Refused:
            return {}
        return {int(number): name.decode("ascii") for number, name in _UIDL.findall(text)}

    def sizes(self) -> dict[int, int]:
        """Sizes by message number."""
        try:
            text = self.text("LIST", LISTING_BYTES)
        except Refused as refused:
            raise self.wire.error("source.protocol", "does not list its messages", refused.text) from None
        found = {int(number): int(size) for number, size in _SIZE.findall(text)}
        if len(found) != text.count(b"\r\n"):
            raise self.wire.error("source.protocol", "answers LIST with lines that are no numbers and sizes")
        return found

    def retrieve(self, number: int, limit: int) -> bytes:
        """Read a whole message. Raises Overflow when it is bigger than `limit`; the session is over then."""
        self.retrieved += 1
        self.wire.allow(RETR_TIMES * self.wire.timeout_s, limit + 100_000)
        self.wire.send(f"RETR {number}\r\n".encode())
        self._status()
        return self._dotted(limit)

    def top(self, number: int, limit: int) -> bytes:
        """Read the header of a message. Raises Overflow when it is bigger than `limit`; the session is over then."""
        self.wire.allow(0, limit + 100_000)
        self.wire.send(f"TOP {number} 0\r\n".encode())
        self._status()
        return self._dotted(limit)

    def mark(self, number: int) -> None:
        """Mark a message as deleted; `quit` makes it so."""
        self.command(f"DELE {number}")
        self.marked += 1

    def command(self, text: str) -> bytes:
        """Send a line and give the text of its +OK."""
        self.wire.allow()
        self.wire.send(text.encode() + b"\r\n")
        return self._status()

    def text(self, command: str, limit: int) -> bytes:
        """Send a command and give its answer, lines with their ends."""
        self.wire.allow(0, limit)
        self.wire.send(command.encode() + b"\r\n")
        self._status()
        try:
            text = self._dotted(limit)
        except Overflow:
            raise self.wire.error("source.protocol", f"answers {command} without end") from None
        if text.count(b"\r\n") > MOST_MESSAGES:
            raise self.wire.error("source.protocol", f"answers {command} with more than {MOST_MESSAGES} lines")
        return text

    def _dotted(self, limit: int) -> bytes:
        try:
            return self.wire.read_dotted(limit)
        except Overflow:
            self.wire.close()
            raise

    def _status(self) -> bytes:
        return self._judge(self._line())

    def _judge(self, line: bytes) -> bytes:
        """Tell +OK from -ERR (RFC 1939, 3)."""
        if line[:3].upper() == b"+OK":
            return line[3:].strip()
        if line[:4].upper() == b"-ERR":
            text = line[4:].strip()
            code = found.group(1).decode().upper() if (found := _CODE.match(text)) else ""
            raise Refused(code, self.wire.quoted(text))
        self.wire.close()
        raise self.wire.error("source.protocol", "does not talk POP3", line)

    def _line(self) -> bytes:
        try:
            return self.wire.readline(STATUS_BYTES).rstrip(b"\r\n")
        except Overflow:
            self.wire.close()
            raise self.wire.error("source.protocol", "answers with a line without end") from None
