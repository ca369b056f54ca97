"""Mail over `gates.maximum_email_size`, copied to a folder where people can get at it (F044).

Here: writing one file. Not here: when (`process.py`). Invariant: a file that stands under its name is whole and is
readable by its owner only; nobody deletes it but people. The bytes are in the database as well, like those of any mail.
"""

from __future__ import annotations

import os
import threading
from contextlib import suppress
from pathlib import Path


def keep(folder: Path, digest: str, content: bytes) -> str:
    """Write `<folder>/<digest>.eml` unless it is there; "" or why that was not possible."""
    target, draft = folder / f"{digest}.eml", folder / f".{digest}.{threading.get_native_id()}"
    try:
        if target.exists():
            return ""
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(draft, os.O_CREAT | os.O_TRUNC | os.O_WRONLY | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(target)
    except OSError as error:
        with suppress(OSError):
            draft.unlink()
        return f"not copied to gates.big_files_dir: {error.strerror}"
    return ""
