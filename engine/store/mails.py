"""Mails as people look for them: find one, list many, read what became of them and the bytes they came in.

Here: `Mails`, a part of `engine.ports.Archive`. Not here: changing any of it (`retention.py`).
Invariant: what is listed of a mail are short texts; the bytes are read one mail at a time. What somebody may not see is
not asked for: it is no part of any answer, nor of how many there are.
Over 300 lines: each way to look for mail, and what a row of a list is made of.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from datetime import UTC, datetime, tzinfo
from time import monotonic
from typing import TYPE_CHECKING, Any

from engine.model.draft import ENGINE, Decider, Who
from engine.model.mail import Envelope, Origin, RawMail
from engine.model.plan import Outcome, Receipt
from engine.model.reasons import OUR_FAULT
from engine.model.sight import ALL, Sight
from engine.model.stored import BROKEN, PAUSED, MailRow, Searched, StoredMail
from engine.model.told import Told, nobody
from engine.store import hot, sighted, tables
from engine.store.database import Database, moment, time, us
from engine.store.errors import NotFound
from engine.store.receipts import message_key
from engine.store.terms import DECIDED, HELD, OPEN

if TYPE_CHECKING:
    from engine.store.search import Meaning

SHORTEST = len("m-4f2a")
"""The beginning of an id by which somebody who does not see all can find a mail: a shorter one fits too many."""

HELD_STATES = ("held", "quarantined")

FEW = 200
"""Rows that are looked at together where not many are wanted."""


class Mails:
    """Reads the ledger for people."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def find_mail(self, ref: str) -> MailRow | None:
        return self.seen(ref, ALL)

    def seen(self, ref: str, sight: Sight) -> MailRow | None:
        ref, inbound = ref.strip(), tables.Inbound
        if ref.startswith("m-") and "@" not in ref:
            return self._begins(ref, sight)
        if ref == "last" and not sight.all:
            return next(iter(self.search("", 1, sight=sight).mails), None)
        newest, key = _rows(sight).order_by(inbound.id.desc()).limit(1), inbound.message_key
        if ref == "last":
            return self._first(newest)
        if ref == "last-held":
            return self._first(newest.where(tables.SQL(OPEN), inbound.state == "held"))
        return self._first(newest.where(key == message_key(ref), key.is_null(False)))

    def _begins(self, ref: str, sight: Sight) -> MailRow | None:
        if len(ref) < SHORTEST and not sight.all:
            raise NotFound(f"{ref} is too short: write four characters behind m- at least")
        its = tables.Inbound.ref
        found = self._database.all(_rows(sight).where(its >= ref, its < ref + "~").order_by(its).limit(3))
        if len(found) > 1:
            known = ", ".join(each for each, *_ in found)
            raise NotFound(f"{ref} is the beginning of more than one mail id: {known}")
        return _mail_row(found[0]) if found else None

    def _first(self, query: Any) -> MailRow | None:
        row = self._database.first(query)
        return _mail_row(row) if row else None

    def mail(self, ref: str) -> MailRow:
        found = self.find_mail(ref)
        if found is None:
            raise NotFound(f"there is no mail {ref}")
        return found

    def mails(self, query: str = "", limit: int = 100, zone: tzinfo = UTC) -> list[MailRow]:
        return self.search(query, limit, zone=zone).mails

    def search(
        self, query: str, limit: int, *, before: int = 0, within_s: float = float("inf"), zone: tzinfo = UTC,
        sight: Sight = ALL,
    ) -> Searched:  # fmt: skip
        from engine.store.walking import Walk

        walk = Walk(self._database, self.meanings(query, zone), _rows, sighted.meant(sight))
        rows = walk.rows(limit + 1, before, monotonic() + within_s)
        came = self._came(walk.looked_to, sight)
        return Searched([_mail_row(row) for row in rows[:limit]], len(rows) > limit, came, walk.looked_to or 0)

    def _came(self, row: int | None, sight: Sight) -> datetime | None:
        inbound = tables.Inbound
        since = _rows(sight).columns(inbound.received_at).where(inbound.id >= (row or 0))
        first = None if row is None else self._database.first(since.order_by(inbound.id).limit(1))
        return time(first[0]) if first is not None else None

    def mails_of(self, sender: str, limit: int, *, sight: Sight = ALL) -> list[MailRow]:
        inbound, theirs = tables.Inbound, tables.Inbound.alias()
        asked = theirs.select(theirs.id).where(theirs.sender == sender, tables.SQL(DECIDED))
        if not sight.all:
            asked = asked.where(tables.fn.EXISTS(_rows(sight).where(inbound.id == theirs.id)))
        newest = asked.order_by(theirs.received_at.desc(), theirs.id.desc()).limit(limit)
        found = _rows().where(inbound.id.in_([number for (number,) in self._database.all(newest)]))
        rows = self._database.all(found.order_by(inbound.received_at.desc(), inbound.id.desc()))
        return [_mail_row(row) for row in rows]

    def held(
        self, workspace: str = "", limit: int = 10_000, query: str = "", zone: tzinfo = UTC, *, sight: Sight = ALL,
        after: int = 0,
    ) -> list[MailRow]:  # fmt: skip
        inbound = tables.Inbound
        if limit <= FEW and not workspace and not query.strip() and not after:
            return self._oldest_held(limit, sight)
        found = _rows(sight).where(tables.SQL(OPEN), inbound.state.in_(HELD_STATES)).order_by(inbound.id).limit(limit)
        if after:
            found = found.where(inbound.id > after)
        if workspace:
            found = found.where(tables.Receipt.workspace == workspace)
        if query.strip():
            found = found.where(*[each.rows for each in self.meanings(query, zone)])
        return [_mail_row(row) for row in self._database.all(found)]

    def _oldest_held(self, limit: int, sight: Sight) -> list[MailRow]:
        """The same for a few: their numbers are sorted before anything else of them is read."""
        inbound, found = tables.Inbound, list[MailRow]()
        if sight.all:
            _, oldest = self._all_held(limit)
            numbers = sorted([number for each in oldest.values() for number in each])
        else:
            held = inbound.select(inbound.id).where(tables.SQL(HELD))
            numbers = sorted([number for (number,) in self._database.all(held)])
        for first in range(0, len(numbers), FEW):
            some = inbound.id.in_(numbers[first : first + FEW]), inbound.state.in_(HELD_STATES)
            rows = _rows(sight).where(*some).order_by(inbound.id).limit(limit)
            found += [_mail_row(row) for row in self._database.all(rows)]
            if len(found) >= limit:
                break
        return found[:limit]

    def held_by_code(
        self, most: int, query: str = "", zone: tzinfo = UTC, *, sight: Sight = ALL
    ) -> list[tuple[str, int, list[MailRow]]]:
        inbound = tables.Inbound
        some = not sight.all or bool(query.strip())
        counts, oldest = self._held_of(query, zone, sight) if some else self._all_held(most)
        shown = [number for numbers in oldest.values() for number in numbers[:most]]
        rows: dict[str, list[MailRow]] = {code: [] for code in counts}
        for first in range(0, len(shown), FEW):
            there = _rows(sight).where(inbound.id.in_(shown[first : first + FEW]), inbound.state.in_(HELD_STATES))
            for row in map(_mail_row, self._database.all(there.order_by(inbound.id))):
                rows.setdefault(row.code, []).append(row)
        found = [(code, many, rows[code]) for code, many in counts.items()]
        return sorted(found, key=lambda each: (-each[1], each[0]))

    def _all_held(self, most: int) -> tuple[dict[str, int], dict[str, list[int]]]:
        """How many are held for each reason, and the numbers of the oldest of each: the index knows both."""
        inbound, all_of = tables.Inbound, self._database.all
        counted = inbound.select(inbound.code, tables.fn.COUNT(inbound.id)).where(tables.SQL(HELD))
        counts = dict(all_of(counted.group_by(inbound.code)))
        numbers = inbound.select(inbound.id).where(tables.SQL(HELD)).order_by(inbound.id).limit(most)
        oldest = {code: [each for (each,) in all_of(numbers.where(inbound.code == code))] for code in counts}
        return counts, oldest

    def _held_of(self, query: str, zone: tzinfo, sight: Sight) -> tuple[dict[str, int], dict[str, list[int]]]:
        """The same of those that are seen and found, with all numbers."""
        inbound = tables.Inbound
        asked = _rows(sight).columns(inbound.id, inbound.code).where(tables.SQL(OPEN), inbound.state.in_(HELD_STATES))
        if query.strip():
            asked = asked.where(*[each.rows for each in self.meanings(query, zone)])
        numbers: dict[str, list[int]] = {}
        for number, code in sorted(self._database.all(asked)):
            numbers.setdefault(code, []).append(number)
        return {code: len(each) for code, each in numbers.items()}, numbers

    def waiting(self, limit: int = 10_000, *, sight: Sight = ALL) -> list[MailRow]:
        inbound = tables.Inbound
        waits = tables.SQL(OPEN), inbound.state == "received", inbound.code != ""
        found = _rows(sight).where(*waits).order_by(inbound.id).limit(limit)
        return [_mail_row(row) for row in self._database.all(found)]

    def meanings(self, query: str, zone: tzinfo) -> list[Meaning]:
        """Read a query; days are those of a zone. Raises Unclear."""
        from engine.store.search import meanings

        says = self._database.dialect.says_that_rule
        return meanings(query, self._database.clock().astimezone(zone), self._rules_called, says)

    def _rules_called(self, part: str) -> Iterator[tuple[str, int]]:
        """Find rules by a part of their name in every rule file there was: digest of the file, number in it."""
        for digest, text in self._database.all(tables.RuleText.select(tables.RuleText.digest, tables.RuleText.text)):
            try:
                found = tomllib.loads(text).get("rule", ())
            except tomllib.TOMLDecodeError:
                continue
            for number, rule in enumerate(found, 1):
                if part.casefold() in str(rule.get("name", "")).casefold():
                    yield digest, number

    def oldest(self, *, sight: Sight = ALL) -> datetime | None:
        from engine.store.walking import Walk

        if not sight.all:
            return self._came(Walk(self._database, [], _rows, sighted.meant(sight)).first(), sight)
        (first,) = self._database.first(tables.Inbound.select(tables.fn.MIN(tables.Inbound.received_at)))
        return None if first is None else time(first)

    def receipts(self, mail: str) -> list[Receipt]:
        receipt, inbound = tables.Receipt, tables.Inbound
        query = (
            receipt.select(
                receipt.generation, receipt.outcome, receipt.code, receipt.because, receipt.by_kind, receipt.by_name,
                receipt.by_file, receipt.by_line, receipt.workspace, receipt.item, receipt.comment, inbound.id,
            )
            .join(inbound).where(inbound.ref == mail).order_by(receipt.generation)
        )  # fmt: skip
        rows = self._database.all(query)
        return [
            Receipt(
                mail, generation, Outcome(outcome), code, because, Decider(Who(kind), *by), workspace, item or 0,
                comment or 0, self._sent(row, generation),
            )
            for generation, outcome, code, because, kind, *by, workspace, item, comment, row in rows
        ]  # fmt: skip

    def _sent(self, row: int, generation: int) -> tuple[int, ...]:
        outbox = tables.Outbox
        here = outbox.inbound == row, outbox.generation == generation
        query = outbox.select(outbox.id).where(*here).order_by(outbox.id)
        return tuple(number for (number,) in self._database.all(query))

    def trace(self, mail: str, generation: int | None = None) -> bytes | None:
        one = self._database.one
        row = one(hot.TRACE_OF, mail, generation) if generation else one(hot.TRACE, mail)
        return bytes(row[0]) if row and row[0] is not None else None

    def raw(self, mail: str) -> RawMail | None:
        row = self._database.one(hot.BYTES, mail)
        if row is None:
            raise NotFound(f"there is no mail {mail}")
        return _raw_mail(row) if row[5] is not None else None

    def stored_mails(
        self, since: datetime, until: datetime | None = None, *, sight: Sight = ALL, told: Told = nobody
    ) -> Iterator[StoredMail]:
        inbound, box, receipt = tables.Inbound, tables.Mailbox, tables.Receipt
        outcome = receipt.select(receipt.outcome).where(_present())
        home = receipt.select(receipt.workspace).where(receipt.inbound == inbound.id)
        home = home.order_by(receipt.generation.desc()).limit(1)
        query = (
            inbound.select(inbound.ref, inbound.generation, inbound.received_at, outcome, box.name, home).join(box)
            .where(tables.SQL(DECIDED), inbound.received_at >= us(since), inbound.state != "received")
        )  # fmt: skip
        query = query.where(inbound.received_at < us(until)) if until else query
        rows = self._database.all(query.order_by(inbound.received_at))
        found = [row for row in rows if sight.sees(row[4], row[5] or "")]
        for number, (mail, generation, received_at, became, *_) in enumerate(found):
            told(number, len(found))
            if raw := self.raw(mail):
                yield StoredMail(mail, generation, time(received_at), became or "deferred", raw)
        told(len(found), len(found))


def _present() -> Any:
    """Join the receipt of a mail's present generation."""
    inbound, receipt = tables.Inbound, tables.Receipt
    return (receipt.inbound == inbound.id) & (receipt.generation == inbound.generation)


def _rows(sight: Sight = ALL) -> Any:
    """The columns of `MailRow`, of every mail that is seen; the receipt is that of its present generation."""
    inbound, mailbox, raw, receipt = tables.Inbound, tables.Mailbox, tables.RawMail, tables.Receipt
    rows = (
        inbound.select(
            inbound.ref, inbound.id, mailbox.name, inbound.source_key, inbound.message_id, inbound.subject,
            inbound.sender, inbound.recipients, inbound.received_at, raw.size, inbound.state, receipt.outcome,
            inbound.code, receipt.because, receipt.by_kind, receipt.by_name, receipt.by_file, receipt.by_line,
            receipt.workspace, receipt.item, receipt.topic, inbound.generation, inbound.attempts, inbound.error,
            inbound.next_at, raw.purged_at, sighted.home(),
            mailbox.paused, mailbox.code, mailbox.sentence, mailbox.retry_at,
        )
        .join(mailbox).switch(inbound).join(raw).switch(inbound)
        .join(receipt, tables.JOIN.LEFT_OUTER, on=_present())
    )  # fmt: skip
    return rows if sight.all else rows.where(sighted.mails(sight))


def _raw_mail(row: tuple[Any, ...]) -> RawMail:
    mailbox, key, received_at, reverse, forward, content, digest, truncated, size = row
    return RawMail(
        bytes(content), Origin(mailbox, key, size), time(received_at), bytes(digest).hex(),
        Envelope(reverse, tuple(forward.split("\n")) if forward else ()), bool(truncated),
    )  # fmt: skip


def _mail_row(row: tuple[Any, ...]) -> MailRow:
    (mail, number, mailbox, key, message_id, subject, sender, recipients, received_at, size, state, outcome, code,
     because, by_kind, by_name, by_file, by_line, workspace, item, topic, generation, attempts,
     error, next_at, purged_at, home, *box) = row  # fmt: skip
    code, because, next_at = _waits(*box) or (code, because, next_at) if state == "received" else (code, because, 0)
    waits = next_at and code not in OUR_FAULT  # those are looked at in every pass
    due = time(next_at) if waits else None
    by = Decider(Who(by_kind), by_name, by_file, by_line) if by_kind else ENGINE
    return MailRow(
        mail, number, mailbox, key, message_id, subject, sender, recipients, time(received_at), size, state,
        outcome or "deferred", code, because or error.strip().rpartition("\n")[2], by, workspace or "", item or 0,
        generation, attempts, error, topic or 0, due,
        moment(purged_at), home,
    )  # fmt: skip


def _waits(paused: str, code: str, sentence: str, retry_at: int) -> tuple[str, str, int] | None:
    """Why no mail of a mailbox is decided, and until when; None where it is."""
    if paused:
        return PAUSED, paused, 0
    return (BROKEN, sentence, retry_at) if code == BROKEN else None
