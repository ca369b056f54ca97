"""One runner for a mailbox at a time, and how its mailbox fares.

Here: leases (a row with a heartbeat and, on one host, a flock beside the database), the note of the mail in hand, the
context manager `Lease`, the states that `allegra mailbox list` shows. Not here: claims of mails (`spool.py`), which
stay correct without any lease. Invariant: a lease only saves work; a process that dies gives everything back at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

from engine.store.database import Database, moment, us
from engine.store.locks import FileLock as FileLock
from engine.store.locks import is_alive
from engine.store.locks import owner as owner
from engine.store.migrations import check_version, pass_file
from engine.store.spool import Spool, _is_free

if TYPE_CHECKING:
    pass

TTL_S = 60.0
RETRY_S = 0.25

BY_HAND = "paused by hand"
"""Why a mailbox is paused where nobody gave a reason."""

CRASH_WAITS_S = (60.0, 300.0, 1800.0, 7200.0)
"""How long a mail waits that was in hand when a process died, where nobody says `errors.retry`."""


class MailboxState(Struct, frozen=True):
    """How a mailbox fares. `failures` counts the passes since it last worked; `holder` is who works on it now."""

    name: str
    ok_at: datetime | None
    failures: int
    failing_since: datetime | None
    failed_at: datetime | None
    code: str
    sentence: str
    paused: str
    holder: str
    epoch: str


class Leases(Spool):
    """Leases of mailboxes, and their states."""

    _locks: dict[str, FileLock]
    _pass: FileLock | None = None
    _notes: dict[str, bytes]

    def lease(self, mailbox: str, owner: str, now: datetime, ttl_s: float = TTL_S) -> bool:
        """Take the lease of a mailbox; False if another runner has it, or the schema is being upgraded."""
        number = self.mailbox_id(mailbox)
        if not self._lock(mailbox, number):
            return False
        check_version(self.database)
        with self.database.joining():
            held_by, until = self.database.one("SELECT lease_owner, lease_until FROM mailbox WHERE id = ?", number)
            free = held_by in ("", owner) or _is_free(held_by, until, us(now))
            if free:
                self.database.run(
                    "UPDATE mailbox SET lease_owner = ?, lease_until = ?, lease_token = lease_token + 1 WHERE id = ?",
                    owner, us(now) + int(ttl_s * 1_000_000), number,
                )  # fmt: skip
        if not free:
            self._unlock(mailbox)
        return free

    def heartbeat(self, mailbox: str, owner: str, now: datetime, ttl_s: float = TTL_S) -> bool:
        """Make a lease last longer; False if it is not ours any more."""
        return beat(self.database, self.mailbox_id(mailbox), owner, now, ttl_s)

    def release_lease(self, mailbox: str, owner: str) -> None:
        """Give a lease back; one that is not ours stays where it is."""
        try:
            with self.database.joining():
                self.database.run(
                    "UPDATE mailbox SET lease_owner = '', lease_until = 0 WHERE name = ? AND lease_owner = ?",
                    mailbox,
                    owner,
                )
        finally:
            self._unlock(mailbox)

    def lease_holder(self, mailbox: str) -> str:
        """Name who has the lease of a mailbox, for people; "" for nobody."""
        row = self.database.one("SELECT lease_owner FROM mailbox WHERE name = ?", mailbox)
        return _named(row[0]) if row else ""

    def _lock(self, mailbox: str, number: int) -> bool:
        path = self.database.path
        if path is None or mailbox in self._locks:
            return True
        lock = FileLock(lock_file(path, number))
        if not lock.acquire():
            return False
        if self._pass is None:
            passing = FileLock(pass_file(path), shared=True)
            if not passing.acquire():
                lock.release()
                return False
            self._pass = passing
        self._locks[mailbox] = lock
        return True

    def _unlock(self, mailbox: str) -> None:
        self._notes.pop(mailbox, None)
        lock = self._locks.pop(mailbox, None)
        if lock is not None:
            lock.release()
        if not self._locks and self._pass is not None:
            self._pass.release()
            self._pass = None

    # ── the mail in hand ──────────────────────────────────────────────────────────────────────────────────────

    def take_over(self, mailbox: str, owner: str, now: datetime, waits_s: Sequence[float] = CRASH_WAITS_S) -> None:
        """Begin to work under a lease: free what earlier holders left claimed, and charge the mail they died on."""
        lock = self._locks.get(mailbox)
        told = lock.noted(2) if lock else []
        in_hand = {told[0].decode("utf-8", "replace"): int(told[1])} if len(told) == 2 and told[1].isdigit() else {}
        self.give_back(mailbox, now, in_hand, waits_s)
        if lock:
            self._notes[mailbox] = owner.encode().replace(b"%", b"%%") + b"\n%d\n"
            self.begin(mailbox, 0)

    def begin(self, mailbox: str, row: int) -> None:
        """Note which mail is in hand, 0 for none: should the process die now, that one is charged with it.

        A write to the lock file that nobody waits for: a microsecond. Without a lease nothing is noted, and all mails
        that the process had claimed are suspects.
        """
        if note := self._notes.get(mailbox):
            self._locks[mailbox].note(note % row)

    # ── states ────────────────────────────────────────────────────────────────────────────────────────────────

    def mailbox_failed(self, name: str, code: str, sentence: str, now: datetime) -> None:
        """Note that a mailbox could not be read."""
        number, at = self.mailbox_id(name), us(now)
        with self.database.joining():
            self.database.run(
                "UPDATE mailbox SET failures = failures + 1, failed_at = ?, code = ?, sentence = ?, "
                "failing_since = CASE WHEN failures = 0 THEN ? ELSE failing_since END WHERE id = ?",
                at, code, sentence, at, number,
            )  # fmt: skip

    def mailbox_ok(self, name: str, now: datetime) -> None:
        """Note that a mailbox was read."""
        number = self.mailbox_id(name)
        with self.database.joining():
            self.database.run(
                "UPDATE mailbox SET ok_at = ?, failures = 0, failing_since = 0, code = '', sentence = '' WHERE id = ?",
                us(now), number,
            )  # fmt: skip

    def pause(self, name: str, reason: str) -> None:
        """Let passes leave a mailbox alone until `resume`."""
        number = self.mailbox_id(name)
        with self.database.joining():
            self.database.run("UPDATE mailbox SET paused = ? WHERE id = ?", reason or BY_HAND, number)

    def resume(self, name: str) -> None:
        """Let passes read a mailbox again."""
        number = self.mailbox_id(name)
        with self.database.joining():
            self.database.run("UPDATE mailbox SET paused = '' WHERE id = ?", number)

    def paused(self, name: str) -> str:
        """Say why a mailbox is paused, "" if it is not."""
        row = self.database.one("SELECT paused FROM mailbox WHERE name = ?", name)
        return str(row[0]) if row else ""

    def mailbox_states(self) -> list[MailboxState]:
        """Give the state of every mailbox that was ever read, by name."""
        rows = self.database.rows(
            "SELECT name, ok_at, failures, failing_since, failed_at, code, sentence, paused, lease_owner, epoch "
            "FROM mailbox ORDER BY name"
        )
        return [
            MailboxState(
                name,
                moment(ok_at),
                failures,
                moment(since),
                moment(failed_at),
                code,
                sentence,
                paused,
                _named(holder),
                epoch,
            )
            for name, ok_at, failures, since, failed_at, code, sentence, paused, holder, epoch in rows
        ]


def beat(database: Database, mailbox: int, owner: str, now: datetime, ttl_s: float) -> bool:
    """Write a heartbeat through any connection."""
    with database.joining():
        done = database.run(
            "UPDATE mailbox SET lease_until = ? WHERE id = ? AND lease_owner = ?",
            us(now) + int(ttl_s * 1_000_000), mailbox, owner,
        )  # fmt: skip
        return bool(done.rowcount)


def lock_file(database: Path, mailbox: int) -> Path:
    """Name the file whose lock goes with a mailbox's lease."""
    return database.with_name(f"{database.name}.mailbox-{mailbox}")


def _named(owner: str) -> str:
    host, _, rest = owner.partition("/")
    pid = rest.split("/")[1] if rest.count("/") > 1 else rest
    return f"process {pid} on {host}" if owner and is_alive(owner) is not False else ""
