"""The floor: the least that any engine has to do with the same corpus in the same Maildir.

Here: each file read, parsed with the standard library, its parts and five header fields decoded, one row a mail, one
durable commit a batch. Not here: a decision, an item, the bytes kept, the mailbox settled. Invariant: nothing here is
slower than it need be, and nothing is left out that every engine does; the parser is `compat32`, which takes a third of
what `policy.default` takes and reads the same (a test compares them).
"""

from __future__ import annotations

import sqlite3
import time
from email import message_from_bytes
from email.header import decode_header, make_header
from email.message import Message
from email.utils import parseaddr
from pathlib import Path
from typing import Any

from bench.clock import cpu_s

BATCH = 50
TABLE = """CREATE TABLE mail (id INTEGER PRIMARY KEY, message_id TEXT, subject TEXT, sender TEXT, name TEXT,
    recipients TEXT, answers TEXT, text TEXT)"""
ROW = "INSERT INTO mail (message_id, subject, sender, name, recipients, answers, text) VALUES (?, ?, ?, ?, ?, ?, ?)"
PRAGMAS = ("page_size = 8192", "journal_mode = WAL", "synchronous = FULL")


def read(content: bytes) -> tuple[str, ...]:
    """Read a mail: Message-ID, subject, the sender's address and name, To, References, text bodies."""
    mail = message_from_bytes(content)
    name, address = parseaddr(mail["From"] or "")
    texts = [text for part in mail.walk() if not part.is_multipart() and (text := _text(part))]
    return (
        _said(mail["Message-ID"]), _said(mail["Subject"]), address, _said(name), _said(mail["To"]),
        _said(mail["References"]), "\n".join(texts),
    )  # fmt: skip


def _said(value: Any) -> str:
    text = str(value or "")
    if "=?" in text:
        text = str(make_header(decode_header(text)))
    return text.replace("\n", "")


def _text(part: Message[str, str]) -> str:
    """Decode a part, as who keeps its files has to; gives its text if it is body text."""
    content = part.get_payload(decode=True)
    if part.get_content_maintype() != "text" or part.get_filename():
        return ""
    return content.decode(part.get_content_charset("us-ascii"), "replace") if isinstance(content, bytes) else ""


def one_pass(folder: Path, began: float) -> dict[str, Any]:
    """Do the least with every mail in `folder/mail/new`, in this process, which had used `began` CPU seconds before."""
    wall = time.perf_counter()
    database = sqlite3.connect(folder / "floor.db", isolation_level=None)
    for pragma in PRAGMAS:
        database.execute(f"PRAGMA {pragma}")
    database.execute(TABLE)
    paths = sorted((folder / "mail" / "new").iterdir())
    for start in range(0, len(paths), BATCH):
        rows = [read(path.read_bytes()) for path in paths[start : start + BATCH]]
        database.execute("BEGIN IMMEDIATE")
        database.executemany(ROW, rows)
        database.execute("COMMIT")
    database.close()
    used, seen = cpu_s() - began, time.perf_counter() - wall
    return {"mails": len(paths), "us_per_mail": used / len(paths) * 1e6, "per_cpu_s": len(paths) / used, "wall_s": seen}
