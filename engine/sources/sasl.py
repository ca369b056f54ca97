"""How a mailbox proves who it is: the SASL mechanisms that IMAP and POP3 share.

Here: what is answered to a challenge. Not here: base64 and command words, which differ between the protocols; tokens
(`web/bearer.py`).
Invariant: nothing here is called before the connection is as safe as the mailbox asks for.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Iterator

Answer = Callable[[bytes], bytes]
"""From a challenge to the response; for a mechanism in which the client begins, the first challenge is empty."""

MECHANISMS = {"plain": "PLAIN", "cram-md5": "CRAM-MD5", "auth-login": "LOGIN"}


def answers(auth: str, user: str, secret: str) -> Answer:
    """Give the responses of a mechanism, by the word the option `auth` uses."""
    if auth == "cram-md5":  # RFC 2195
        return lambda challenge: f"{user} {hmac.new(secret.encode(), challenge, 'md5').hexdigest()}".encode()
    if auth == "plain":  # RFC 4616
        return _said_once([f"\0{user}\0{secret}"])
    return _said_once([user, secret])


def _said_once(texts: list[str]) -> Answer:
    left: Iterator[str] = iter(texts)
    return lambda _challenge: next(left, "").encode()
