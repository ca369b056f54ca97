"""How long what is kept: bytes, traces, rows of the outbox, and what erasing leaves behind.

Here: `Retention`, a part of `engine.ports.Archive`: purge, prune, backup, and the texts of rule files. Not here: when
these run (`allegra db prune`, `run`). Invariant: the bytes of a mail that waits for anybody (a machine, a person, the
mail server) are never touched; the digest stays for good, so that a mail which comes again is known. Of a mail that was
purged its rows keep numbers, times, codes and digests, and no word of the mail or about a person; what it made stays.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from engine.model.reasons import REASONS
from engine.model.stored import Backup, Pruned, Recounted
from engine.model.told import Told, nobody
from engine.store import hot, tables
from engine.store.blobs import Blobs
from engine.store.copying import whole_file
from engine.store.database import Database, us
from engine.store.errors import Refused, StoreError
from engine.store.mails import Mails
from engine.store.reading import damage
from engine.store.sqlite import Sqlite
from engine.store.state_files import put_in
from engine.store.tallying import sender_gone
from engine.store.terms import DECIDED, OPEN, PLANNED, QUEUED

NEVER = 2**63 - 1

AT_ONCE, ROWS_AT_ONCE = 100, 500
"""Mails purged, and rows of the outbox let go of, in one transaction."""

OVER = ("sent", "bounced", "dropped")
"""States of rows that nobody waits for and nobody has to look at."""

KEEP_SUPPRESSED_S = 90 * 86_400.0
"""How long is kept who was not told and why."""


ON_A_SERVER = "make the backup with its own tools, as in  pg_dump --format=custom --file=FILE URL"


class Retention:
    """Lets go of what is old."""

    def __init__(self, database: Database, mails: Mails, blobs: Blobs) -> None:
        self._database, self._mails, self._blobs = database, mails, blobs

    def prune(
        self, now: datetime, keep: float, keep_trace: float, keep_outbox: float | None = None, told: Told = nobody
    ) -> Pruned:
        mails = size = kept = last = 0
        cut = us(now) - int(keep * 1_000_000)
        inbound, receipt, trace = tables.Inbound, tables.Receipt, tables.Trace
        young = self._first_since(inbound, inbound.received_at, cut, now, tables.SQL(DECIDED))
        while True:
            with self._database.joining():
                rows = self._database.all(_old(cut, last, young))
                for last, raw, length in rows:  # noqa: B007 - the last one is where the next batch begins
                    kept += self._let_go(raw, now)
                    mails, size = mails + 1, size + length
            if not rows:
                break
            told(mails, 0)
        ended = inbound.select(inbound.id).where(tables.SQL(DECIDED), ~tables.SQL(f"({OPEN})"))
        cut = us(now) - int(keep_trace * 1_000_000)
        young = self._first_since(receipt, receipt.decided_at, cut, now)
        old = receipt.select(receipt.id).where(
            receipt.decided_at < cut, receipt.id < young, receipt.inbound.in_(ended)
        )  # fmt: skip
        with self._database.joining():
            traces = self._database.do(trace.delete().where(trace.id < young, trace.id.in_(old)))
        let_go = self._outbox(us(now), keep_outbox, told) if keep_outbox is not None else 0
        return Pruned(mails, size, traces, kept, let_go)

    def _outbox(self, now: int, keep: float, told: Told) -> int:
        """Let go of rows of the outbox that are over, in one walk through all of them; gives how many."""
        row, gone, last = tables.Outbox, 0, 0
        sent = row.created_at < now - int(keep * 1_000_000)
        not_told = row.created_at < now - int(min(keep, KEEP_SUPPRESSED_S) * 1_000_000)
        old = row.state.in_(OVER) & sent | (row.state == "suppressed") & not_told
        while True:
            with self._database.joining():
                query = row.select(row.id).where(row.id > last, old).order_by(row.id).limit(ROWS_AT_ONCE)
                numbers = [number for (number,) in self._database.all(query)]
                if not numbers:
                    return gone
                self._database.do(row.delete().where(row.id.in_(numbers)))
            gone, last = gone + len(numbers), numbers[-1]
            told(gone, 0)

    def _first_since(self, table: Any, time: Any, cut: int, now: datetime, *where: Any) -> int:
        """Give the first row since `cut`: rows behind it are younger, whatever their clock said when it ran behind."""
        (first,) = self._database.first(
            table.select(tables.fn.MIN(table.id)).where(time >= cut, time <= us(now), *where)
        )
        return int(first) if first is not None else NEVER

    def _let_go(self, raw: int, now: datetime) -> int:
        kept = self._blobs.free(raw)
        mail = tables.RawMail
        self._database.do(mail.update(content=None, purged_at=us(now)).where(mail.id == raw))
        return kept

    def purge(self, mail: str) -> None:
        self._database.overwrite()
        with self._database.joining():
            if because := self.not_to_purge(mail):
                raise Refused(because)
            raw, same = self._same(self._mails.mail(mail).row)
            self._let_go(raw, self._database.clock())
            for (number,) in self._database.all(same):
                self._forget(number)

    def erase(self, number: int) -> None:
        """Purge one row of the ledger and its bytes, in the transaction that is open, whatever stands in the way."""
        inbound, raw = tables.Inbound, tables.RawMail
        (where,) = self._database.first(inbound.select(inbound.raw).where(inbound.id == number))
        if self._database.first(raw.select(raw.id).where(raw.id == where, raw.content.is_null(False))):
            self._let_go(where, self._database.clock())
        self._forget(number)

    def not_to_purge(self, mail: str) -> str:
        shown, row = tables.Presentation, self._mails.mail(mail)
        _, same = self._same(row.row)
        if self._database.first(same.where(tables.SQL(OPEN))):
            return f"{row.mail} is {row.outcome}: ignore or release it first"
        if self._database.first(shown.select(shown.key).where(shown.inbound.in_(same), tables.SQL(PLANNED))):
            return f"{row.mail} is still to be moved in its mailbox"
        return ""

    def _same(self, row: int) -> tuple[int, Any]:
        """The bytes of a mail, and the query for every mail that is the same, in whatever mailbox it came."""
        inbound = tables.Inbound
        (raw,) = self._database.first(inbound.select(inbound.raw).where(inbound.id == row))
        return raw, inbound.select(inbound.id).where(inbound.raw == raw)

    def wipe(self, *, anew: bool = False) -> None:
        self._database.wipe(anew=anew)

    def _forget(self, number: int) -> None:
        """Take out of a mail's rows what tells of a person; what is still to be sent keeps its recipient until then."""
        inbound, receipt, effect, outbox = tables.Inbound, tables.Receipt, tables.Effect, tables.Outbox
        event = tables.Event
        self._database.run(hot.LEFT_UNSAID)
        sender_gone(self._database, number)
        self._database.do(
            inbound.update(
                sender="", recipients="", subject="", message_id="", reverse_path=None, forward_paths="", error="",
                released="",
            ).where(inbound.id == number)
        )  # fmt: skip
        for (code,) in self._database.all(receipt.select(receipt.code).where(receipt.inbound == number).distinct()):
            because = REASONS[code].sentence if code in REASONS else ""
            told = receipt.update(because=because)
            self._database.do(told.where(receipt.inbound == number, receipt.code == code))
        theirs = receipt.select(receipt.id).where(receipt.inbound == number)
        self._database.do(tables.Trace.delete().where(tables.Trace.id.in_(theirs)))
        self._database.do(effect.update(detail="").where(effect.inbound == number))
        of_the_mail = event.update(actor="", detail="").where(event.inbound == number, event.name.startswith("mail."))
        self._database.do(of_the_mail)
        along = outbox.select(outbox.sent_in).where(outbox.inbound == number, outbox.sent_in.is_null(False))
        carriers = [carrier for (carrier,) in self._database.all(along)]
        words = outbox.update(content=None).where(outbox.id.in_(carriers), ~tables.SQL(f"({QUEUED})"))
        self._database.do(words)
        sent = outbox.select(outbox.id, outbox.generation)
        sent = sent.where(outbox.inbound == number, ~tables.SQL(f"({QUEUED})"), outbox.state != "digest")
        for row, generation in self._database.all(sent):
            once = f"{number}:{generation}:purged {row}"
            told = outbox.update(payload="{}", address_key="", error="", content=None, dedupe=once)
            self._database.do(told.where(outbox.id == row))

    def recount(self, told: Told = nobody) -> Recounted:
        from engine.store.recounting import recount

        with self._database.joining():
            self._database.bulk().keep_still(["receipt", "tally", "rule_hit", "sender"])
            return recount(self._database, told)

    # ── texts of rule files ───────────────────────────────────────────────────────────────────────────────────

    def keep_text(self, digest: str, text: str) -> None:
        with self._database.joining():
            self._database.run(hot.TEXT, digest, text)

    def text(self, digest: str) -> str:
        kept = tables.RuleText
        row = self._database.first(kept.select(kept.text).where(kept.digest == digest))
        return str(row[0]) if row else ""

    # ── backup ────────────────────────────────────────────────────────────────────────────────────────────────

    def backup(self, target: Path, files: Mapping[str, Path] | None = None, told: Told = nobody) -> Backup:
        database = self._database
        if not isinstance(database, Sqlite):
            raise Refused(f"the database {database.named} is on a server: {ON_A_SERVER}")
        try:
            with whole_file(target) as copy:
                database.copy_to(copy, told)
                names = put_in(copy, files or {})
            wrong = damage(target)
        except FileExistsError:
            is_folder = "is a folder: name a file in it" if target.is_dir() else "exists"
            raise Refused(f"{target} {is_folder}; a backup never overwrites anything") from None
        except (FileNotFoundError, NotADirectoryError):
            raise Refused(f"there is no folder {target.parent}: make it first") from None
        except (OSError, sqlite3.Error) as error:
            reason = getattr(error, "strerror", "") or error
            raise StoreError(f"the backup {target} cannot be written: {reason}") from error
        if wrong:
            raise StoreError(
                f"the backup {target} was written, but the database is damaged: {wrong}; "
                "keep older backups, and look at the disk"
            )
        return Backup(target.stat().st_size, names)


def _old(cut: int, last: int, young: int) -> Any:
    """The next mails from before a time and a row whose bytes nobody needs: row, raw mail and its size."""
    inbound, raw, shown = tables.Inbound, tables.RawMail, tables.Presentation
    other = inbound.alias("other")
    waits_there = shown.select(shown.key).where(shown.inbound == inbound.id, tables.SQL(PLANNED))
    waits_elsewhere = other.select(other.id).where(other.raw == raw.id, tables.SQL(f"other.{OPEN}"))
    return (
        inbound.select(inbound.id, raw.id, raw.size).join(raw)
        .where(
            tables.SQL(DECIDED), inbound.received_at < cut, inbound.id > last, inbound.id < young,
            inbound.state.in_(("done", "ignored", "duplicate")), raw.purged_at.is_null(),
            ~tables.fn.EXISTS(waits_there), ~tables.fn.EXISTS(waits_elsewhere),
        )
        .order_by(inbound.id).limit(AT_ONCE)
    )  # fmt: skip
