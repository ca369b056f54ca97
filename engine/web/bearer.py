"""How a token is shown to a mail server: the SASL mechanisms XOAUTH2 and OAUTHBEARER (RFC 7628).

Here: what is said first, and what a server says that refuses. Not here: base64 and command words, which differ between
IMAP, POP3 and SMTP. Invariant: nothing here is called before the connection is as safe as is asked for.
"""

from __future__ import annotations

MECHANISMS = {"xoauth2": "XOAUTH2", "oauthbearer": "OAUTHBEARER"}
"""By the word the option `auth` uses."""


class TokenAnswers:
    """The responses of the mechanisms that take a token. A server that refuses it says why in a second challenge."""

    def __init__(self, auth: str, user: str, token: str, host: str, port: int) -> None:
        self._first, self._end = first_words(auth, user, token, host, port), b"\1" if auth == "oauthbearer" else b""
        self._asked = False
        self.refusal = ""

    def __call__(self, challenge: bytes) -> bytes:
        if not self._asked:
            self._asked = True
            return self._first
        self.refusal = why(challenge)
        return self._end


def first_words(auth: str, user: str, token: str, host: str, port: int) -> bytes:
    """What is sent first: XOAUTH2, or OAUTHBEARER (RFC 7628, 3.1)."""
    if auth == "xoauth2":
        return f"user={user}\1auth=Bearer {token}\1\1".encode()
    name = user.replace("=", "=3D").replace(",", "=2C")
    return f"n,a={name},\1host={host}\1port={port}\1auth=Bearer {token}\1\1".encode()


def why(challenge: bytes) -> str:
    """Read the JSON of a refusal (RFC 7628, 3.2.2): its status, and the scope that is wanted."""
    import msgspec

    try:
        told = msgspec.json.decode(challenge)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return challenge.decode("utf-8", "replace")
    if not isinstance(told, dict):
        return challenge.decode("utf-8", "replace")
    parts = [("status", told.get("status")), ("scope", told.get("scope"))]
    return ", ".join(f"{name} {value}" for name, value in parts if isinstance(value, str | int) and value)
