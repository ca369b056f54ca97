"""Reading mail that lies in files, and moving such files.

Here: bounded reading, renaming that never overwrites. Not here: which files are mail (`maildir.py`, `files.py`).
Invariant: only regular files are read, never through a link, never more than the limit.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from engine.sources.source import header_of

if TYPE_CHECKING:
    from engine.sources.source import Limits


def read_mail(path: Path, limits: Limits) -> tuple[bytes, int, bool]:
    """Read a mail: its bytes, its size, and whether only the header was taken because it is over `limits.raw`.

    Raises OSError, also for what is no regular file.
    """
    with _opened(path) as file:
        size = os.fstat(file.fileno()).st_size
        if size <= limits.raw and len(content := file.read(limits.raw + 1)) <= limits.raw:
            return content, size, False
        file.seek(0)
        return header_of(file.read(limits.header_block)), size, True


def read_header(path: Path, limits: Limits) -> bytes:
    """Read the header of a mail, at most `limits.header_block` of it. Raises OSError."""
    with _opened(path) as file:
        return header_of(file.read(limits.header_block))


def _opened(path: Path) -> BinaryIO:
    """Open a regular file; a pipe or a link put in its place does not make us wait or follow."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    file = os.fdopen(descriptor, "rb")
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        file.close()
        raise OSError(f"{path.name} is no regular file")
    return file


def move_file(path: Path, target: Path) -> None:
    """Rename within a file system; a file that has the target's name already is left alone and ours gets another name.

    Raises OSError (FileNotFoundError when it is not there any more).
    """
    base, colon, flags = target.name.partition(":")
    for number in range(1, 1000):
        try:
            os.link(path, target, follow_symlinks=False)
        except FileExistsError:
            if target.samefile(path):  # a crash came between link and unlink
                break
            target = target.with_name(f"{base},again={number}{colon}{flags}")
        except PermissionError:  # a file system without hard links
            if not os.path.lexists(target):
                path.rename(target)
                return
            target = target.with_name(f"{base},again={number}{colon}{flags}")
        else:
            break
    path.unlink()
