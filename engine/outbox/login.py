"""How we log in to the server that takes outgoing mail, and what it says, for people.

Here: with a password, with a token. Not here: the connection (`wire.py`), whether it is tried at all (`way.py`).
Invariant: a password is tried in one way; what a server says is hostile text, bounded, with nothing secret in it.
"""

from __future__ import annotations

import base64
import smtplib
import ssl
from typing import TYPE_CHECKING

from engine.config.secrets import redact
from engine.outbox.transport import Away

if TYPE_CHECKING:
    from engine.config import Smtp

REPLY_CHARS = 20_000

AUTH_CHARS = 12_000
"""What a line that begins to log in may hold (RFC 4954, 4)."""

ENCRYPTED, IN_THE_CLEAR = ("PLAIN", "LOGIN", "CRAM-MD5"), ("CRAM-MD5", "PLAIN", "LOGIN")
"""What smtplib can do, best first: some servers offer CRAM-MD5 and cannot do it for all, but it hides the password."""


def log_in(client: smtplib.SMTP, username: str, password: str) -> None:
    """Log in, in one way: smtplib would try a wrong password in all that are offered, and each counts at the server.

    With accents by AUTH PLAIN in UTF-8 (RFC 4616), which smtplib does not do.
    """
    if (username + password).isascii():
        offered = client.esmtp_features.get("auth", "").split()
        ways = ENCRYPTED if isinstance(client.sock, ssl.SSLSocket) else IN_THE_CLEAR
        if chosen := next((each for each in ways if each in offered), ""):
            client.esmtp_features["auth"] = chosen
        client.login(username, password)
        return
    told = base64.b64encode(f"\0{username}\0{password}".encode()).decode()
    code, said = client.docmd("AUTH", f"PLAIN {told}")
    if code != 235:
        raise smtplib.SMTPAuthenticationError(code, said)


def secret_of(smtp: Smtp) -> str:
    """The password, or the token in its place. Raises: SecretError, Away."""
    if smtp.sign_in is None:
        return smtp.secret()
    from engine.web.refusals import OAuthError
    from engine.web.tokens import access_token

    try:
        return access_token(smtp.sign_in, smtp.username)
    except OAuthError as error:
        raise Away(f"cannot send by {smtp.host}: {_named(error.sentence)}") from None


def log_in_by_token(client: smtplib.SMTP, smtp: Smtp, port: int, token: str) -> None:
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
    shown = shown_reply(code, f"{told}: {said.decode('utf-8', 'replace')}" if told else said)
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


def shown_reply(code: int, reply: bytes | str) -> str:
    """A reply of the server: hostile text, cut and made printable."""
    shown = reply.decode("utf-8", "replace") if isinstance(reply, bytes) else reply
    whole = redact(shown[:REPLY_CHARS])  # before it is cut: half a secret would not be recognised
    return f"{code} " + "".join(char if char.isprintable() else " " for char in whole[:200]).strip()
