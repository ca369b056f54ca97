"""The bytes of one mail while they come in: little in memory, the rest in a file that has no name.

Here: `Body`. Not here: where they come from, where they go (`reception.py`).
Invariant: it never holds more than its limit; what is over is counted and thrown away.
"""

from __future__ import annotations

from pathlib import Path
from tempfile import SpooledTemporaryFile
from types import TracebackType
from typing import Self

IN_MEMORY = 1 << 20
"""Bytes of a mail that are held in memory while it comes."""


class Body:
    """A mail that is being received, `most` bytes of it; more than that is `too_big`. Use it in a `with`.

    Bigger ones lie in `folder`, where our files are: `store.keep_free` looks at it. Raises OSError without room.
    """

    def __init__(self, most: int, folder: Path) -> None:
        self.most, self.size, self.is_blank = most, 0, True
        self._file: SpooledTemporaryFile[bytes] = SpooledTemporaryFile(IN_MEMORY, dir=str(folder))  # noqa: SIM115

    @property
    def too_big(self) -> bool:
        return self.size > self.most

    def write(self, piece: bytes) -> None:
        """Add what came."""
        self.size += len(piece)
        self.is_blank = self.is_blank and not piece.strip()
        if not self.too_big:
            self._file.write(piece)
        elif not self._file.closed:
            self._file.close()

    def content(self) -> bytes:
        """Give all of it, in memory; nothing where it was too big."""
        if self._file.closed:
            return b""
        self._file.seek(0)
        content: bytes = self._file.read()
        return content

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()
