"""The keys with which programs may push mail by HTTP.

Here: reading them, finding the one that was shown, counting wrong ones. Not here: HTTP (`http.py`), where keys are
written (`config/mailbox.py`).
Invariant: how long a comparison takes tells nothing about a key; no key is in a log line.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from msgspec import Struct

from engine.config import SecretError
from engine.log import Entry

if TYPE_CHECKING:
    from engine.config import Config

SHORTEST = 16
"""Characters of a key: nobody guesses one of these."""

QUIET_S = 10.0
"""Wrong keys are logged so often at most; the line counts them."""


class Key(Struct, frozen=True):
    """A key: its name, its digest, and the mailboxes it is for, none for all."""

    name: str
    digest: bytes
    mailboxes: tuple[str, ...] = ()


class Keys:
    """The keys of the configuration in force; they are read again with it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._of: Config | None = None
        self._keys: tuple[Key, ...] = ()
        self._wrong, self._told_at = 0, float("-inf")

    def read(self, config: Config) -> tuple[Key, ...]:
        """Give the keys of a configuration. Raises SecretError."""
        with self._lock:
            if self._of is not config:
                self._keys, self._of = _read(config), config
            return self._keys

    def shown(self, config: Config, authorization: str) -> Key | None:
        """Find the key that a request shows, as `Bearer KEY` or as the password of `Basic`. Raises SecretError."""
        digest = _digest(_presented(authorization))
        found = [key for key in self.read(config) if hmac.compare_digest(key.digest, digest)]
        return found[0] if found else None

    def wrong(self, who: str, log: Callable[[Entry], None]) -> None:
        """Count a request without a right key, and log it unless that was done just now."""
        with self._lock:
            self._wrong += 1
            count, now = self._wrong, time.monotonic()
            if now - self._told_at < QUIET_S:
                return
            self._told_at = now
        log(Entry("warning", "http.refused", f"401 key.wrong: no key or a wrong one, {count} so far, from {who}"))


def _read(config: Config) -> tuple[Key, ...]:
    keys = config.root.http.keys if config.root.http is not None else {}
    found = []
    for name, key in keys.items():
        if len(secret := key.secret(name)) < SHORTEST:
            raise SecretError(f"http key {name}: shorter than {SHORTEST} characters")
        found.append(Key(name, _digest(secret), key.mailboxes))
    return tuple(found)


def _presented(authorization: str) -> str:
    scheme, _, rest = authorization.strip().partition(" ")
    if scheme.casefold() == "bearer":
        return rest.strip()
    if scheme.casefold() == "basic":
        try:
            return base64.b64decode(rest.strip(), validate=True).decode().partition(":")[2]
        except ValueError:
            return ""
    return ""


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode("utf-8", "surrogateescape")).digest()
