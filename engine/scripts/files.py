"""Script files as they stand on disk now.

Here: reading a script, and again only when it changed. Not here: running one (`scripts.py`), what is remembered of it
(`ledger.py`), the sandbox (`hooks/`).
"""

from __future__ import annotations

import os
from pathlib import Path

from msgspec import Struct

from hooks import source
from hooks.limits import SOURCE_BYTES
from hooks.problem import ScriptProblem


class Loaded(Struct, frozen=True):
    """A script file as it stands on disk now: its source, or what is wrong with the file."""

    path: Path
    text: str = ""
    problem: ScriptProblem | None = None


class Files:
    """Reads script files; a file that did not change is not read again."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._known: dict[str, tuple[str, tuple[int, int, int], Loaded]] = {}

    def read(self, name: str) -> Loaded:
        """Read a script by its name in the directory."""
        known = self._known.get(name)
        if known is not None:
            place, mark, loaded = known
            try:
                state = os.stat(place)  # noqa: PTH116 - asked for every mail, three times as fast
            except OSError:
                pass
            else:
                if mark == (state.st_mtime_ns, state.st_size, state.st_ino):
                    return loaded
        return self._read(name)

    def _read(self, name: str) -> Loaded:
        path = self._directory / name
        if Path(name).name != name:
            help = "scripts are in hooks.directory"
            return Loaded(path, problem=ScriptProblem("H112", f"{name} is no file name", help=help))
        try:
            with path.open("rb") as file:
                state = os.fstat(file.fileno())
                content = file.read(SOURCE_BYTES + 1)
        except OSError as error:
            help = "is the name in allegra.toml right?" if isinstance(error, FileNotFoundError) else ""
            return Loaded(path, problem=ScriptProblem("H112", f"cannot be read: {error.strerror}", help=help))
        text, problem = source.decode(content)
        loaded = Loaded(path, text, problem)
        self._known[name] = (str(path), (state.st_mtime_ns, state.st_size, state.st_ino), loaded)
        return loaded
