"""The process of a job: the folder with its files, and the command itself in it.

Here: `folder`, `started`. Not here: what is read of it and when it is ended (`jobs.py`), what it does first
(`job_child.py`). Invariant: a list of arguments, no shell; what is left behind where it fails is nothing.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from engine.desk import job_child
from engine.store.errors import StoreError


def folder(files: Mapping[str, str]) -> Path:
    """Make a folder that only we read, with these files. Raises StoreError, and leaves nothing then."""
    made = None
    try:
        made = Path(tempfile.mkdtemp(prefix="allegra-job-"))
        for name, text in files.items():
            place = made / name
            place.parent.mkdir(mode=0o700, exist_ok=True)
            place.write_text(text, encoding="utf-8", newline="")
    except OSError as error:
        if made is not None:
            shutil.rmtree(made, ignore_errors=True)
        raise StoreError(f"no folder can be made for this work: {(error.strerror or str(error)).lower()}") from None
    return made


def started(config: Path, arguments: Sequence[str], place: Path) -> subprocess.Popen[str]:
    """Begin the command. What it needs of secrets it reads as the command does."""
    command = [sys.executable, "-P", "-m", "engine", "--config", str(config), *arguments]
    before = [sys.executable, "-I", "-S", job_child.__file__, str(os.getpid())]
    return subprocess.Popen(  # noqa: S603
        [*before, *command], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        encoding="utf-8", errors="replace", start_new_session=True, cwd=place,
        env={**os.environ, "ALLEGRA_PROGRESS": "json", "NO_COLOR": "1"},
    )  # fmt: skip
