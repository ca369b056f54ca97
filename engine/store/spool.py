"""The spool: bytes first, then claims. The ledger's way from "fetched" to "somebody works on it".

Here: `spool` (TX1), `claim`, `give_back`, `defer`. Not here: which mails are new (`listing.py`), what becomes of one
(`commit.py`), or of one that breaks the machine (`poison.py`). Invariant: after `spool` the bytes are ours and the
mailbox is not needed again; a mail is claimed, and its attempt counted, before any work on it; the same bytes in a
mailbox are one mail.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import datetime
from itertools import takewhile
from typing import Any

import msgspec
from msgspec import Struct

from engine.model.facts import Release
from engine.model.mail import Envelope, Origin, RawMail
from engine.store import hot
from engine.store.database import time, us
from engine.store.listing import Listing
from engine.store.locks import is_alive

CLAIM_S = 900
"""How long a claim of a process on another host stands; one of a dead process on this host falls at once."""

CLOCK_JUMP_S = 86_400
"""A claim or lease that ends later than this from now was made before the clock went back."""

CLAIM_BYTES = 8_000_000
"""A batch of claimed mails ends at this size: bounds memory whatever the mails are."""

DIED = "the process died while this mail was in hand"


class Spooled(Struct, frozen=True):
    """A mail that this process has claimed. `row` is its number in the ledger, `mail` its public id.

    `seen_before`: these bytes were in this mailbox already; there is nothing to decide, only its mailbox action was
    planned again. `attempts` counts this one; `owner` is who holds the claim. `raw_row` and `mode` are for commit:
    where the bytes are; `update` to change what an earlier generation made, `quiet` to send nothing.
    """

    row: int
    mail: str
    generation: int
    attempts: int
    raw: RawMail
    release: Release | None
    seen_before: bool
    received_at: datetime
    owner: str = ""
    raw_row: int = 0
    mode: str = ""


class Spool(Listing):
    """Takes in and hands out mails."""

    # ── TX1 ───────────────────────────────────────────────────────────────────────────────────────────────────

    def spool(self, raws: Sequence[RawMail], owner: str, *, identical: str = "settle") -> list[Spooled]:
        """Store mails durably and claim them for `owner`, in one transaction: now the server may be told.

        Bytes that this mailbox has had before only get a presentation, and their mailbox action is planned again;
        with `identical="process"` (option `on_identical`) they are decided once more, as another generation.
        """
        now = us(self.clock())
        with self.database.joining():
            return [self._spool(raw, owner, now, identical) for raw in raws]

    def _spool(self, raw: RawMail, owner: str, now: int, identical: str) -> Spooled:
        database, mailbox = self.database, self.mailbox_id(raw.origin.mailbox)
        digest = bytes.fromhex(raw.digest)
        size = len(raw.content)
        known = database.one(hot.KNOWN, mailbox, digest)
        if known is None:
            number = database.insert(hot.RAW, digest, size, raw.content, raw.truncated)
        else:
            number, purged_at, before = known
            if before is not None:
                return self._seen_before(raw, before, number, purged_at, owner, now, identical)
            if purged_at is not None:
                self._unpurge(number, raw)
        received_at = us(raw.received_at)
        mail = "m-" + secrets.token_hex(6)
        forward = "\n".join(raw.envelope.forward_paths)
        row = database.insert(
            hot.INBOUND, mail, mailbox, number, received_at, raw.envelope.reverse_path, forward, raw.origin.key,
            1, owner, now + CLAIM_S * 1_000_000,
        )  # fmt: skip
        database.run(
            hot.PRESENTATION,
            mailbox,
            raw.origin.key,
            row,
            raw.origin.size_bytes or size,
            received_at,
            now,
            "",
            "",
            "none",
        )
        return Spooled(row, mail, 1, 1, raw, None, False, raw.received_at, owner, number)

    def _unpurge(self, number: int, raw: RawMail) -> None:
        self.database.run("UPDATE raw_mail SET content = ?, purged_at = NULL WHERE id = ?", raw.content, number)

    def _seen_before(
        self, raw: RawMail, row: int, number: int, purged_at: int | None, owner: str, now: int, identical: str
    ) -> Spooled:
        database, mailbox = self.database, self.mailbox_id(raw.origin.mailbox)
        state, mail, generation, received_at = database.one(
            "SELECT state, ref, generation, received_at FROM inbound WHERE id = ?", row
        )
        again = identical == "process" and state in ("done", "ignored", "duplicate") and self._is_new_key(raw)
        action, folder = ("", "") if again else database.one(hot.PLAN_OF, row) or ("", "")
        database.run(
            hot.PRESENTATION, mailbox, raw.origin.key, row, raw.origin.size_bytes or len(raw.content), now, now,
            action, folder, "pending" if action not in NOTHING else "none",
        )  # fmt: skip
        if not again:
            return Spooled(row, mail, generation, 0, raw, None, True, time(received_at), "")
        if purged_at is not None:
            self._unpurge(number, raw)
        database.run(
            "UPDATE inbound SET state = 'received', generation = generation + 1, attempts = 1, owner = ?, "
            "claimed_until = ?, next_at = 0, mode = 'new', released = '', code = '', error = '' WHERE id = ?",
            owner, now + CLAIM_S * 1_000_000, row,
        )  # fmt: skip
        return Spooled(row, mail, generation + 1, 1, raw, None, False, time(received_at), owner, number, "new")

    def _is_new_key(self, raw: RawMail) -> bool:
        mailbox = self.mailbox_id(raw.origin.mailbox)
        found = self.database.one(
            "SELECT 1 FROM presentation WHERE mailbox_id = ? AND key = ?", mailbox, raw.origin.key
        )
        return found is None

    # ── claims ────────────────────────────────────────────────────────────────────────────────────────────────

    def claim(
        self, mailbox: str, limit: int, now: datetime, owner: str, max_attempts: int = 5, *, tried: bool = True,
        after_crash: tuple[str, str] = ("", ""),
    ) -> list[Spooled]:  # fmt: skip
        """Take waiting mails to work on; the attempt is counted and committed before this returns.

        Free ones that are due, and those of an owner that died or let its time run out. A mail that was tried before
        comes alone, after the fresh ones; without `tried` only one that a process died on once, in its turn, for a
        reply to it may follow. One whose attempts are used up because each ended in a crash is quarantined here, with
        `after_crash` (kind, folder) planned for its mailbox.
        """
        number = self.mailbox_id(mailbox)
        with self.database.joining():
            moment = us(now)
            rows = self.database.rows(hot.WAITING, number, moment, max_attempts if tried else 1, limit + 200)
            free = [
                (row, attempts)
                for row, attempts, held_by, until, code in rows
                if _is_free(held_by, until, moment) and (tried or not attempts or code in ("", "fault.crash"))
            ]
            for row, attempts in free:
                if attempts >= max_attempts:
                    self._crashed_too_often(row, now, *after_crash)
            free = [(row, attempts) for row, attempts in free if attempts < max_attempts]
            fresh = [each for each in free if not each[1]] if tried else [*takewhile(lambda each: not each[1], free)]
            chosen = self._bounded(fresh[:limit]) or free[:1]
            claimed_until = moment + CLAIM_S * 1_000_000
            for row, attempts in chosen:
                self.database.run(hot.CLAIM, attempts + 1, owner, claimed_until, row, attempts)
        return [self._spooled(row) for row, _ in chosen]

    def _bounded(self, rows: list[tuple[int, int]]) -> list[tuple[int, int]]:
        """As many of the rows as hold `CLAIM_BYTES` together, one at least."""
        size = 0
        for number, (row, _) in enumerate(rows):
            size += self.database.one(hot.SIZE, row)[0]
            if size > CLAIM_BYTES and number:
                return rows[:number]
        return rows

    def give_back(self, mailbox: str, now: datetime, in_hand: dict[str, int], waits_s: Sequence[float]) -> None:
        """Free what dead processes had claimed. `in_hand` tells of a process which row it worked on, 0 for none.

        Of a process of which that is known, only that mail is charged with the attempt; the others never began. Of a
        process of which nothing is known, each may be the culprit. A mail that was in hand for the second time waits.
        """
        moment = us(now)
        with self.database.joining():
            for row, attempts, held_by, until in self.database.rows(hot.CLAIMED_ROWS, self.mailbox_id(mailbox)):
                if not _is_free(held_by, until, moment):
                    continue
                begun = in_hand.get(held_by)
                if begun == row:
                    next_at = 0  # in its turn: a reply to it may follow
                    if attempts > 1 and waits_s:
                        next_at = moment + int(waits_s[min(attempts - 1, len(waits_s)) - 1] * 1_000_000)
                    self.database.run(hot.DIED_ON, next_at, DIED, row)
                else:
                    self.database.run(hot.GIVE_BACK, attempts - (begun is not None), row)

    def tried_mailboxes(self, now: datetime) -> frozenset[str]:
        """Name the mailboxes in which a mail that was tried before is due."""
        return frozenset(name for (name,) in self.database.rows(hot.TRIED_MAILBOXES, us(now)))

    def _crashed_too_often(self, row: int, now: datetime, action: str, folder: str) -> None:
        raise NotImplementedError  # in poison.py

    def _spooled(self, row: int) -> Spooled:
        (number, mail, generation, attempts, released, received_at, key, reverse, forward, owner, mailbox, content,
         digest, truncated, size, raw_row, mode) = self.database.one(hot.SPOOLED, row)  # fmt: skip
        raw = RawMail(
            bytes(content or b""),
            Origin(mailbox, key, size),
            time(received_at),
            bytes(digest).hex(),
            Envelope(reverse, tuple(forward.split("\n")) if forward else ()),
            bool(truncated),
        )
        return Spooled(
            number,
            mail,
            generation,
            attempts,
            raw,
            _release(released),
            False,
            raw.received_at,
            owner or "",
            raw_row,
            mode,
        )

    def defer(self, spooled: Spooled, code: str, because: str, next_at: datetime, charge: bool = False) -> bool:
        """Let a mail wait until `next_at`; unless `charge`, the attempt is given back. False if the claim was lost."""
        attempts = spooled.attempts if charge else spooled.attempts - 1
        with self.database.joining():
            return bool(self.database.run(hot.DEFER, attempts, code, because, us(next_at), *claim_of(spooled)).rowcount)


NOTHING = ("", "keep", "none", "nothing")
"""Mailbox actions that leave the server alone."""


def claim_of(spooled: Spooled) -> tuple[Any, ...]:
    """Give the values that `hot.CLAIMED` compares."""
    return spooled.row, spooled.generation, spooled.attempts, spooled.owner


def _is_free(held_by: str | None, until: int, now: int) -> bool:
    """Nobody's, a dead process's, or held longer than a claim may be (or by a clock that ran ahead)."""
    if held_by is None:
        return True
    alive = is_alive(held_by)
    if alive is False or until < now:
        return True
    return alive is None and until > now + CLOCK_JUMP_S * 1_000_000


def _release(stored: str) -> Release | None:
    return msgspec.json.decode(stored, type=Release) if stored else None
