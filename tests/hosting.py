"""An installation for programs: a folder with allegra.toml, people and a workspace, and mails to hand in."""

from __future__ import annotations

from pathlib import Path

import databases

from engine.config import load
from engine.store.load import load as load_data
from engine.store.store import Store

CONFIG = """
schema = 1
[system]
default_workspace = "support"
[system.mailbox]
protocol = "{protocol}"
addresses = ["help@example.com"]
{folders}
[workspace.support]
name = "Support"
{more}
"""
FOLDERS = 'move_on_success = "Done"\nmove_on_hold = "Held"'
DATA = {
    "users": [{"login": "anna", "name": "Anna Berg", "emails": ["anna@example.com"]}],
    "workspaces": [{"identifier": "support", "name": "Support"}],
}


def installation(folder: Path, more: str = "", rules: str = "", protocol: str = "pipe") -> Path:
    """Make one; gives the path of its allegra.toml."""
    path = folder / "allegra.toml"
    folders = FOLDERS if protocol == "program" else ""
    databases.configured(folder, CONFIG.format(more=more, protocol=protocol, folders=folders))
    if rules:
        (folder / "rules").mkdir(exist_ok=True)
        (folder / "rules" / "system.toml").write_text(rules, encoding="utf-8")
    with Store.open(load(path).store.where) as store:
        load_data(store, DATA)
    return path


def mail(subject: str = "Printer", sender: str = "anna@example.com", number: int = 1) -> bytes:
    """The bytes of a mail; another number is another mail."""
    return (
        f"From: {sender}\nTo: help@example.com\nSubject: {subject}\nMessage-ID: <{number}@mail.example.com>\n\n"
        f"It is on fire, for the {number}. time.\n"
    ).encode()
