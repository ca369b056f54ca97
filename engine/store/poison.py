"""Mails that break the machine: counted, tried again with growing waits, and at last kept for a person.

Here: `fail`, and what becomes of a mail whose every attempt ended in a crash. Not here: claims (`spool.py`).
Invariant: an attempt was counted before it began; a quarantined mail keeps its bytes and has a receipt that says why.
"""
# ruff: noqa: S608 - only our own constants are put into the statements

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from engine.model.draft import Decider, Who
from engine.store import hot
from engine.store.database import us
from engine.store.spool import NOTHING, Spool, Spooled, claim_of

ENGINE = Decider(Who.ENGINE, "engine")
MOST_TEXT = 20_000
CRASHED = "every attempt ended in a crash of the whole process"


class Poison(Spool):
    """Counts failures of the machine."""

    crashed: tuple[Spooled, ...] = ()
    """Mails that a claim found with all attempts used up by crashes and quarantined, until somebody reports them."""

    def fail(
        self,
        spooled: Spooled,
        error: str,
        now: datetime,
        retry_waits: Sequence[float],
        max_attempts: int = 5,
        *,
        code: str = "fault.exception",
        action: str = "",
        folder: str = "",
    ) -> bool:
        """Count a failed attempt: the mail waits (`retry_waits`, seconds; the last one repeats), or is quarantined.

        Quarantine writes a receipt with outcome `error` and plans the mailbox action given. True if that happened.
        """
        error = error[-MOST_TEXT:]
        with self.database.joining():
            if spooled.attempts < max_attempts:
                wait = retry_waits[min(spooled.attempts, len(retry_waits)) - 1] if retry_waits else 60.0
                self.defer(spooled, code, error, now + timedelta(seconds=wait), charge=True)
                return False
            lost = not self.database.run(
                "UPDATE inbound SET state = 'quarantined', owner = NULL, code = ?, error = ?, decided_at = ? "
                f"WHERE {hot.CLAIMED}",
                code, error, us(now), *claim_of(spooled),
            ).rowcount  # fmt: skip
            if lost:
                return False
            self._error_receipt(spooled.row, spooled.generation, code, _last_line(error), now)
            self._plan_action(spooled.row, action, folder)
            return True

    def _crashed_too_often(self, row: int, now: datetime, action: str, folder: str) -> None:
        self.crashed += (self._spooled(row),)
        generation = self.crashed[-1].generation
        self.database.run(
            "UPDATE inbound SET state = 'quarantined', owner = NULL, code = 'fault.crash', decided_at = ?, "
            "error = CASE WHEN error = '' THEN ? ELSE error END WHERE id = ?",
            us(now), CRASHED, row,
        )  # fmt: skip
        self._error_receipt(row, generation, "fault.crash", CRASHED, now)
        self._plan_action(row, action, folder)

    def _error_receipt(self, row: int, generation: int, code: str, because: str, now: datetime) -> None:
        self._touch("receipts")
        self._windows.clear()
        self.database.run(
            hot.RECEIPT, row, generation, "error", code, because, ENGINE.kind, ENGINE.name, "", 0, "", None, None, None,
            us(now), None,
        )  # fmt: skip

    def _plan_action(self, row: int, action: str, folder: str) -> None:
        """Plan the mailbox action on every presentation of a mail."""
        state = "none" if action in NOTHING else "pending"
        self.database.run(hot.PLAN, "" if state == "none" else action, folder, state, row)


def _last_line(text: str) -> str:
    lines = text.strip().splitlines()
    return lines[-1][:500] if lines else "the machine broke on this mail"
