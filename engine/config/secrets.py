"""Secrets: how they are read when they are needed, and how they are kept out of everything that is written.

Here: `_env`, `_file`, `_command` and literal values; taking secrets out of a text.
Not here: which options are secrets, the filter of logs (`redacting.py`).
Invariant: a secret is never in an exception, a log line or an argument list.
"""

from __future__ import annotations

import os
import re
import threading
from collections import deque
from functools import lru_cache
from pathlib import Path
from urllib.parse import quote

from msgspec import Struct

from engine.config.problems import SecretError

COMMAND_TIMEOUT_S = 20.0
SECRET_LIMIT_BYTES = 64 << 10
SECRET_BYTES = 32
_revealed: set[str] = set()
_passing: deque[str] = deque(maxlen=512)
"""Secrets that change by the hour; of a process that runs for months the last ones are those that still count."""


class Secrets(Struct, frozen=True):
    """One secret and the ways to get it; `of` names its owner in complaints, `option` the option's name."""

    of: str
    literal: str = ""
    env: str = ""
    file: Path | None = None
    command: tuple[str, ...] = ()
    option: str = "password"

    def __repr__(self) -> str:
        """Tell whose secret it is, never what it is."""
        return f"Secrets({self.of!r}, option={self.option!r})"

    def read(self) -> str:
        """Read the value now. Raises: SecretError."""
        value = self._read()
        if any(char in value for char in "\r\n\0"):
            raise SecretError(f"{self.of}: the {self.option} holds a line break or NUL")
        if value:
            _revealed.add(value)
        return value

    def _read(self) -> str:
        if self.env:
            value = os.environ.get(self.env)
            if not value:
                raise SecretError(f"{self.of}: the environment variable {self.env} ({self.option}_env) is not set")
            return value
        if self.file is not None:
            try:
                return _first_line(self.file.read_bytes()[:SECRET_LIMIT_BYTES], self.of)
            except OSError as error:
                raise SecretError(f"{self.of}: {self.option}_file {self.file}: {error.strerror}") from None
        if self.command:
            return self._ask()
        if not self.literal:
            raise SecretError(f"{self.of}: there is no {self.option}, {self.option}_env, _file or _command")
        return self.literal

    def _ask(self) -> str:
        """Run the program; what it writes to stderr goes nowhere, it might hold the secret."""
        import subprocess

        program = self.command[0]
        try:
            done = subprocess.run(  # noqa: S603 -- the admin's own program, no shell
                self.command, stdin=subprocess.DEVNULL, capture_output=True, timeout=COMMAND_TIMEOUT_S, check=False
            )
        except subprocess.TimeoutExpired:
            raise SecretError(f"{self.of}: {program} did not answer within {COMMAND_TIMEOUT_S:g} s") from None
        except OSError as error:
            raise SecretError(f"{self.of}: cannot run {program}: {error.strerror}") from None
        if done.returncode:
            raise SecretError(f"{self.of}: {program} ended with code {done.returncode}")
        return _first_line(done.stdout[:SECRET_LIMIT_BYTES], self.of)


def _first_line(content: bytes, of: str) -> str:
    try:
        line = content.decode().split("\n", 1)[0].rstrip("\r")
    except UnicodeDecodeError:
        raise SecretError(f"{of}: the secret is no UTF-8 text") from None
    if not line:
        raise SecretError(f"{of}: the secret is empty")
    return line


def shared_secret(file: Path) -> bytes:
    """The 32 bytes that sign reply tokens; made on first use, readable by the owner only. Raises: SecretError."""
    try:
        if not file.exists():
            _make(file)
        secret = file.read_bytes()[:SECRET_LIMIT_BYTES]
    except OSError as error:
        raise SecretError(f"secret_file {file}: {error.strerror}") from None
    if len(secret) < SECRET_BYTES:
        raise SecretError(f"secret_file {file}: shorter than {SECRET_BYTES} bytes")
    return secret


def _make(file: Path) -> None:
    """Write the file whole or not at all; of two writers at once the first one wins."""
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    new = file.with_name(f".{file.name}.{threading.get_native_id()}.{threading.get_ident()}.new")
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(os.urandom(SECRET_BYTES))
            stream.flush()
            os.fsync(stream.fileno())
        try:
            os.link(new, file)
        except FileExistsError:
            pass
    finally:
        new.unlink(missing_ok=True)


def reveal(token: str, *, stays: bool = False) -> None:
    """Let `redact` know a secret that is not an option itself, such as a token; one that `stays` for good."""
    if token and stays:
        _revealed.add(token)
    elif token and token not in _passing:
        _passing.append(token)


def redact(text: str) -> str:
    """Take every secret read so far out of a text, also where it stands in base64 or in a URL."""
    for value in sorted((*_revealed, *_passing), key=len, reverse=True):  # one may be a part of another
        for shape in (value, quote(value, safe="")):
            if len(shape) > 3 and shape in text:
                text = text.replace(shape, "***")
        for core in _cores(value):
            if core in text:  # with all of the word: it may hold the beginning and the end of the secret
                text = re.sub(rf"[A-Za-z0-9+/=]*{re.escape(core)}[A-Za-z0-9+/=]*", "***", text)
    return text


@lru_cache(maxsize=576)
def _cores(value: str) -> tuple[str, ...]:
    """What base64 makes of a secret wherever it stands in what is encoded (SASL puts the user name before it)."""
    import base64

    found = []
    for before in range(3):
        encoded = base64.b64encode(bytes(before) + value.encode()).decode().rstrip("=")
        core = encoded[(0, 2, 3)[before] : len(encoded) - bool((before + len(value.encode())) % 3)]
        if len(core) > 3:
            found.append(core)
    return tuple(found)
