"""The trees of the rules in force, kept from run to run: only a sentence that is new has to be parsed.

Here: the file below `instance.state_dir`, read and written. Not here: what stands in it (`rules/trees.py`).
Invariant: a sentence is looked up by its whole text, and every check is made anew, so a changed rule, field or template
is seen at once. A file that is not ours alone, or that is damaged, is as good as none; one that cannot be written costs
the time of parsing, never the mail. A dry run reads it and never writes it: that is for whoever calls `keep`.
"""

from __future__ import annotations

import os
import stat
import threading
from collections.abc import Iterable
from contextlib import suppress
from typing import TYPE_CHECKING

from engine import __version__
from rules import parse
from rules.trees import NONE, Trees, dumped, loaded, trees_of

if TYPE_CHECKING:
    from pathlib import Path

    from engine.config import Config
    from rules.run import RuleFile

FILE = "rule-sentences"

MOST_BYTES = 16_000_000
"""A larger file is not read: trees take about twenty times the room of their rules."""


def recall(config: Config) -> None:
    """Let the sentences of the last run be known to the parser."""
    parse.know(_kept(_path(config)))


def keep(config: Config, files: Iterable[RuleFile]) -> None:
    """Write down the sentences of the rules in force, if they are not the ones that are kept."""
    trees = trees_of(file.document for file in files)
    path = _path(config)
    if trees.are_of_the_sentences_of(_kept(path)):
        return
    content = dumped(trees, __version__)
    if len(content) > MOST_BYTES:
        return
    fresh = path.with_name(f".{path.name}.{os.getpid()}.{threading.get_native_id()}.new")
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        fresh.unlink(missing_ok=True)
        try:
            with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as stream:
                stream.write(content)
            fresh.replace(path)
        finally:
            fresh.unlink(missing_ok=True)


def _kept(path: Path) -> Trees:
    """Read the file, if it is a plain one of ours that nobody else may write."""
    with suppress(OSError), open(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb") as stream:  # noqa: PTH123 - never through a link
        told = os.fstat(stream.fileno())
        if stat.S_ISREG(told.st_mode) and told.st_uid == os.geteuid() and not told.st_mode & 0o022:
            return loaded(stream.read(MOST_BYTES + 1), __version__)
    return NONE


def _path(config: Config) -> Path:
    return config.instance.state_dir / FILE
