"""Warnings of the configuration, told once a day where nobody watches: cron mails every line that a command prints.

Here: whether they are due. Not here: the warnings (`config/`), printing them (`common.py`).
Invariant: a person at a terminal sees them always; what changed is told at once; where no file can be kept, always.
"""

from __future__ import annotations

import sys
import time
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from engine.config import Config

FILE = "warned"
"""Below `instance.state_dir`: the sha256 of what was told last; its age tells when."""

AGAIN_S = 86_400.0


def due(config: Config) -> bool:
    """Tell whether the warnings are to be told now, and remember that they were."""
    if sys.stderr.isatty():
        return True
    import hashlib

    file = config.instance.state_dir / FILE
    said = hashlib.sha256("\n".join(map(repr, config.warnings)).encode()).hexdigest()
    with suppress(OSError):
        age_s = time.time() - file.stat().st_mtime
        if 0 <= age_s < AGAIN_S and file.read_text("ascii", "replace") == said:
            return False
    with suppress(OSError):
        file.write_text(said, "ascii")
    return True
