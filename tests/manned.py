"""A desk where people work: two agents, customers, one item, and a server to send by. Not here: assertions."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from hashlib import sha256
from itertools import count
from pathlib import Path
from typing import Any

import databases

from engine.config import load
from engine.desk import items
from engine.desk.items import How
from engine.model.mail import Envelope, Origin, RawMail
from engine.outbox.contents import letter
from engine.run.engine import Engine
from engine.run.process import process
from engine.store.load import load as load_data
from engine.store.store import Store

NUMBERS = count(1)

CONFIG = """
schema = 1
[system]
default_workspace = "support"
[system.mailbox]
protocol = "maildir"
path = "mail"
addresses = ["help@example.com"]
[smtp]
host = "smtp.example.com"
from = "Help <help@example.com>"
[workspace.support]
name = "Support"
"""

DATA: dict[str, Any] = {
    "groups": [{"name": "onsite"}],
    "users": [
        {"login": "anna", "name": "Anna Berg", "emails": ["anna@example.com"], "language": "de"},
        {"login": "bob", "name": "Bob Lund", "emails": ["bob@example.com"], "groups": ["onsite"]},
        {"login": "jane", "name": "Jane Doe", "emails": ["jane@big.example"]},
        {"login": "karl", "name": "Karl Roe", "emails": ["karl@big.example"]},
        {"login": "lola", "name": "Lola", "emails": ["lola@example.com"], "status": "locked"},
    ],
    "roles": [{"name": "agent", "permissions": ["view_items", "add_items", "add_comments", "edit_items", "watch"]}],
    "workspaces": [{"identifier": "support", "name": "Support", "public": False,
                    "priorities": ["Low", "Normal", "High"]}],
    "members": [{"user": "anna", "workspace": "support", "role": "agent"},
                {"user": "bob", "workspace": "support", "role": "agent"}],
    "items": [{"id": 12, "workspace": "support", "title": "Printer broken", "text": "It is on fire.",
               "author": "jane", "status": "New", "priority": "Normal"}],
}  # fmt: skip


def an_engine(tmp_path: Path, config: str = CONFIG) -> Iterator[Engine]:
    """An engine with the data above; to be used as a fixture."""
    databases.configured(tmp_path, config)
    loaded = load(tmp_path / "allegra.toml")
    with Store.open(loaded.store.where) as store:
        load_data(store, DATA)
        made = Engine(loaded, store)
        yield made
        made.close()


def by(engine: Engine, login: str = "anna", **more: Any) -> How:
    return How(items.whoever(engine, login, ""), **more)


def read(engine: Engine, content: str, reverse_path: str | None = None) -> Any:
    data, now = content.encode(), datetime.now(UTC)
    raw = RawMail(data, Origin("system", str(next(NUMBERS)), len(data)), now, sha256(data).hexdigest(),
                  Envelope(reverse_path))  # fmt: skip
    (result,) = process(engine, engine.store.ledger.spool([raw], "me"), now)
    return result


def composed(engine: Engine, number: int) -> str:
    """Compose the mail of a row, as the first attempt to send it does; gives its Message-ID."""
    outbox = engine.store.outbox
    made = letter(outbox.row(number), engine.store, engine.config, engine.store.database.clock()).message_id
    outbox.composed(number, made, b"")
    return made
