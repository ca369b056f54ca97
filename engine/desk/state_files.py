"""Which small files belong to an installation beside its database, so that a backup of it is one file.

Here: their names in a backup and their places: the secret that signs reply addresses, and what is remembered of
scripts. Not here: copying them (`store/state_files.py`). Configuration, rules, scripts and templates are their owner's;
big mails have their bytes in the database; what else lies in `instance.state_dir` is made anew where it is missing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.scripts.ledger import LEDGER

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from engine.config import Config

SECRET = "secret"
"""The name of `instance.secret_file` in a backup, whatever it is called here."""


def state_files(config: Config) -> Mapping[str, Path]:
    """Give the files of this installation by their names in a backup; some may not be there."""
    return {SECRET: config.instance.secret_file, LEDGER: config.instance.state_dir / LEDGER}
