"""A worker from the engine's side: start it, ask it with a deadline, end it.

Here: one process and its pipes. Not here: which scripts, how many workers (`sandbox.py`), what is said (`protocol.py`).
Invariant: nothing blocks longer than its deadline, however full the pipes are; whatever happens, the process is dead
and its pipes are closed after `end`.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import mmap
import os
import resource
import select
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterable
from importlib.util import find_spec
from pathlib import Path
from queue import SimpleQueue

from hooks import limits, marks
from hooks.frame import EXIT_SIGNAL, packed
from hooks.protocol import BadReply

BOOT = "import sys,json;sys.path+=json.loads(sys.argv[2]);from hooks.worker import main;main()"
_NEEDED = ("hooks", "RestrictedPython", "re2", "regex")
_CLOSED = ("-s", "-P", "-S", "-W", "ignore", "-X", "utf8")
"""No folder but those it is given. That is -I without -E, which would keep the seed from being read."""
PIPE_BYTES = 1 << 20
"""What the pipe to a worker is to hold: a batch of calls, so that it goes on while the engine is elsewhere."""
_SEED = {"PYTHONHASHSEED": "0"}
"""The whole environment. Sets have the same order in every worker, so that all decide the same mail the same way."""


class TimedOut(Exception):
    """The deadline passed."""


class Died(Exception):
    """The worker ended. `status` is its exit code, or minus the signal."""

    def __init__(self, status: int) -> None:
        super().__init__(f"the worker ended with {status}")
        self.status = status

    @property
    def killed(self) -> bool:
        """Whether it was ended from outside, as the kernel does where the CPU time is used up."""
        return self.status in (-signal.SIGKILL, EXIT_SIGNAL + signal.SIGKILL)


def search_path() -> list[str]:
    """Give the folders a worker loads its modules from."""
    folders: dict[str, None] = {}
    for name in _NEEDED:
        spec = find_spec(name)
        if spec is None or spec.origin is None:
            raise ModuleNotFoundError(f"the package {name} is not installed")
        folders[str(Path(spec.origin).parent.parent.resolve())] = None
    return list(folders)


class Worker:
    """One running worker process, which answers in the order it is asked. Used by one thread at a time."""

    __slots__ = (
        *("_asked", "_in", "_marks", "_out", "_owed", "_page", "_poll_both", "_poll_in", "_unread", "_unsent"),
        *("cpu_s", "pid", "status"),
    )

    def __init__(self, settings: dict[str, object], boot: str = "", path: Iterable[str] = ()) -> None:
        """Start the process; it is not ready yet. `settings` are those `hooks.worker` reads, `boot` replaces BOOT."""
        theirs_in, ours_out = (_high(fd) for fd in os.pipe2(os.O_CLOEXEC))
        ours_in, theirs_out = (_high(fd) for fd in os.pipe2(os.O_CLOEXEC))
        shared = _high(os.memfd_create("marks"))
        try:
            os.ftruncate(shared, marks.SIZE)
            with contextlib.suppress(OSError):  # a user may have so much of it and no more; then it stays small
                fcntl.fcntl(ours_out, fcntl.F_SETPIPE_SZ, PIPE_BYTES)
            self._marks = mmap.mmap(shared, marks.SIZE)
            text = json.dumps({**settings, "parent": os.getpid()})
            folders = json.dumps([*search_path(), *path])
            command = [sys.executable, *_CLOSED, "-c", boot or BOOT, text, folders]
            given = ((theirs_in, 0), (theirs_out, 1), (shared, 3))
            self.pid = _in_lasting_thread(lambda: _spawn(command, given))
        finally:
            for fd in (theirs_in, theirs_out, shared):
                os.close(fd)
        self._out = ours_out
        self._in = ours_in
        os.set_blocking(ours_out, False)
        os.set_blocking(ours_in, False)
        self._poll_in = select.poll()
        self._poll_in.register(ours_in, select.POLLIN)
        self._poll_both = select.poll()
        self._poll_both.register(ours_in, select.POLLIN)
        self._poll_both.register(ours_out, select.POLLOUT)
        self._unsent, self._unread = bytearray(), bytearray()
        self._owed = 1  # the first message comes unasked
        self._asked = 0
        self._page = bytes(marks.SIZE)
        self.status: int | None = None
        self.cpu_s = 0.0

    @property
    def page(self) -> bytes:
        """What the process noted of its last call (`marks.py`)."""
        return self._page if self._marks.closed else self._marks[:]

    def ask(self, body: bytes | None, most: int, deadline: float) -> bytes:
        """Send a frame (None: only listen) and wait for the answer, as `receive` does."""
        if body is not None:
            self.send(body)
        return self.receive(most, deadline)

    def send(self, body: bytes) -> int:
        """Send a frame without waiting: what the pipe does not take now is written as soon as it does.

        Gives where the frame ends in all that is `sent`.
        """
        content = packed(body)
        self._owed += 1
        self._asked += len(content)
        taken = 0 if self._unsent else self._taken(content)
        if taken < len(content):
            self._unsent += memoryview(content)[taken:]
        return self._asked

    def _taken(self, content: bytes | bytearray) -> int:
        """Write as much as the pipe takes. That the process is dead is found by listening."""
        try:
            return os.write(self._out, content)
        except BlockingIOError:
            return 0
        except BrokenPipeError:
            return len(content)

    @property
    def unsent(self) -> int:
        """How many bytes the pipe did not take yet."""
        return len(self._unsent)

    @property
    def sent(self) -> int:
        """How many bytes the pipe took."""
        return self._asked - len(self._unsent)

    def speaks(self, wait_s: float = 0.0) -> bool:
        """Tell whether something of the next answer is there, or comes within this time."""
        until = time.monotonic() + wait_s
        while not self._unread and self._unsent and self._poll_both.poll(_left(until)):
            if self._poll_in.poll(0):
                return True
            del self._unsent[: self._taken(self._unsent)]
        return bool(self._unread or self._poll_in.poll(_left(until) if wait_s else 0))

    def receive(self, most: int, deadline: float) -> bytes:
        """Wait for the next answer until `deadline` (of `time.monotonic`), and write meanwhile what was not sent yet.

        Raises TimedOut, Died, or BadReply for an answer longer than `most` bytes, or one that nobody asked for behind
        the last one. What is there already is taken however late it is.
        """
        unread = self._unread
        while len(unread) < 4:
            self._exchange(deadline)
        end = 4 + int.from_bytes(unread[:4], "big")
        if end > most + 4:
            raise BadReply(f"a reply of {end} bytes")
        while len(unread) < end:
            self._exchange(deadline)
        self._owed -= 1
        body = bytes(unread[4:end])
        del unread[:end]
        if unread and not self._owed:
            raise BadReply("a reply that nobody asked for")
        return body

    def _exchange(self, deadline: float) -> None:
        """Wait until something can be read or written, and do it."""
        if not (self._poll_both if self._unsent else self._poll_in).poll(_left(deadline)):
            raise TimedOut
        if self._unsent:
            del self._unsent[: self._taken(self._unsent)]
        try:
            chunk = os.read(self._in, 65_536)
        except BlockingIOError:
            return
        if not chunk:
            raise Died(self.end(wait_s=0.5))
        self._unread += chunk

    def end(self, wait_s: float = 0.0) -> int:
        """End the process, after giving it `wait_s` to end by itself. Gives its exit code, or minus the signal."""
        if self.status is None:
            os.close(self._out)
            found = self._ended(wait_s)
            if found is None:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(self.pid, signal.SIGKILL)
                found = os.wait4(self.pid, 0)
            self._page = self._marks[:]
            self.status = os.waitstatus_to_exitcode(found[1])
            self.cpu_s = found[2].ru_utime + found[2].ru_stime
            os.close(self._in)
            self._marks.close()
        return self.status

    def _ended(self, wait_s: float) -> tuple[int, int, resource.struct_rusage] | None:
        given_up = time.monotonic() + wait_s
        while wait_s and time.monotonic() < given_up:
            found = os.wait4(self.pid, os.WNOHANG)
            if found[0]:
                return found
            time.sleep(0.000_5)
        return None


def _left(deadline: float) -> int:
    """Milliseconds until the deadline, rounded up."""
    return max(0, int((deadline - time.monotonic()) * 1000) + 1)


def _high(fd: int) -> int:
    """Move a descriptor out of the way of 0 to 3, which the worker gets."""
    try:
        return fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, 10)
    finally:
        os.close(fd)


def _spawn(command: list[str], given: tuple[tuple[int, int], ...]) -> int:
    actions: list[tuple[int, ...] | tuple[int, int, str, int, int]] = [
        (os.POSIX_SPAWN_DUP2, source, target) for source, target in given
    ]
    actions.append((os.POSIX_SPAWN_OPEN, 2, os.devnull, os.O_WRONLY, 0))
    return os.posix_spawn(command[0], command, _SEED, file_actions=actions, setsid=True, setsigmask=())


# A worker dies with the thread that started it (PR_SET_PDEATHSIG), so that thread has to last as long as the process.

_requests: SimpleQueue[tuple[Callable[[], int], SimpleQueue[int | OSError]]] = SimpleQueue()
_starter: list[tuple[int, threading.Thread]] = []
_lock = threading.Lock()


def _in_lasting_thread(action: Callable[[], int]) -> int:
    if threading.current_thread() is threading.main_thread():
        return action()
    with _lock:
        if not _starter or _starter[0][0] != os.getpid():
            thread = threading.Thread(target=_start_forever, name="hook workers", daemon=True)
            _starter[:] = [(os.getpid(), thread)]
            thread.start()
    done: SimpleQueue[int | OSError] = SimpleQueue()
    _requests.put((action, done))
    result = done.get(timeout=limits.START_TIMEOUT_S)
    if isinstance(result, OSError):
        raise result
    return result


def _start_forever() -> None:
    while True:
        action, done = _requests.get()
        try:
            done.put(action())
        except OSError as error:
            done.put(error)
