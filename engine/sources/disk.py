"""Reading mail that lies in files, and moving such files.

Here: bounded reading, renaming that never overwrites. Not here: which files are mail (`maildir.py`).
Invariant: only regular files are read, never through a link, never more than the limit.
"""
# ruff: noqa: PTH104, PTH108, PTH118, PTH119, PTH121 - every mail passes here; a Path for each step would cost as much as the step

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from engine.sources.source import header_of

if TYPE_CHECKING:
    from engine.sources.source import Limits


def read_mail(path: str | Path, limits: Limits) -> tuple[bytes, int, bool]:
    """Read a mail: its bytes, its size, and whether only the header was taken because it is over `limits.raw`.

    Raises OSError, also for what is no regular file.
    """
    with _opened(path) as (descriptor, size):
        if size <= limits.raw and len(content := _read(descriptor, size, limits.raw + 1)) <= limits.raw:
            return content, size, False
        os.lseek(descriptor, 0, os.SEEK_SET)
        return header_of(_read(descriptor, limits.header_block, limits.header_block)), size, True


def read_header(path: str | Path, limits: Limits) -> bytes:
    """Read the header of a mail, at most `limits.header_block` of it. Raises OSError."""
    with _opened(path) as (descriptor, _):
        return header_of(_read(descriptor, limits.header_block, limits.header_block))


@contextmanager
def _opened(path: str | Path) -> Iterator[tuple[int, int]]:
    """Open a regular file and tell its size; a pipe or a link put in its place does not make us wait or follow."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        told = os.fstat(descriptor)
        if not stat.S_ISREG(told.st_mode):
            raise OSError(f"{os.path.basename(path)} is no regular file")
        yield descriptor, told.st_size
    finally:
        os.close(descriptor)


def _read(descriptor: int, size: int, most: int) -> bytes:
    """Read to the end of a file of about `size` bytes, at most `most`; asks for no more memory than that takes."""
    pieces = [os.read(descriptor, min(size + 1, most))]
    left = most - len(pieces[0])
    while left and (piece := os.read(descriptor, min(left, 65_536))):
        pieces.append(piece)
        left -= len(piece)
    return b"".join(pieces)


def move_file(path: str | Path, target: str | Path) -> None:
    """Rename within a file system; a file that has the target's name already is left alone and ours gets another name.

    Raises OSError (FileNotFoundError when it is not there any more).
    """
    free = target
    for number in range(1, 1000):
        try:
            os.link(path, free, follow_symlinks=False)
        except FileExistsError:
            if os.path.samefile(free, path):  # a crash came between link and unlink
                break
        except PermissionError:  # a file system without hard links
            if not os.path.lexists(free):
                os.rename(path, free)
                return
        else:
            break
        folder, name = os.path.split(target)
        base, colon, flags = name.partition(":")
        free = os.path.join(folder, f"{base},again={number}{colon}{flags}")
    os.unlink(path)
