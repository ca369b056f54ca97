"""Rule files in their usual shape.

Here: files to what `rules/format.py` makes of them, written back if that is wanted. Not here: the shape itself.
Invariant: what is no TOML, or has its usual shape already, is not written.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from msgspec import Struct

from rules.format import formatted


class Shaped(Struct, frozen=True):
    """A rule file: whether it is TOML, and whether it differs, or differed, from its usual shape."""

    path: Path
    is_toml: bool
    differs: bool


def shape(paths: Iterable[Path], *, write: bool) -> Iterator[Shaped]:
    """Bring rule files into their usual shape, one after the other; without `write` only tell which differ.

    Raises OSError, UnicodeDecodeError.
    """
    for path in paths:
        text = path.read_text(encoding="utf-8")
        fresh = formatted(path.name, text)
        differs = fresh is not None and fresh != text
        if fresh is not None and differs and write:
            path.write_text(fresh, encoding="utf-8")
        yield Shaped(path, fresh is not None, differs)
