"""Sending into a folder: for a demo, for tests, and for a look at what would go out.

Here: `Maildir`, a transport that writes a file a mail below `new`. Not here: reading such folders (`sources/`).
Invariant: a file stands below `new` as a whole or not at all; its first two lines are the envelope.
"""

from __future__ import annotations

import itertools
import os
import socket
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Self

from engine.outbox.transport import Away

if TYPE_CHECKING:
    from engine.config import Smtp


class Maildir:
    """Writes into one folder, which is made where it is not there."""

    def __init__(self, smtp: Smtp) -> None:
        self._folder = smtp.path or Path()
        self._numbers = itertools.count(1)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        pass

    def open(self) -> None:
        """Make the folders. Raises: Away."""
        try:
            for name in ("tmp", "new", "cur"):
                (self._folder / name).mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise Away(f"cannot write to {self._folder}: {error.strerror}") from None

    def send(
        self, reverse_path: str, recipient: str, content: bytes,
        before: Callable[[], AbstractContextManager[None]] = nullcontext,
    ) -> None:  # fmt: skip
        """Write one mail. Raises: Away."""
        with before():
            self.open()
        host = socket.gethostname().replace("/", "_").replace(":", "_")
        name = f"{time.time_ns() // 1000}.P{os.getpid()}Q{next(self._numbers)}.{host}"
        envelope = f"Return-Path: <{reverse_path}>\r\nDelivered-To: {recipient}\r\n".encode()
        try:
            with (self._folder / "tmp" / name).open("xb") as file:
                file.write(envelope + content)
                file.flush()
                os.fsync(file.fileno())
            (self._folder / "tmp" / name).rename(self._folder / "new" / name)
        except OSError as error:
            raise Away(f"cannot write to {self._folder}: {error.strerror}") from None
