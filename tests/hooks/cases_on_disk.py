"""The catalogue of tests/hook_cases: headers read, canaries put in.

Here: one case as data, and what counts as contained. Not here: running one.
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parents[1] / "hook_cases"
SECRET = "the-canary-sings-at-dawn"

CONTAINED = {
    "compile-error": ("compile-error",),
    "runtime-denied": ("runtime-denied", "runtime-error", "compile-error"),
    "killed-timeout": ("timeout", "killed", "runtime-denied", "runtime-error", "compile-error"),
    "killed-memory": ("memory", "runtime-denied", "runtime-error", "compile-error"),
    "contained": ("ok", "runtime-denied", "runtime-error", "compile-error"),
}
"""For each expected containment the outcomes that are it, or stricter."""

HARMLESS = {"227_nested_list_compare": ("ok",)} if sys.version_info >= (3, 14) else {}
"""Not denied and no harm: since 3.14 recursion in C is bounded by the size of the stack, and so deep there is room."""


@dataclass(frozen=True)
class OnDisk:
    """A case: its file, its header and its source."""

    name: str
    hook: str
    header: dict[str, str]
    text: str

    def given(self) -> dict[str, Any]:
        """The mail, item, params and lookups of a legitimate case."""
        keys = ("mail", "item", "params", "lookups")
        return {key: json.loads(self.header[key]) for key in keys if key in self.header}


def cases(kind: str) -> list[OnDisk]:
    """Read all cases of a folder (attacks or legit)."""
    return [_read(path) for path in sorted((FOLDER / kind).glob("*.py"))]


def _read(path: Path) -> OnDisk:
    text = path.read_text("utf-8")
    header = {}
    for line in text.splitlines():
        if not line.startswith("# "):
            break
        key, _, value = line[2:].partition(": ")
        header[key] = value
    return OnDisk(path.stem, header["hook"], header, text)


def canary(folder: Path) -> Path:
    """Make a folder with a secret to steal and a place to write into."""
    (folder / "drop").mkdir(parents=True)
    (folder / "drop").chmod(0o777)
    (folder / "secret.txt").write_text(SECRET)
    return folder
