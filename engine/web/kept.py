"""Tokens between runs: a file each in `<state_dir>/oauth`, for its owner only.

Here: reading it, replacing it whole, and the lock that lets one process at a time renew. Not here: when it is renewed
(`tokens.py`). Invariant: a file is the old one or the new one, on the disk before anybody uses what it holds; who holds
the lock is the only one who writes.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING
from urllib.parse import quote

import msgspec

from engine.config.secrets import reveal
from engine.web.refusals import OAuthError

if TYPE_CHECKING:
    from engine.config.mailbox import OAuth

LOCK_S = 40.0
"""Seconds to wait for another process that asks; it asks twice at most (`client.EXCHANGE_S`)."""

NAME_CHARS = 120
ROOM_BYTES = 1 << 16
MOST_BYTES = 1 << 20


class Kept(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is known of a sign-in. Times are seconds since 1970; `app` and `scope` are whom and what it was asked for.

    `refresh_used_at` is when the refresh token last got us something, `refresh_ends_at` when it ends (0: not told),
    `seed` a digest of the one in the configuration that it descends from ("": of a sign-in). `clock_off_s` is by how
    much the clock of this machine was ahead of the server's. `broken`: there is a file, and nobody understands it.
    """

    app: str = ""
    scope: str = ""
    access_token: str = ""
    obtained_at: float = 0.0
    expires_at: float = 0.0
    refresh_token: str = ""
    refresh_used_at: float = 0.0
    refresh_ends_at: float = 0.0
    seed: str = ""
    clock_off_s: float = 0.0
    broken: bool = False

    def __repr__(self) -> str:
        """Tell whose it is, not the tokens."""
        return f"Kept({self.app!r})"


class File:
    """The file of a sign-in: of the section alone, or of one `account` where each has its own token."""

    def __init__(self, app: OAuth, account: str = "") -> None:
        name = quote(account.casefold(), safe="@+")
        if len(name) > NAME_CHARS:
            from hashlib import sha256

            name = name[:NAME_CHARS] + sha256(account.casefold().encode()).hexdigest()[:16]
        self.app = app
        self.path = app.kept_in / f"{app.name}{'.' if name else ''}{name}.json"

    def read(self) -> Kept:
        """What is kept; nothing where there is no file, or one that is broken. Raises: OAuthError."""
        try:
            with self.path.open("rb") as stream:
                if os.fstat(stream.fileno()).st_mode & 0o077:
                    with suppress(OSError):
                        os.fchmod(stream.fileno(), 0o600)
                content = stream.read(MOST_BYTES)
        except FileNotFoundError:
            return Kept()
        except OSError as error:
            raise self._cannot("read", error) from None
        try:
            kept = msgspec.json.decode(content, type=Kept)
        except (msgspec.DecodeError, UnicodeDecodeError):
            return Kept(broken=True)
        reveal(kept.access_token)
        reveal(kept.refresh_token)
        return kept

    @contextmanager
    def locked(self, wait_s: float = LOCK_S) -> Iterator[None]:
        """Keep other processes from renewing meanwhile; the kernel gives the lock back. Raises: OAuthError."""
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor = os.open(self.path.with_suffix(".lock"), os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise self._cannot("written", error) from None
        try:
            self._take(descriptor, wait_s)
            yield
        finally:
            os.close(descriptor)

    def _take(self, descriptor: int, wait_s: float) -> None:
        until, pause = time.monotonic() + wait_s, Event()
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() >= until:
                    said = f"another process has been asking for a token for {wait_s:.0f} s"
                    raise OAuthError("oauth.server_away", f"oauth {self.app.name}: {said}") from None
                pause.wait(0.05)
            except OSError:  # a file system without locks
                return
            else:
                return

    @contextmanager
    def room(self) -> Iterator[Pen]:
        """Room on the disk for what will be kept, made before it is asked for: a token that cannot be kept is lost.

        Use it under the lock. Raises: OAuthError.
        """
        new = self.path.with_suffix(".new")
        try:
            descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
            try:
                os.posix_fallocate(descriptor, 0, ROOM_BYTES)
                yield Pen(self.path, new, descriptor)
            finally:
                os.close(descriptor)
                with suppress(FileNotFoundError):
                    new.unlink()
        except OSError as error:
            raise self._cannot("written", error) from None

    def _cannot(self, what: str, error: OSError) -> OAuthError:
        who = "; it must belong to the user who runs allegra run" if isinstance(error, PermissionError) else ""
        said = f"{self.path} cannot be {what} ({error.strerror}){who}"
        return OAuthError("oauth.not_kept", f"oauth {self.app.name}: {said}")


class Pen:
    """Writes what is to be kept into the room that was made for it."""

    def __init__(self, path: Path, new: Path, descriptor: int) -> None:
        self._path, self._new, self._descriptor = path, new, descriptor

    def write(self, kept: Kept) -> None:
        """Put it in the place of what was kept, for good before this returns. Raises: OSError."""
        reveal(kept.access_token)
        reveal(kept.refresh_token)
        content = msgspec.json.encode(kept)
        os.pwrite(self._descriptor, content, 0)
        os.ftruncate(self._descriptor, len(content))
        os.fsync(self._descriptor)
        self._new.replace(self._path)
        folder = os.open(self._path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
