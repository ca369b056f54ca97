"""Where a door is: a unix socket, an address of this machine, or what systemd hands over.

Here: making, finding and trying such sockets, and telling systemd how far we are. Not here: who comes in
(`listening.py`).
Invariant: nobody beyond this machine can reach what is made here; a socket that somebody listens at stays, and each
door takes away its own alone.
"""

from __future__ import annotations

import errno
import fcntl
import os
import re
import socket
import stat
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from engine.config.kinds import LOOPBACK

BACKLOG = 128

ALONE_S = 10.0
"""How long a door waits for another one that looks at a socket of the same folder."""

FIRST_HANDED = 3
"""The first socket that systemd hands over (sd_listen_fds(3))."""


class CannotListen(Exception):
    """A door cannot be opened; the text says why."""


@contextmanager
def opened(listen: str, mode: int) -> Iterator[list[socket.socket]]:
    """Open what systemd hands over, else a socket at `listen`, which is gone afterwards. Raises CannotListen."""
    handed = _handed_over()
    sockets = handed or [_made(listen, mode)]
    path = Path(listen) if not handed and listen.startswith("/") else None
    mine = None if path is None else _inode(path)
    try:
        yield sockets
    finally:
        with suppress(OSError):
            if path is not None:
                _take_away(path, mine)
        for each in sockets:  # as long as ours is open, no other one is given its inode
            each.close()


def place(sockets: Sequence[socket.socket]) -> str:
    """Say where the sockets are, for people."""
    return ", ".join(_named(each.getsockname()) for each in sockets)


def _named(address: object) -> str:
    if isinstance(address, tuple):
        return f"[{address[0]}]:{address[1]}" if ":" in address[0] else f"{address[0]}:{address[1]}"
    return str(address)


def address_of(listen: str) -> tuple[str, int] | None:
    """Give the host and port that `listen` names, None where it is a path."""
    host, _, port = listen.rpartition(":")
    return None if listen.startswith("/") else (host.strip("[]"), int(port))


def _made(listen: str, mode: int) -> socket.socket:
    try:
        if (address := address_of(listen)) is not None:
            family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
            return socket.create_server(address, family=family, backlog=BACKLOG)
        return _at_path(Path(listen), mode)
    except OSError as error:
        raise CannotListen(f"cannot listen at {listen}: {error.strerror or error}") from None


def _at_path(path: Path, mode: int) -> socket.socket:
    """Make a unix socket; one that a killed process left is taken away, one that somebody listens at is not."""
    path.parent.mkdir(0o755, parents=True, exist_ok=True)
    with _alone(path.parent):
        with suppress(FileNotFoundError):
            if not stat.S_ISSOCK(path.lstat().st_mode):
                raise OSError("there is a file of that name, which is no socket")
            if is_open(str(path)):
                raise OSError("another process listens there")
            path.unlink()
        return _bound(path, mode)


def _bound(path: Path, mode: int) -> socket.socket:
    made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    before = os.umask(0o777 & ~mode)
    try:
        made.bind(str(path))
        made.listen(BACKLOG)
        path.chmod(mode)
    except BaseException:
        made.close()
        raise
    finally:
        os.umask(before)
    return made


def _take_away(path: Path, mine: tuple[int, int] | None) -> None:
    """Remove our socket, unless it was removed and another door has made its own there."""
    with _alone(path.parent):
        if mine is not None and _inode(path) == mine:
            path.unlink()


def _inode(path: Path) -> tuple[int, int] | None:
    try:
        found = path.lstat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Look at and change sockets in a folder while no other door does. Raises OSError."""
    opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        until = time.monotonic() + ALONE_S
        while True:
            try:
                fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > until:
                    raise OSError(f"another process has locked {folder}") from None
                time.sleep(0.01)
        yield
    finally:
        os.close(opened)


def connected(listen: str, seconds: float) -> socket.socket:
    """Connect to a door. Raises OSError."""
    if (address := address_of(listen)) is not None:
        return socket.create_connection(address, seconds)
    made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    made.settimeout(seconds)
    try:
        made.connect(listen)
    except BaseException:
        made.close()
        raise
    return made


def is_open(listen: str) -> bool:
    """Tell whether somebody listens there, also one who is too busy to answer or whom we may not ask."""
    try:
        connected(listen, 2.0).close()
    except OSError as error:
        return error.errno not in (errno.ECONNREFUSED, errno.ENOENT)
    return True


def _handed_over() -> list[socket.socket]:
    """Take the sockets that systemd opened for us (LISTEN_FDS). Raises CannotListen for one that others can reach."""
    environ = os.environ
    if environ.get("LISTEN_PID") != str(os.getpid()) or not re.fullmatch(r"[1-9]\d?", environ.get("LISTEN_FDS", "")):
        return []
    sockets = [socket.socket(fileno=FIRST_HANDED + number) for number in range(int(environ["LISTEN_FDS"]))]
    for name in ("LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"):
        environ.pop(name, None)
    for each in sockets:
        each.set_inheritable(False)
        address = each.getsockname()
        if isinstance(address, tuple) and address[0] not in LOOPBACK:
            said = f"{_named(address)}, which systemd opened, can be reached by others: use a unix socket or 127.0.0.1"
            raise CannotListen(said)
    return sockets


def tell_systemd(state: str) -> None:
    """Tell the service manager how far we are (sd_notify(3)), where there is one."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if address.startswith(("/", "@")):
        with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
            manager.sendto(state.encode(), "\0" + address[1:] if address[0] == "@" else address)
