"""How long what is kept: bytes, traces, and what erasing leaves behind.

Here: purge, prune, backup, and the texts of rule files. Not here: when these run (`allegra db prune`, `run`).
Invariant: the bytes of a mail that waits for anybody (a machine, a person, the mail server) are never touched; the
digest stays for good, so that a mail which comes again is known.
"""
# ruff: noqa: S608 - only our own constants are put into the statements

from __future__ import annotations

import os
import sqlite3
from datetime import datetime
from pathlib import Path

from msgspec import Struct

from engine.store.database import us
from engine.store.errors import Refused, StoreError
from engine.store.manual import Manual
from engine.store.tables.mail import DECIDED, OPEN, PLANNED

AT_ONCE = 100
"""Mails purged in one transaction."""


class Pruned(Struct, frozen=True):
    """What was let go: raw mails and their bytes, traces; and how many attachments and bodies were kept from them."""

    mails: int = 0
    bytes: int = 0
    traces: int = 0
    kept: int = 0


_OLD = f"""
SELECT inbound.id, raw.id, raw.size FROM inbound JOIN raw_mail raw ON raw.id = inbound.raw_id
WHERE {DECIDED} AND inbound.received_at < ? AND inbound.id > ? AND state IN ('done', 'ignored', 'duplicate')
  AND raw.purged_at IS NULL
  AND NOT EXISTS (SELECT 1 FROM presentation WHERE inbound_id = inbound.id AND {PLANNED})
  AND NOT EXISTS (SELECT 1 FROM inbound AS other WHERE other.raw_id = raw.id AND other.{OPEN})
ORDER BY inbound.id LIMIT ?"""


class Retention(Manual):
    """Lets go of what is old."""

    def prune(self, now: datetime, keep: float, keep_trace: float) -> Pruned:
        """Let go of bytes older than `keep` seconds and traces older than `keep_trace` seconds.

        Attachments and HTML bodies that items show are given bytes of their own first.
        """
        mails = size = kept = last = 0
        cut = us(now) - int(keep * 1_000_000)
        while True:
            with self.database.joining():
                rows = self.database.rows(_OLD, cut, last, AT_ONCE)
                for last, raw, length in rows:  # noqa: B007 - the last one is where the next batch begins
                    kept += self._let_go(raw, now)
                    mails, size = mails + 1, size + length
            if not rows:
                break
        with self.database.joining():
            traces = self.database.run(
                "UPDATE receipt SET trace = NULL WHERE decided_at < ? AND trace IS NOT NULL AND inbound_id IN "
                f"(SELECT id FROM inbound WHERE {DECIDED} AND NOT ({OPEN}))",
                us(now) - int(keep_trace * 1_000_000),
            ).rowcount
        return Pruned(mails, size, traces, kept)

    def _let_go(self, raw: int, now: datetime) -> int:
        kept = self._free_raw(raw)
        self.database.run("UPDATE raw_mail SET content = NULL, purged_at = ? WHERE id = ?", us(now), raw)
        return kept

    def purge(self, mail: str) -> None:
        """Erase a mail: bytes, addresses, subject and trace; its digest, receipt and what it made stay.

        Raises NotFound, and Refused for a mail that waits for somebody or whose mailbox action is not done.
        """
        with self.database.joining():
            row = self.mail(mail)
            (raw,) = self.database.one("SELECT raw_id FROM inbound WHERE id = ?", row.row)
            waits = self.database.one(f"SELECT state FROM inbound WHERE raw_id = ? AND {OPEN}", raw)
            if waits:
                raise Refused(f"{row.mail} is {row.outcome}: ignore or release it first")
            if self.database.one(f"SELECT 1 FROM presentation WHERE inbound_id = ? AND {PLANNED}", row.row):
                raise Refused(f"{row.mail} is still to be moved in its mailbox")
            self._let_go(raw, self.clock())
            self.database.run(
                "UPDATE inbound SET sender = '', recipients = '', subject = '', reverse_path = NULL, "
                "forward_paths = '', error = '' WHERE id = ?", row.row,
            )  # fmt: skip
            self.database.run("UPDATE receipt SET trace = NULL WHERE inbound_id = ?", row.row)

    # ── texts of rule files ───────────────────────────────────────────────────────────────────────────────────

    def keep_text(self, digest: str, text: str) -> None:
        """Keep the text of a rule file by its hash: what traces are told with."""
        with self.database.joining():
            self.database.run(
                "INSERT INTO rule_text (digest, text) VALUES (?, ?) ON CONFLICT (digest) DO NOTHING", digest, text
            )

    def text(self, digest: str) -> str:
        """Give a kept text, "" if there is none."""
        row = self.database.one("SELECT text FROM rule_text WHERE digest = ?", digest)
        return str(row[0]) if row else ""

    # ── backup ────────────────────────────────────────────────────────────────────────────────────────────────

    def backup(self, target: Path) -> int:
        """Write a consistent copy of the database while others work on it; gives its size in bytes.

        Raises StoreError, and Refused for a file that exists.
        """
        try:
            os.close(os.open(target, os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_CLOEXEC, 0o600))
            copy = sqlite3.connect(target)
            try:
                self.database.copy_to(copy)
            finally:
                copy.close()
        except FileExistsError:
            raise Refused(f"{target} exists: a backup never overwrites a file") from None
        except (OSError, sqlite3.Error) as error:
            raise StoreError(f"the backup {target} cannot be written: {error}") from error
        return target.stat().st_size
