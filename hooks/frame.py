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
    """Read one frame, waiting for it; the other side sends the next only after an answer.

    Raises BrokenFrame at the end of the stream, for a length above `most`, and for anything behind the frame.
    """
    content = os.read(fd, 65_536)
    while len(content) < 4:
        content = _more(fd, content, 4)
    size = 4 + int.from_bytes(content[:4], "big")
    if size > most + 4:
        raise BrokenFrame(f"a frame of {size} bytes")
    if len(content) < size:
        content = _more(fd, content, size)
    if len(content) > size:
        raise BrokenFrame("something stands behind the frame")
    return content[4:]


def _more(fd: int, content: bytes, size: int) -> bytes:
    parts = [content]
    missing = size - len(content)
    while missing > 0:
        parts.append(os.read(fd, missing))
        if not parts[-1]:
            raise BrokenFrame("the other side closed")
        missing -= len(parts[-1])
    return b"".join(parts)


def send(fd: int, body: bytes) -> None:
    """Write one frame, waiting until it is taken."""
    content = memoryview(packed(body))
    while content:
        content = content[os.write(fd, content) :]
