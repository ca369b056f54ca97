"""A database as an earlier release made it, with rows of that release: what steps of the schema are tried on."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from typing import Any

FIRST = Path(__file__).with_name("schema_1.sql")

STEP_2 = 'CREATE TABLE "numbering" ("kind" TEXT NOT NULL PRIMARY KEY, "above" INTEGER NOT NULL) WITHOUT ROWID'

PEOPLE = """
INSERT INTO workspace (id, identifier) VALUES (1, 'support');
INSERT INTO account (id, login, name, name_key) VALUES (1, 'anna', 'Anna Berg', 'anna berg'), (2, 'nobody', '', '');
INSERT INTO email VALUES ('second@example.com', 'second@example.com', 1, 1),
  ('anna@example.com', 'Anna@example.com', 1, 0);
INSERT INTO item (id, workspace_id, title, text, created_at, changed_at) VALUES (1, 1, 'Printer', 'It burns.', 1, 1);
INSERT INTO topic (id, workspace_id, title, created_at) VALUES (1, 1, 'Which printer?', 1);
INSERT INTO mailbox (id, name, ok_at) VALUES (1, 'system', 77);
"""


def database(path: Path, version: int = 2) -> sqlite3.Connection:
    """Make it, with a few people and places, and leave it open."""
    made = sqlite3.connect(path)
    made.execute("PRAGMA page_size = 8192")
    made.executescript(FIRST.read_text(encoding="utf-8"))
    if version > 1:
        made.execute(STEP_2)
    made.executemany("INSERT INTO schema_version VALUES (?, 'step', 0)", [(step + 1,) for step in range(version)])
    made.executescript(PEOPLE)
    return made


def queue(made: sqlite3.Connection, kind: str, payload: dict[str, Any], **columns: Any) -> None:
    """Write a row of the outbox as releases before events did."""
    to = next(iter(payload.get("to", ())), "")
    number = made.execute("SELECT count(*) + 1 FROM outbox").fetchone()[0]
    row = {
        "dedupe": f"1:1:{number}:{to.casefold()}", "message_id": f"<{number}@example.com>", "kind": kind,
        "automatic": kind not in ("notify", "report", "forward", "webhook"), "recipient": to.casefold(),
        "payload": json.dumps(payload), "created_at": 5, **columns,
    }  # fmt: skip
    marks = ", ".join("?" * len(row))
    made.execute(f"INSERT INTO outbox ({', '.join(row)}) VALUES ({marks})", [*row.values()])  # noqa: S608
