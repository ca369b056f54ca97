"""Whether a database, or a backup of one, is whole and keeps what it promises.

Here: `examine`: its pages, its references, the promises between its tables, and the bytes of its mails. Not here: a
quick look (`reading.py`), mending. Invariant: a file is only read, never changed and never brought up to
date; what is found is named, a few of each kind, so that a person can look.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from msgspec import Struct

from engine.model.told import Told
from engine.store import hot
from engine.store.errors import Refused, StoreError
from engine.store.file import meaning
from engine.store.reading import only_read

NAMED = 5
"""Rows named of each kind of fault."""

RESTORE = "restore a backup: allegra db restore FILE"

RECOUNT = "count them anew: allegra db recount"

COUNTED_WRONGLY = "days are counted with other numbers of mails than there are"

PROMISES = (
    (
        "mails are decided and have no receipt, so nobody can say why",
        "SELECT ref FROM inbound WHERE state IN ('done', 'ignored', 'duplicate', 'held') AND decided_at > 0"
        " AND NOT EXISTS (SELECT 1 FROM receipt WHERE inbound_id = inbound.id AND generation <= inbound.generation)",
    ),
    (
        "mails wait and their bytes are gone",
        "SELECT ref FROM inbound JOIN raw_mail ON raw_mail.id = raw_id"
        " WHERE state IN ('received', 'held', 'quarantined') AND content IS NULL",
    ),
    (
        "receipts name an item that never was",
        "SELECT ref FROM receipt JOIN inbound ON inbound.id = inbound_id WHERE receipt.item > (SELECT max("
        "coalesce((SELECT max(id) FROM item), 0), coalesce((SELECT above FROM numbering WHERE kind = 'item'), 0)))",
    ),
    (
        "mails are to be moved on their server although nothing is decided about them",
        "SELECT ref FROM presentation JOIN inbound ON inbound.id = inbound_id"
        " WHERE action_state IN ('pending', 'failed') AND state = 'received' AND decided_at = 0",
    ),
    (
        "letters are of a mail or an act that is not there",
        "SELECT 'outbox ' || id FROM outbox WHERE act <> '' AND NOT EXISTS (SELECT 1 FROM act WHERE ref = outbox.act)",
    ),
    (
        "attachments belong to nothing",
        "SELECT 'attachment ' || id FROM attachment WHERE item_id IS NULL AND topic_id IS NULL",
    ),
    (
        "attachments have neither bytes of their own nor a mail that has them",
        "SELECT 'attachment ' || attachment.id FROM attachment JOIN blob ON blob.id = blob_id"
        " LEFT JOIN raw_mail ON raw_mail.id = raw_id WHERE blob.content IS NULL AND raw_mail.content IS NULL",
    ),
    (
        COUNTED_WRONGLY,
        "SELECT 'day ' || at FROM (SELECT at, sum(mails) AS mails FROM tally WHERE span = 96 GROUP BY at UNION ALL"
        " SELECT received_at / 86400000000, -count(*) FROM inbound WHERE EXISTS (SELECT 1 FROM receipt"
        " WHERE inbound_id = inbound.id) GROUP BY 1) GROUP BY at HAVING sum(mails) <> 0",
    ),
)
"""What must never be found, as a sentence without its number, and what finds it: a name a row."""


class Finding(Struct, frozen=True):
    """Something that is wrong: how often (0: not counted), what, a few names of where, and what to do."""

    count: int
    what: str
    named: tuple[str, ...]
    remedy: str = RESTORE


class Examined(Struct, frozen=True):
    """What was looked at and found. `version` is the schema, `promises` False where it is of another release."""

    version: int
    rows: int
    mails_read: int
    promises: bool
    findings: tuple[Finding, ...]


def examine(path: Path, today: int, *, read_mails: bool, told: Told) -> Examined:
    """Look at a database file or a backup; `today` is the schema of this release.

    `read_mails` compares the bytes of each mail with their digest; `told` hears how many of how many are done.
    Raises Refused for a file that is none of ours, StoreError for one that cannot be read.
    """
    if not path.is_file():
        raise Refused(f"there is no file {path}")
    try:
        with only_read(path) as connection:
            return _examined(connection, path, today, told if read_mails else None)
    except sqlite3.DatabaseError as error:
        broken = str(error)
        if isinstance(error, sqlite3.OperationalError) and "malformed" not in broken:
            found = meaning(error, path)
            raise (found if isinstance(found, StoreError) else StoreError(broken)) from error
    return Examined(0, 0, 0, False, (Finding(0, f"the file cannot be read to its end: {broken}", ()),))


def _examined(connection: sqlite3.Connection, path: Path, today: int, told: Told | None) -> Examined:
    tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    if "schema_version" not in tables:
        raise Refused(f"{path} holds no database of ours")
    version = connection.execute(hot.SCHEMA).fetchone()[0] or 0
    pages = [str(row[0]) for row in connection.execute("PRAGMA integrity_check(20)")]
    if pages != ["ok"]:
        finding = Finding(len(pages), "places of the file are damaged", tuple(pages[:NAMED]))
        return Examined(version, 0, 0, False, (finding,))
    rows = sum(connection.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0] for name in tables)  # noqa: S608
    findings = [*_references(connection)]
    if version == today:
        findings.extend(_broken(connection))
    read = 0
    if told is not None:
        read, wrong = _bytes(connection, told)
        findings.extend(wrong)
    return Examined(version, rows, read, version == today, tuple(findings))


def _references(connection: sqlite3.Connection) -> Iterator[Finding]:
    found = connection.execute("PRAGMA foreign_key_check").fetchmany(10_000)
    if found:
        named = tuple(f"{table} {row} names a {parent}" for table, row, parent, _ in found[:NAMED])
        yield Finding(len(found), "rows name another row that is not there", named)


def _broken(connection: sqlite3.Connection) -> Iterator[Finding]:
    for what, statement in PROMISES:
        (count,) = connection.execute(f"SELECT count(*) FROM ({statement})").fetchone()  # noqa: S608 - our own text
        if count:
            named = [str(row[0]) for row in connection.execute(f"{statement} LIMIT {NAMED}")]
            yield Finding(count, what, tuple(named), RECOUNT if what == COUNTED_WRONGLY else RESTORE)


def _bytes(connection: sqlite3.Connection, told: Told) -> tuple[int, list[Finding]]:
    """Compare the bytes of mails and attachments with what they were when they came."""
    stored = "SELECT id, digest, content FROM {} WHERE content IS NOT NULL ORDER BY id"
    total = sum(
        connection.execute(f"SELECT count(*) FROM {table} WHERE content IS NOT NULL").fetchone()[0]  # noqa: S608
        for table in ("raw_mail", "blob")
    )
    done, wrong = 0, list[str]()
    for table, name in (("raw_mail", "mail"), ("blob", "attachment")):
        for row, digest, content in connection.execute(stored.format(table)):
            done += 1
            if hashlib.sha256(content).digest() != bytes(digest):
                wrong.append(f"{name} {row}")
            if done % 500 == 0:
                told(done, total)
    what = "mails or attachments are not what they were when they came"
    return done, [Finding(len(wrong), what, tuple(wrong[:NAMED]))] if wrong else []
