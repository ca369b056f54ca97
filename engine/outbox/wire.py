"""The connection to the server that takes outgoing mail.

Here: `Wire`, a transport: smtplib with verified TLS, one connection for many mails, every failure as one of two kinds.
Not here: what is sent, when it is tried again. Invariant: no credential crosses a connection that is not protected,
unless `smtp.ssl = false` is written; a reply of the server is bounded in length and in time.
"""

from __future__ import annotations

import re
import smtplib
import ssl
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING

from engine.config.mailbox import SPOKE_PLAINLY, TOKENS
from engine.config.problems import SecretError
from engine.config.secrets import redact
from engine.outbox.login import log_in, log_in_by_token, secret_of, shown_reply
from engine.outbox.patient import Plain, Tls
from engine.outbox.transport import Away, Refused

if TYPE_CHECKING:
    from engine.config import Smtp

TLS_PORT = 465
"""Where TLS begins with the first byte."""

MOST_MAILS = 100
"""Mails that one connection carries: many servers allow no more."""

_LINE_OF_DOT = re.compile(rb"^\.", re.MULTILINE)

_ABOUT_US = re.compile(r"53[0458] |5\d\d 5\.7\.\d")
"""Replies that refuse us, not somebody or something: no login, no permission, no proof (RFC 3463, 3.8). So does every
refusal of MAIL, which names nobody but us."""


def context(smtp: Smtp) -> ssl.SSLContext:
    """TLS 1.2 or newer with a certificate that is checked, unless the configuration says otherwise."""
    made = ssl.create_default_context()
    made.minimum_version = ssl.TLSVersion.TLSv1_2
    if smtp.ca_file is not None:
        made.load_verify_locations(str(smtp.ca_file))
    if not smtp.ssl_verification:
        made.check_hostname = False
        made.verify_mode = ssl.CERT_NONE
    return made


class Wire:
    """A connection that is opened when the first mail is sent. Use it in a `with`."""

    def __init__(self, smtp: Smtp, name: str) -> None:
        """`name` is what we call ourselves in EHLO."""
        self._smtp, self._name = smtp, name
        self._client: smtplib.SMTP | None = None
        self._carried = 0

    def __enter__(self) -> Wire:
        return self

    def __exit__(self, *error: object) -> None:
        if error[0] is None:
            self.close()
        else:  # in the middle of something, and perhaps in a hurry
            self._drop()

    def close(self) -> None:
        """Say QUIT if there is somebody to hear it."""
        client, self._client = self._client, None
        if client is not None:
            try:
                client.quit()
            except (OSError, smtplib.SMTPException):
                client.close()

    def send(
        self, reverse_path: str, recipient: str, content: bytes,
        before: Callable[[], AbstractContextManager[None]] = nullcontext,
    ) -> None:  # fmt: skip
        """Hand over one mail. All that comes before that happens inside `before`. Raises: Away, Refused.

        Where a connection that carried mails before is closed now, a new one is tried.
        """
        if self._carried >= MOST_MAILS:
            self.close()
        try:
            self._send(reverse_path, recipient, content, before)
        except Away as error:
            if error.sent or not error.met or not self._carried:
                raise
            self._carried = 0
            self._send(reverse_path, recipient, content, before)
        self._carried += 1

    def _send(
        self, reverse_path: str, recipient: str, content: bytes, before: Callable[[], AbstractContextManager[None]]
    ) -> None:
        handing_over = False
        try:
            with before():
                client = self.open()
                options = self._international(client, (reverse_path, recipient))
                self._step(client, client.mail(reverse_path, options), ours=True)
                self._step(client, client.rcpt(recipient))
                self._step(client, client.docmd("DATA"), 354)
            handing_over = True
            end = b".\r\n" if content.endswith(b"\r\n") else b"\r\n.\r\n"
            client.send(_LINE_OF_DOT.sub(b"..", content) + end)
            self._step(client, client.getreply())
        except (smtplib.SMTPException, OSError) as error:
            self._drop()
            said = f"the connection to {self._smtp.host} broke: {_reason(error)}"
            raise Away(said, sent=handing_over, met=True) from None

    def _step(
        self, client: smtplib.SMTP, reply: tuple[int, bytes | str], wanted: int = 0, *, ours: bool = False
    ) -> None:
        code, said = reply
        if code == wanted or (not wanted and 200 <= code < 300):
            return
        if code == 421:
            self._drop()
            raise Away(f"{self._smtp.host} says {shown_reply(code, said)}", met=True)
        shown = shown_reply(code, said)
        if not 400 <= code < 600:  # no reply at this place: what it has done with the mail, nobody knows
            raise smtplib.SMTPServerDisconnected(f"it says {shown}")
        self._reset(client)
        ours = (ours and code >= 500) or _ABOUT_US.match(shown) is not None
        raise Refused(shown, later=code < 500 or ours, ours=ours)

    def _reset(self, client: smtplib.SMTP) -> None:
        """Forget the mail that was refused; where that fails, the connection is left and another one made later."""
        try:
            client.rset()
        except (OSError, smtplib.SMTPException):
            self._drop()

    def _international(self, client: smtplib.SMTP, addresses: tuple[str, ...]) -> list[str]:
        if all(address.isascii() for address in addresses):
            return []
        if not client.has_extn("smtputf8"):
            raise Refused("the server does not take addresses with accents (SMTPUTF8)", later=False)
        client.command_encoding = "utf-8"
        return ["SMTPUTF8"]

    def _drop(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            client.close()

    def open(self) -> smtplib.SMTP:
        """Connect, protect and log in, unless that was done. Raises: Away."""
        if self._client is None:
            self._client, self._carried = self._open(), 0
        return self._client

    def _open(self) -> smtplib.SMTP:
        smtp = self._smtp
        port = smtp.port or (TLS_PORT if smtp.ssl is True else 587 if smtp.ssl else 25)
        client: smtplib.SMTP | None = None
        try:
            password = secret_of(smtp)
            if smtp.ssl is True:
                client = Tls(smtp.host, port, self._name, timeout=smtp.timeout, context=context(smtp))
            else:
                client = Plain(smtp.host, port, self._name, timeout=smtp.timeout)
            client.ehlo_or_helo_if_needed()
            if smtp.ssl == "starttls":
                if not client.has_extn("starttls"):
                    raise Away(f"{smtp.host} offers no STARTTLS; nothing was sent")
                client.starttls(context=context(smtp))
                client.ehlo()
            if smtp.auth in TOKENS and smtp.username:
                log_in_by_token(client, smtp, port, password)
            elif smtp.username:
                log_in(client, smtp.username, password)
            return client
        except (OSError, smtplib.SMTPException, SecretError, Away) as error:
            if client is not None:
                client.close()
            if isinstance(error, Away | SecretError):
                raise Away(str(error), login=getattr(error, "login", False)) from None
            sentence = f"cannot send by {smtp.host}:{port}: {_reason(error)}{_other_port(smtp, port, error)}"
            login = isinstance(error, smtplib.SMTPAuthenticationError) and error.smtp_code >= 500
            raise Away(sentence, login=login) from None


def _reason(error: Exception) -> str:
    """What went wrong, for people, with nothing secret in it."""
    if isinstance(error, smtplib.SMTPResponseException):
        return shown_reply(error.smtp_code, error.smtp_error)
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not believed: {error.verify_message}"
    if isinstance(error, TimeoutError):
        return "it does not answer in time"
    return redact(str(getattr(error, "strerror", "") or error))[:200]


def _other_port(smtp: Smtp, port: int, error: Exception) -> str:
    """A hint where port and `ssl` do not belong together."""
    if smtp.ssl is True and isinstance(error, ssl.SSLError) and error.reason in SPOKE_PLAINLY:
        other = "" if port == TLS_PORT else f"  or  port = {TLS_PORT}"
        return f'; it speaks no TLS at first on this port: write  ssl = "starttls"{other}'
    if smtp.ssl is not True and port == TLS_PORT and isinstance(error, TimeoutError | smtplib.SMTPServerDisconnected):
        return "; this port waits for TLS: write  ssl = true"
    return ""
