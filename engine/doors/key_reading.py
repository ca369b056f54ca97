"""Reading one key, apart from whoever waits for it.

Here: `Reading`: when a key is read again, what is known of it meanwhile. Not here: all of them, and who shows one
(`keys.py`); how a secret is read (`config/secrets.py`).
Invariant: no reading is begun while one is under way, and nobody has to wait for one: a file or a program that hangs
costs its key alone.
"""

from __future__ import annotations

import hashlib
import threading
import time
from typing import TYPE_CHECKING, NamedTuple

from engine.config import SecretError

if TYPE_CHECKING:
    from engine.config.doors import HttpKey

FILE_S, COMMAND_S, AGAIN_S = 1.0, 600.0, 60.0
"""A file is read again after so long, a program asked again; one that failed may be asked again sooner."""

DEADLINE_S = 25.0
"""What has not come by then does not come; a program is ended some seconds before."""


class Known(NamedTuple):
    """What is known of a key: its digest, b"" where there is none now, and why it cannot be had, "" for nothing."""

    digest: bytes = b""
    wrong: str = ""


class Reading:
    """One key: `known` is what the last reading found. What stands in the file or the environment is read once."""

    def __init__(self, name: str, key: HttpKey) -> None:
        self.ways = key.ways
        self._name, self._key = name, key
        self._found = Known()
        self._began = self._ended = float("-inf")
        self._done = threading.Event()
        self._done.set()

    def look(self) -> None:
        """Begin to read where it is time; by one thread at a time."""
        now = time.monotonic()
        if not self._done.is_set() or now - self._ended < self._fresh_s():
            return
        self._began = now
        self._done.clear()
        if self._key.key_file is None and not self._key.key_command:
            self._read()
            return
        try:
            threading.Thread(target=self._read, name="key", daemon=True).start()
        except RuntimeError:  # no thread is left: the next look tries again
            self._done.set()

    def wait(self, seconds: float) -> None:
        """Wait for a reading that began less than `seconds` ago, and no longer than until then."""
        self._done.wait(max(self._began + seconds - time.monotonic(), 0.0))

    @property
    def known(self) -> Known:
        """What counts now. A program that fails does not take back the key that it gave before; a file does."""
        found = self._found
        if self._done.is_set() or time.monotonic() - self._began < DEADLINE_S:
            return found
        return self._failed(f"http key {self._name}: it did not come within {DEADLINE_S:g} s")

    def _fresh_s(self) -> float:
        if self._ended == float("-inf"):
            return 0.0
        if self._key.key_command:
            return AGAIN_S if self._found.wrong else COMMAND_S
        return FILE_S if self._key.key_file is not None else float("inf")

    def _read(self) -> None:
        try:
            self._found = Known(digest_of(self._key.secret(self._name)))
        except SecretError as error:
            self._found = self._failed(str(error))
        finally:
            self._ended = time.monotonic()
            self._done.set()

    def _failed(self, wrong: str) -> Known:
        return Known(self._found.digest if self._key.key_command else b"", wrong)


def digest_of(secret: str) -> bytes:
    """Give what keys are compared by."""
    return hashlib.sha256(secret.encode("utf-8", "surrogateescape")).digest()
