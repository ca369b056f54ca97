"""Sending by a program of this machine that takes mail on its standard input.

Here: `Sendmail`, a transport; what its exit codes mean. Not here: what is sent. Invariant: no shell; the recipient
stands behind `--`, so that no address is ever read as an option; a program that does not end is ended, and then nobody
knows whether the mail went out.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext, suppress
from typing import TYPE_CHECKING, Self

from engine.config.secrets import redact
from engine.outbox.transport import Away, Refused

if TYPE_CHECKING:
    from engine.config import Smtp

FOR_GOOD = (os.EX_DATAERR, os.EX_NOUSER, os.EX_NOHOST)
"""Exit codes that are about this mail; every other but 0 and `EX_TEMPFAIL` is about the program (sysexits.h)."""


class Sendmail:
    """Runs the program once a mail."""

    def __init__(self, smtp: Smtp) -> None:
        self._command, self._timeout_s = smtp.command, smtp.timeout

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        pass

    def open(self) -> None:
        """Look whether the program is there. Raises: Away."""
        if shutil.which(self._command[0]) is None:
            raise Away(f"cannot run {self._command[0]}: there is no such program")

    def send(
        self, reverse_path: str, recipient: str, content: bytes,
        before: Callable[[], AbstractContextManager[None]] = nullcontext,
    ) -> None:  # fmt: skip
        """Hand over one mail, with the line ends of this machine. Raises: Away, Refused."""
        with before():
            self.open()
        command = (*self._command, "-f", reverse_path or "<>", "--", recipient)
        try:
            process = subprocess.Popen(  # noqa: S603 -- the admin's own program, no shell
                command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                start_new_session=True,  # what asks us to stop does not end a mail on its way
            )  # fmt: skip
        except OSError as error:
            raise Away(f"cannot run {self._command[0]}: {error.strerror}") from None
        with process:
            try:
                _, said = process.communicate(content.replace(b"\r\n", b"\n"), self._timeout_s)
            except subprocess.TimeoutExpired:
                _end(process)
                raise Away(f"{self._command[0]} does not end in time", sent=True, met=True) from None
        self._judge(process.returncode, said)

    def _judge(self, code: int, said: bytes) -> None:
        if code == 0:
            return
        shown = redact(said[:20_000].decode("utf-8", "replace"))
        line = "".join(char if char.isprintable() else " " for char in shown[-200:]).strip()
        sentence = f"{self._command[0]} ended with code {code}" + (f": {line}" if line else "")
        if code in FOR_GOOD:
            raise Refused(sentence, later=False)
        if code == os.EX_TEMPFAIL:
            raise Refused(sentence, later=True)
        raise Away(sentence, sent=code < 0, met=True)


def _end(process: subprocess.Popen[bytes]) -> None:
    """End the program and whatever it started."""
    with suppress(OSError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
