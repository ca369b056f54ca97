"""The spool (TX1): bytes first. From "fetched" to "ours".

Here: `Spool`, a part of `engine.ports.Ledger`. Not here: which mails are new (`listing.py`), claims of mails that wait
(`claims.py`). Invariant: after `spool` the bytes are ours and the mailbox is not needed again; a mail is claimed, and
its attempt counted, before any work on it; the same bytes in a mailbox are one mail.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence

from engine.mail.conversation import named
from engine.model import rhythm
from engine.model.mail import RawMail
from engine.model.stored import Spooled
from engine.store import hot, tables
from engine.store.database import Database, time, us
from engine.store.keys import numbers
from engine.store.listing import Listing
from engine.store.memory import Memory
from engine.store.queue import CLAIM_S
from engine.store.receipts import named_key
from engine.store.settling import NOTHING


class Spool:
    """Takes in mails."""

    def __init__(self, database: Database, listing: Listing, memory: Memory) -> None:
        self._database, self._listing, self._memory = database, listing, memory

    def spool(
        self, raws: Sequence[RawMail], owner: str, *, identical: str = "settle", quiet: bool = False,
        flushed: bool = True,
    ) -> list[Spooled]:  # fmt: skip
        now, mode = self._database.now(), "quiet" if quiet else ""
        with self._database.joining(noted=True) if flushed else self._database.unflushed(noted=True):
            if self._database.beside_others:
                self._database.lock(numbers(("raw", raw.digest) for raw in raws))
            digests = [bytes.fromhex(raw.digest) for raw in raws]
            kept = self._kept(digests)
            self._database.reserve("inbound", len({*digests} - kept))
            spooled = [self._spool(raw, owner, now, identical, mode, kept) for raw in raws]
            came: dict[str, list[int]] = {}
            for each in spooled:
                if not each.seen_before:  # a clock that runs ahead counts as ours
                    came.setdefault(each.raw.origin.mailbox, []).append(min(us(each.raw.received_at), now))
            for mailbox, times in sorted(came.items()):  # in one order, so that two never wait for each other
                self._note_rhythm(mailbox, times)
            return spooled

    def _note_rhythm(self, mailbox: str, times: list[int]) -> None:
        """Note when mail came to a mailbox."""
        number = self._listing.number(mailbox)
        last, before = self._database.one(hot.RHYTHM, number)
        later = [at // 1_000_000 for at in times if at >= last]
        if later:
            after = rhythm.read(before).after(last // 1_000_000, later)
            self._database.run(hot.CAME, max(times), rhythm.written(after), number)

    def _kept(self, digests: Sequence[bytes]) -> set[bytes]:
        """Tell which of these bytes are stored: hardly any are, and one question is enough for all."""
        if not digests:
            return set()
        marks = ",".join("?" * len(digests))
        return {digest for (digest,) in self._database.rows(f"{hot.KEPT}({marks})", *digests)}

    def _spool(self, raw: RawMail, owner: str, now: int, identical: str, mode: str, kept: set[bytes]) -> Spooled:
        database, mailbox = self._database, self._listing.number(raw.origin.mailbox)
        digest = bytes.fromhex(raw.digest)
        size = len(raw.content)
        known = database.one(hot.KNOWN, mailbox, digest) if digest in kept else None
        kept.add(digest)
        if known is None:
            number = database.insert_ahead(hot.RAW, digest, size, raw.content, raw.truncated)
        else:
            number, purged_at, before = known
            if before is not None:
                return self._seen_before(raw, before, number, purged_at, owner, now, identical)
            if purged_at is not None:
                self._unpurge(number, raw)
        received_at = us(raw.received_at)
        mail = "m-" + secrets.token_hex(6)
        forward, names = "\n".join(raw.envelope.forward_paths), named(raw.content)
        row = database.insert_ahead(
            hot.INBOUND, mail, mailbox, number, received_at, raw.envelope.reverse_path, forward, raw.origin.key,
            1, owner, now + CLAIM_S * 1_000_000, mode, named_key(names.own),
        )  # fmt: skip
        database.put(
            hot.PRESENTATION, mailbox, raw.origin.key, row, raw.origin.size_bytes or size, received_at, now,
            "", "", "none",
        )  # fmt: skip
        return Spooled(row, mail, 1, 1, raw, None, False, raw.received_at, owner, number, mode, names)

    def _unpurge(self, number: int, raw: RawMail) -> None:
        kept = tables.RawMail
        self._database.do(kept.update(content=raw.content, purged_at=None).where(kept.id == number))

    def _seen_before(
        self, raw: RawMail, row: int, number: int, purged_at: int | None, owner: str, now: int, identical: str
    ) -> Spooled:
        database, mailbox, inbound = self._database, self._listing.number(raw.origin.mailbox), tables.Inbound
        state, mail, generation, received_at = database.one(hot.SEEN_BEFORE, row)
        is_new_key = database.one(hot.KEY_KNOWN, mailbox, raw.origin.key) is None
        again = identical == "process" and state in ("done", "ignored", "duplicate") and is_new_key
        action, folder = ("", "") if again else database.one(hot.PLAN_OF, row) or ("", "")
        database.run(
            hot.PRESENTATION, mailbox, raw.origin.key, row, raw.origin.size_bytes or len(raw.content), now, now,
            action, folder, "pending" if action not in NOTHING else "none",
        )  # fmt: skip
        if not again:
            return Spooled(row, mail, generation, 0, raw, None, True, time(received_at), "")
        if purged_at is not None:
            self._unpurge(number, raw)
        self._memory.touch("receipts")  # what is decided anew says something else then
        claimed = inbound.update(
            state="received", generation=generation + 1, attempts=1, owner=owner, next_at=0, mode="new", released="",
            claimed_until=now + CLAIM_S * 1_000_000, code="", error="",
        )  # fmt: skip
        database.do(claimed.where(inbound.id == row))
        names = named(raw.content)
        return Spooled(row, mail, generation + 1, 1, raw, None, False, time(received_at), owner, number, "new", names)
