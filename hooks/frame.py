"""Frames: how the engine and a worker pass JSON to each other.

Here: four bytes of length, then that many bytes of UTF-8. Not here: what is in them (`protocol.py`, `worker.py`).
Invariant: a length above the limit is never read.
"""

from __future__ import annotations

import os

EXIT_CLOSED, EXIT_MEMORY, EXIT_ATTACK, EXIT_RENEWED, EXIT_SIGNAL = 0, 71, 72, 74, 128
"""How a worker ends by itself: the engine closed the pipe; no memory even for the answer; the child that serves was
ended by seccomp; that child (never the worker) has served enough; that child was ended by signal N (128 + N)."""


class BrokenFrame(Exception):
    """The other side closed, or sent something that is no frame."""


def packed(body: bytes) -> bytes:
    """Give the frame of a body."""
    return len(body).to_bytes(4, "big") + body


def receive(fd: int, most: int) -> bytes:
    """Read one frame, waiting for it, and nothing behind it: the next one is for whoever reads then.

    Raises BrokenFrame at the end of the stream and for a length above `most`.
    """
    size = int.from_bytes(_exactly(fd, 4), "big")
    if size > most:
        raise BrokenFrame(f"a frame of {size} bytes")
    return _exactly(fd, size)


def _exactly(fd: int, size: int) -> bytes:
    content = os.read(fd, size)
    if len(content) == size:
        return content
    parts, missing = [content], size - len(content)
    while missing > 0:
        if not parts[-1]:
            raise BrokenFrame("the other side closed")
        parts.append(os.read(fd, missing))
        missing -= len(parts[-1])
    return b"".join(parts)


def send(fd: int, body: bytes) -> None:
    """Write one frame, waiting until it is taken."""
    content = memoryview(packed(body))
    while content:
        content = content[os.write(fd, content) :]
