"""The last good text of every rule file, for `rules.on_error = "last-good"`.

Here: keeping a copy of what loads below `instance.state_dir`, and giving it back when a file does not load any more.
Not here: deciding whether it may be used (`book.py`). Invariant: only texts that loaded are kept; a folder that
cannot be written costs the copy, never the mail.
"""

from __future__ import annotations

import threading
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from rules.load import Source, load_file

if TYPE_CHECKING:
    from engine.config import Config
    from rules.run import RuleFile
    from rules.schema import Schema

FOLDER = "good-rules"


def keep(config: Config, file: RuleFile) -> None:
    """Keep the text of a file that loads, if it is not the one kept."""
    good, text = _path(config, file.place), file.document.text
    with suppress(OSError, UnicodeDecodeError):
        if good.is_file() and good.read_text(encoding="utf-8") == text:
            return
        good.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        fresh = good.with_suffix(f".{threading.get_native_id()}")
        fresh.write_text(text, encoding="utf-8")
        fresh.replace(good)


def kept(config: Config, place: str, name: str, schema: Schema) -> RuleFile | None:
    """Load the copy of a file, None if there is none or it does not fit the configuration of now."""
    with suppress(OSError, UnicodeDecodeError):
        text = _path(config, place).read_text(encoding="utf-8")
        return load_file(Source(name, text, place, not place), schema)[0]
    return None


def _path(config: Config, place: str) -> Path:
    return config.instance.state_dir / FOLDER / f"{place or 'system'}.toml"
