"""Claims: whose a waiting mail is now, and what becomes of mails that nobody could decide.

Here: `Claims`, a part of `engine.ports.Ledger`: claims, deferrals, and mails that break the machine: counted, tried
again with growing waits, and at last kept for a person. Not here: what waits and what dead processes left
(`queue.py`), taking mails in (`spool.py`), decisions (`commit.py`). Invariant: an attempt was counted before it began;
a quarantined mail keeps its bytes and has a receipt that says why.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from functools import cache, partial
from itertools import takewhile
from typing import Any

import msgspec

from engine.mail.conversation import named
from engine.model.draft import ENGINE
from engine.model.facts import Facts, Release
from engine.model.mail import Envelope, Mail, Origin, RawMail
from engine.model.stored import BROKEN, Claimed, Spooled, Undecided
from engine.store import hot, tables
from engine.store.bells import Bell
from engine.store.database import Database, time, us
from engine.store.errors import Refused
from engine.store.listing import Listing
from engine.store.mails import Mails
from engine.store.queue import CLAIM_S, is_free, last_line
from engine.store.receipts import Receipts, message_key, named_key
from engine.store.settling import plan

CLAIM_BYTES = 8_000_000
"""A batch of claimed mails ends at this size: bounds memory whatever the mails are."""

MOST_TEXT = 1000
"""Characters kept of a header value that mails are searched by."""

MOST_ERROR = 20_000

ASKED_AT_ONCE = 500
"""Values of one question: some builds of SQLite take 999."""

CRASHED = "every attempt ended in a crash of the whole process"


class Claims:
    """Hands out mails, takes them back, counts failures of the machine."""

    def __init__(self, database: Database, listing: Listing, mails: Mails, receipts: Receipts) -> None:
        self._database, self._listing, self._mails, self._receipts = database, listing, mails, receipts

    # ── taking and giving back ────────────────────────────────────────────────────────────────────────────────

    def claim(
        self, mailbox: str, limit: int, now: datetime, owner: str, max_attempts: int = 5, *, tried: bool = True,
        after_crash: tuple[str, str] = ("", ""),
    ) -> Claimed:  # fmt: skip
        number, moment, crashed = self._listing.number(mailbox), us(now), []
        with self._database.joining():
            rows = self._database.rows(hot.WAITING, number, moment, max_attempts if tried else 1, limit + 200)
            free = [
                (row, attempts)
                for row, attempts, held_by, until, code in rows
                if (tried or not attempts or code in ("", "fault.crash"))
                and is_free(self._database, held_by, until, moment)
            ]
            for row, attempts in free:
                if attempts >= max_attempts:
                    crashed.append(self._crashed_too_often(row, now, *after_crash))
            free = [(row, attempts) for row, attempts in free if attempts < max_attempts]
            fresh = [each for each in free if not each[1]] if tried else [*takewhile(lambda each: not each[1], free)]
            chosen = self._bounded(fresh[:limit]) or free[:1]
            claimed_until = moment + CLAIM_S * 1_000_000
            chosen = [  # another process may have been faster
                (row, attempts) for row, attempts in chosen
                if self._database.run(hot.CLAIM, attempts + 1, owner, claimed_until, row, attempts).rowcount
            ]  # fmt: skip
        return Claimed([self.spooled(row) for row, _ in chosen], crashed)

    def claim_any(
        self, limit: int, now: datetime, owner: str, max_attempts: int = 5, *, tried: bool = False,
        names: Collection[str] = (),
    ) -> list[Spooled]:  # fmt: skip
        database, moment, size = self._database, us(now), 0
        least, most = (1, max_attempts - 1) if tried else (0, 0)
        chosen: list[int] = []
        with database.joining(noted=True):
            here = f" AND mailbox.name IN ({','.join('?' * len(names))})" if names else ""
            sql = f"{hot.CLAIMABLE}{here} {hot.IN_TURN}{database.unlocked('inbound')}"
            for row, its in database.rows(sql, moment, least, most, BROKEN, *names, limit):
                size += its
                if chosen and size > CLAIM_BYTES:
                    break
                chosen.append(row)
            if chosen:
                marks = ",".join("?" * len(chosen))
                database.run(f"{hot.CLAIM_ALL}({marks})", owner, moment + CLAIM_S * 1_000_000, *chosen)
            if len(chosen) == limit or size > CLAIM_BYTES:  # there is more: another one may begin with it
                database.ring(Bell.DECIDE)
        return self._spooled(chosen)

    def spent(self, now: datetime, max_attempts: int = 5) -> list[str]:
        return [name for (name,) in self._database.rows(hot.SPENT, us(now), max_attempts)]

    def _bounded(self, rows: list[tuple[int, int]]) -> list[tuple[int, int]]:
        """As many of the rows as hold `CLAIM_BYTES` together, one at least."""
        size = 0
        for number, (row, _) in enumerate(rows):
            size += self._database.one(hot.SIZE, row)[0]
            if size > CLAIM_BYTES and number:
                return rows[:number]
        return rows

    def claim_one(self, mail: str, now: datetime, owner: str) -> Spooled:
        inbound = tables.Inbound
        with self._database.joining():
            row = self._mails.mail(mail)
            if row.state != "received":
                raise Refused(f"{row.mail} does not wait to be decided: it is {row.outcome}")
            query = inbound.select(inbound.owner, inbound.claimed_until).where(inbound.id == row.row)
            held_by, until = self._database.first(query)
            if held_by != owner and not is_free(self._database, held_by, until, us(now)):
                raise Refused(f"{row.mail} is in work by another process")
            until = us(now) + CLAIM_S * 1_000_000
            self._database.run(hot.CLAIM, row.attempts + 1, owner, until, row.row, row.attempts)
            return self.spooled(row.row)

    def unclaim(self, spooled: Sequence[Spooled]) -> None:
        held: dict[str, list[int]] = {}
        for each in spooled:
            held.setdefault(each.owner, []).append(each.row)
        now = self._database.now()
        with self._database.joining(noted=True):
            for owner, rows in held.items():
                for start in range(0, len(rows), ASKED_AT_ONCE):
                    some = rows[start : start + ASKED_AT_ONCE]
                    self._database.run(f"{hot.GIVE_BACK_ALL}({','.join('?' * len(some))})", now, now, owner, *some)
            if held:
                self._database.ring(Bell.DECIDE)

    def reset_status(self, mail: str) -> None:
        inbound = tables.Inbound
        with self._database.joining():
            row = self._mails.mail(mail)
            if row.state != "received":
                raise Refused(f"{row.mail} does not wait: it is {row.outcome}")
            self._database.do(inbound.update(owner=None, claimed_until=0, next_at=0).where(inbound.id == row.row))
            self._database.ring(Bell.DECIDE)

    def undecided(self, message_ids: Collection[bytes], owner: str, now: datetime) -> dict[bytes, Undecided]:
        found: dict[bytes, Undecided] = {}
        asked_for = {named_key(each): each for each in message_ids}
        keys, moment, is_over = [*asked_for], us(now), cache(partial(is_free, self._database))  # a batch has one owner
        for start in range(0, len(keys), ASKED_AT_ONCE):
            asked = keys[start : start + ASKED_AT_ONCE]
            rows = self._database.rows(f"{hot.UNDECIDED}({','.join('?' * len(asked))}) ORDER BY id DESC", *asked)
            for key, row, mail, held_by, until, next_at in rows:
                if held_by != owner:
                    elsewhere = held_by is not None and not is_over(held_by, until, moment)
                    found[asked_for[key]] = Undecided(row, mail, elsewhere, time(next_at))
        return found

    def spooled(self, row: int) -> Spooled:
        """Read a mail of the ledger with its bytes, as whoever holds the claim gets it."""
        return self._read(*self._database.one(hot.SPOOLED, row))

    def _spooled(self, rows: Sequence[int]) -> list[Spooled]:
        """The same for some mails, in their order."""
        if not rows:
            return []
        found = self._database.rows(f"{hot.SPOOLED_SOME}({','.join('?' * len(rows))})", *rows)
        by_row = {each[0]: self._read(*each) for each in found}
        return [by_row[row] for row in rows]

    def _read(
        self, number: int, mail: str, generation: int, attempts: int, released: str, received_at: int, key: str,
        reverse: str | None, forward: str, owner: str | None, mailbox: str, content: bytes | None, digest: bytes,
        truncated: bool, size: int, raw_row: int, mode: str,
    ) -> Spooled:  # fmt: skip
        raw = RawMail(
            bytes(content or b""), Origin(mailbox, key, size), time(received_at), bytes(digest).hex(),
            Envelope(reverse, tuple(forward.split("\n")) if forward else ()), bool(truncated),
        )  # fmt: skip
        release = msgspec.json.decode(released, type=Release) if released else None
        return Spooled(
            number, mail, generation, attempts, raw, release, False, raw.received_at, owner or "", raw_row, mode,
            named(raw.content),
        )  # fmt: skip

    # ── waiting, breaking ─────────────────────────────────────────────────────────────────────────────────────

    def defer(self, spooled: Spooled, code: str, because: str, next_at: datetime, charge: bool = False) -> bool:
        attempts = spooled.attempts if charge else spooled.attempts - 1
        with self._database.joining(noted=True):
            done = self._database.run(hot.DEFER, attempts, code, because, us(next_at), *claim_of(spooled))
            return bool(done.rowcount)

    def describe(self, spooled: Spooled, mail: Mail, facts: Facts) -> None:
        key = message_key(mail.message_id)
        with self._database.joining():
            self._receipts.now_from(spooled.row, spooled.generation, facts.sender.address.key[:MOST_TEXT])
            self._database.run(hot.DESCRIBE, mail.message_id[:MOST_TEXT], key, *listed(mail, facts), spooled.row)

    def fail(
        self, spooled: Spooled, error: str, now: datetime, retry_waits: Sequence[float], max_attempts: int = 5,
        *, code: str = "fault.exception", action: str = "", folder: str = "",
    ) -> bool:  # fmt: skip
        error, inbound = error[-MOST_ERROR:], tables.Inbound
        with self._database.joining():
            if spooled.attempts < max_attempts:
                wait = retry_waits[min(spooled.attempts, len(retry_waits)) - 1] if retry_waits else 60.0
                self.defer(spooled, code, error, now + timedelta(seconds=wait), charge=True)
                return False
            row, generation, attempts, owner = claim_of(spooled)
            kept = inbound.update(state="quarantined", owner=None, code=code, error=error, decided_at=us(now)).where(
                inbound.id == row, inbound.state == "received", inbound.generation == generation,
                inbound.attempts == attempts, inbound.owner == owner,
            )  # fmt: skip
            if not self._database.do(kept):
                return False
            self._give_up(row, generation, code, last_line(error), now, action, folder)
            return True

    def _crashed_too_often(self, row: int, now: datetime, action: str, folder: str) -> Spooled:
        spooled, inbound = self.spooled(row), tables.Inbound
        kept = inbound.update(state="quarantined", owner=None, code="fault.crash", decided_at=us(now))
        self._database.do(kept.where(inbound.id == row))
        self._database.do(inbound.update(error=CRASHED).where(inbound.id == row, inbound.error == ""))
        self._give_up(row, spooled.generation, "fault.crash", CRASHED, now, action, folder)
        return spooled

    def _give_up(
        self, row: int, generation: int, code: str, because: str, now: datetime, action: str, folder: str
    ) -> None:
        self._receipts.write(row, generation, "error", code, because, ENGINE, us(now))
        plan(self._database, row, action, folder)


def claim_of(spooled: Spooled) -> tuple[Any, ...]:
    """Give the values that `hot.CLAIMED` compares."""
    return spooled.row, spooled.generation, spooled.attempts, spooled.owner


def listed(mail: Mail, facts: Facts) -> tuple[str, str, str]:
    """Give sender, recipients and subject as they stand in lists."""
    to = ", ".join([each.address for each in mail.to[:3]])
    return facts.sender.address.key[:MOST_TEXT], to[:MOST_TEXT], mail.subject[:MOST_TEXT]
