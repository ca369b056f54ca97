"""The documents that travel with the engine: which pages there are, and what their tables say about a word.

Here: the pages and where they lie, the rows of their tables, files that are shipped. Not here: printing them
(`cli/help.py`, `cli/config.py`).
Invariant: an installed engine has the pages beside it, a checkout at its top; nothing else of the machine is read.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

BESIDE = {"example": "allegra.toml.example", "security": "SECURITY.md"}
"""Pages that do not lie in docs/."""

_ANCHOR = re.compile(r'<a id="[^"]*"></a>')

_CODE = re.compile(r"[A-Z]\d{3}|[a-z_]+\.[a-z_]+")
_SECTION, _OPTION = re.compile(r"[a-z_.]+"), re.compile(r"\w+")


def home() -> Path:
    """Where docs/ and the files beside it lie: in the package once installed, at the top of a checkout."""
    package = Path(__file__).resolve().parents[1]
    return package if (package / "docs").is_dir() else package.parent


def shipped(name: str) -> bytes:
    """Give a file that travels with the engine: from the package, in a checkout from beside it. UTF-8 anywhere."""
    package = Path(__file__).resolve().parents[1]
    inside = package / name
    return (inside if inside.is_file() else package.parent / name).read_bytes()


def pages() -> dict[str, Path]:
    """Name every page: the file name without its ending, with its folder where it lies deeper."""
    docs = home() / "docs"
    found = {path.relative_to(docs).with_suffix("").as_posix(): path for path in sorted(docs.rglob("*.md"))}
    return found | {topic: path for topic, name in BESIDE.items() if (path := home() / name).is_file()}


def title(path: Path) -> str:
    """Give the first line of a page without its mark; what stands there for editors is none."""
    with path.open(encoding="utf-8") as page:
        first = next((line for line in page if not line.startswith("#:")), "")
        return first.lstrip("#").strip()


def rows(word: str) -> Iterator[str]:
    """Tell every row that a table has about `word`, in any case: a code, or an option such as `gates.dmarc`."""
    wanted = word.casefold()
    for topic, section, heads, cells in _tables():
        if wanted in _words(section, cells[0]):
            yield _told(f"{topic}, {section}", heads, cells)


def words() -> dict[str, None]:
    """Name the codes, and the options with their sections, that a table has a row about."""
    known: dict[str, None] = {}
    for _, section, _, cells in _tables():
        for word in cells[0].replace("`", "").split():
            if _CODE.fullmatch(plain := _ANCHOR.sub("", word)):
                known[plain] = None
            elif _SECTION.fullmatch(section) and _OPTION.fullmatch(plain):
                known[f"{section}.{plain}"] = None
    return known


def _words(section: str, cell: str) -> set[str]:
    """The words that ask for a row: those of its first cell, alone and with the section."""
    plain = {word.casefold() for word in cell.replace("`", "").split()}
    return plain | {f"{section}.{word}".casefold() for word in plain}


def _tables() -> Iterator[tuple[str, str, list[str], list[str]]]:
    """Go through the rows of all tables: page, heading, heads, cells."""
    for topic, path in pages().items():
        section, heads = "", list[str]()
        for line in path.read_text(encoding="utf-8").splitlines() if path.suffix == ".md" else ():
            cells = [each.strip() for each in re.split(r"(?<!\\)\|", line)[1:-1]] if line.startswith("|") else []
            if line.startswith("#"):
                section = line.strip("#` []")
            if not cells:
                heads = []
            elif not heads:
                heads = cells
            else:
                yield topic, section, heads, cells


def _told(place: str, heads: list[str], cells: list[str]) -> str:
    pairs = [(head, _ANCHOR.sub("", cell)) for head, cell in zip(heads, cells, strict=False) if cell]
    return "\n".join([place, *(f"  {head}: {cell}".replace("\\|", "|") for head, cell in pairs)])
