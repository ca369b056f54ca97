"""An engine on a store in memory, and mails for it: what tests of deciding share."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

import databases

from engine.config import load
from engine.model.mail import Origin, RawMail
from engine.run.engine import Engine
from engine.store.load import load as load_data
from engine.store.store import Store

NOW = datetime(2026, 11, 20, 10, 31, tzinfo=UTC)
CONFIG = """
schema = 1
[system]
default_workspace = "support"
[system.mailbox]
protocol = "maildir"
path = "mail"
addresses = ["help@example.com"]
[workspace.support]
name = "Support"
"""
DATA = {
    "users": [{"login": "anna", "name": "Anna Berg", "emails": ["anna@example.com"]}],
    "workspaces": [{"identifier": "support", "name": "Support"}],
}


def an_engine(tmp_path: Path) -> Iterator[Engine]:
    """An engine with one account and one workspace; to be used as a fixture (`engine` of conftest.py)."""
    databases.configured(tmp_path, CONFIG)
    config = load(tmp_path / "allegra.toml")
    with Store.open(databases.fresh(tmp_path)) as store:
        load_data(store, DATA)
        made = Engine(config, store)
        yield made
        made.close()


def raw(subject: str = "Printer", sender: str = "anna@example.com", key: str = "1") -> RawMail:
    content = f"From: {sender}\nTo: help@example.com\nSubject: {subject}\nMessage-ID: <{key}@x>\n\nHello\n".encode()
    return RawMail(content, Origin("system", key, len(content)), NOW, sha256(content).hexdigest())


def settled(engine: Engine) -> None:
    """Let everything be done that is planned in the mailbox, as if a server had done it."""
    engine.store.mailboxes.actions_done(
        "system", [(row[0], "done") for row in engine.store.mailboxes.pending_actions("system", 100)]
    )
