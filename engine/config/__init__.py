"""The configuration: `load` a file, get a `Config` or everything that is wrong with it.

Here: the door. Importing this package costs next to nothing; the sections come with `load`.
Not here: what the settings do. Invariant: what `load` returns is complete, checked and frozen.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.config.problems import ConfigError as ConfigError
from engine.config.problems import SecretError as SecretError

if TYPE_CHECKING:
    from engine.config.content import Attachments as Attachments
    from engine.config.content import Body as Body
    from engine.config.content import Items as Items
    from engine.config.content import Limits as Limits
    from engine.config.effective import Config as Config
    from engine.config.effective import Settings as Settings
    from engine.config.gates import Gates as Gates
    from engine.config.gates import People as People
    from engine.config.mailbox import Mailbox as Mailbox
    from engine.config.mailbox import Smtp as Smtp
    from engine.config.root import Workspace as Workspace

_LATE = {
    "Attachments": "content",
    "Body": "content",
    "Items": "content",
    "Limits": "content",
    "Config": "effective",
    "Settings": "effective",
    "Gates": "gates",
    "People": "gates",
    "Mailbox": "mailbox",
    "Smtp": "mailbox",
    "Workspace": "root",
}


def load(path: Path, environ: Mapping[str, str] = os.environ) -> Config:
    """Load a file. Raises: ConfigError with every problem."""
    from engine.config import loading

    return loading.load(path, environ)


def parse(text: str, path: Path, environ: Mapping[str, str] = os.environ) -> Config:
    """Load text as if it stood in the file `path`. Raises: ConfigError with every problem."""
    from engine.config import loading

    return loading.parse(text, path, environ)


def __getattr__(name: str) -> Any:
    """Give the sections when they are asked for by name."""
    if name in _LATE:
        import importlib

        return getattr(importlib.import_module(f"engine.config.{_LATE[name]}"), name)
    raise AttributeError(name)
