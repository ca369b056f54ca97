"""Where people are looked up who have no account here: a file a kind.

Here: which kinds there are, and a directory opened. Not here: who is looked up (`decision/identity.py`), how often and
how long an answer counts (`run/directories.py`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.directories.entry import Away as Away

if TYPE_CHECKING:
    from engine.config.directory import Directory
    from engine.directories.entry import People


def open_directory(own: Directory) -> People:
    """Make ready to ask; nothing is read or connected to yet."""
    if own.kind == "ldap":
        from engine.directories.ldap import Server

        return Server(own)
    from engine.directories.table import Table

    return Table(own)
