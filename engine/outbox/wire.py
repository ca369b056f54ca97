"""The connection to the server that takes outgoing mail.

Here: `Wire`, a transport: smtplib with verified TLS, one connection for many mails, every failure as one of two kinds.
Not here: what is sent, when it is tried again. Invariant: no credential crosses a connection that is not protected,
unless `smtp.ssl = false` is written; a reply of the server is bounded in length and in time.
"""

from __future__ import annotations

import base64
import re
import smtplib
import ssl
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING

from engine.config.mailbox import SPOKE_PLAINLY, TOKENS
from engine.config.problems import SecretError
from engine.config.secrets import redact
from engine.outbox.patient import Plain, Tls
from engine.outbox.transport import Away, Refused

if TYPE_CHECKING:
    from engine.config import Smtp

TLS_PORT = 465
"""Where TLS begins with the first byte."""

REPLY_CHARS = 20_000

AUTH_CHARS = 12_000
"""What a line that begins to log in may hold (RFC 4954, 4)."""

WAYS = ("PLAIN", "LOGIN", "CRAM-MD5")
"""What smtplib can do, best first where the line is encrypted: some servers offer CRAM-MD5 and cannot do it for all."""

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
            raise Away(f"{self._smtp.host} says {_said(code, said)}", met=True)
        shown = _said(code, said)
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
            password = _secret(smtp)
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
                _log_in_by_token(client, smtp, port, password)
            elif smtp.username:
                _log_in(client, smtp.username, password)
            return client
        except (OSError, smtplib.SMTPException, SecretError, Away) as error:
            if client is not None:
                client.close()
            if isinstance(error, Away | SecretError):
                raise Away(str(error), login=getattr(error, "login", False)) from None
            said = f"cannot send by {smtp.host}:{port}: {_reason(error)}{_other_port(smtp, port, error)}"
            login = isinstance(error, smtplib.SMTPAuthenticationError) and error.smtp_code >= 500
            raise Away(said, login=login) from None


def _log_in(client: smtplib.SMTP, username: str, password: str) -> None:
    """Log in, in one way: smtplib would try a wrong password in all that are offered, and each counts at the server.

    With accents by AUTH PLAIN in UTF-8 (RFC 4616), which smtplib does not do.
    """
    if (username + password).isascii():
        offered = client.esmtp_features.get("auth", "").split()
        ways = WAYS if isinstance(client.sock, ssl.SSLSocket) else WAYS[::-1]
        if chosen := next((each for each in ways if each in offered), ""):
            client.esmtp_features["auth"] = chosen
        client.login(username, password)
        return
    told = base64.b64encode(f"\0{username}\0{password}".encode()).decode()
    code, said = client.docmd("AUTH", f"PLAIN {told}")
    if code != 235:
        raise smtplib.SMTPAuthenticationError(code, said)


def _secret(smtp: Smtp) -> str:
    """The password, or the token in its place. Raises: SecretError, Away."""
    if smtp.sign_in is None:
        return smtp.secret()
    from engine.web.refusals import OAuthError
    from engine.web.tokens import access_token

    try:
        return access_token(smtp.sign_in, smtp.username)
    except OAuthError as error:
        raise Away(f"cannot send by {smtp.host}: {_named(error.sentence)}") from None


def _log_in_by_token(client: smtplib.SMTP, smtp: Smtp, port: int, token: str) -> None:
    """Log in by XOAUTH2 or OAUTHBEARER; a server that refuses says why before it does. Raises: Away."""
    from engine.web.bearer import MECHANISMS, first_words, why

    words = base64.b64encode(first_words(smtp.auth, smtp.username, token, smtp.host, port)).decode()
    mechanism, told = MECHANISMS[smtp.auth], ""
    if len(words) + len(mechanism) < AUTH_CHARS:
        code, said = client.docmd("AUTH", f"{mechanism} {words}")
    else:
        code, said = client.docmd("AUTH", mechanism)
        if code == 334:
            code, said = client.docmd(words)
    if code == 334:
        told = why(_decoded(said))
        code, said = client.docmd("AQ==" if smtp.auth == "oauthbearer" else "")
    if code == 235:
        return
    shown = _said(code, f"{told}: {said.decode('utf-8', 'replace')}" if told else said)
    if 400 <= code < 500 or smtp.sign_in is None:
        raise Away(f"cannot send by {smtp.host}:{port}: {shown}")
    from engine.web import hints, tokens

    tokens.refused(smtp.sign_in, smtp.username, token)
    hint = _switched_off(shown) or _named(hints.of(smtp.sign_in, "smtp", token))
    about = f"it does not accept the token of oauth {smtp.sign_in.name} for {smtp.username} ({shown})"
    raise Away(f"cannot send by {smtp.host}:{port}: {about}; {hint}", login=True)


def _named(sentence: str) -> str:
    return sentence.replace("mailbox login NAME", "mailbox login --smtp")


def _decoded(said: bytes) -> bytes:
    try:
        return base64.b64decode(said)
    except ValueError:
        return said


def _switched_off(words: str) -> str:
    """What to do where Exchange says that nobody may send this way at all."""
    if "SmtpClientAuthentication is disabled" not in words:
        return ""
    return "in Exchange Online PowerShell: Set-CASMailbox -Identity ADDRESS -SmtpClientAuthenticationDisabled $false"


def _reason(error: Exception) -> str:
    """What went wrong, for people, with nothing secret in it."""
    if isinstance(error, smtplib.SMTPResponseException):
        return _said(error.smtp_code, error.smtp_error)
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


def _said(code: int, reply: bytes | str) -> str:
    """A reply of the server: hostile text, cut and made printable."""
    shown = reply.decode("utf-8", "replace") if isinstance(reply, bytes) else reply
    whole = redact(shown[:REPLY_CHARS])  # before it is cut: half a secret would not be recognised
    return f"{code} " + "".join(char if char.isprintable() else " " for char in whole[:200]).strip()
