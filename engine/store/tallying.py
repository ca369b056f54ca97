"""What is counted with every receipt: how many mails became what, who wrote them, which rules matched.

Here: `Tallies`: what a receipt adds and the one before it takes back, put together and written before the transaction
ends. Not here: reading the counts (`counting.py`, `search.py`, `mails.py`), counting all anew (`recounting.py`).
Invariant: the counts are those of the newest receipt of each mail (a test compares them after any history); who is
rolled back counts nothing. What was measured stays, whatever becomes of the mail, and no `recount` counts it. Rows are
written in one order, so that two who count do not wait for each other.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter, itemgetter
from typing import NamedTuple

from engine.model.draft import Decider, Who
from engine.model.figures import ANSWER, DAY_US, QUARTER_US, Measured, RuleHit, Span, block_of, class_of
from engine.store import hot
from engine.store.database import Database

MADE, HELD, REFUSED = ("created", "comment", "note"), ("held", "error"), ("rejected", "discarded")


MOST_NAME = 200
"""Characters of the name of a rule or hook that are counted by: what is longer is counted with what begins like it."""

NEWEST = 2**31
"""No mail has as many generations."""


class Came(NamedTuple):
    """Where, when and from whom a mail came: its address as it is compared, its name, what was said of DMARC.

    Of a mail that is decided again only the first three count: the others were counted before.
    """

    mailbox: str
    received_at: int
    sender: str
    name: str = ""
    dmarc: str = ""


class Became(NamedTuple):
    """What a receipt says, as far as it is counted."""

    generation: int
    outcome: str
    code: str
    by_kind: str
    by_name: str
    workspace: str
    decided_at: int


class Counted(NamedTuple):
    """One receipt that is to be counted: by `mails` 1 in, by -1 out again."""

    row: int
    came: Came
    became: Became
    mails: int
    hits: Sequence[RuleHit] = ()
    measured: Sequence[Measured] = ()


class Answered(NamedTuple):
    """An item of a workspace that is answered for the first time: when, and how long after the mail that opened it."""

    item: int
    workspace: str
    at: int
    took: int


def answered(database: Database, item: int, workspace: str, now: int) -> None:
    """Count how long an item waited for its first answer; before the event of that is written.

    Nothing is counted of private items, of those that no mail opened, and of mail that lay there before we came.
    """
    opened = database.one(hot.OPENED_AT, item)
    if opened is not None and not any(isinstance(each, Answered) and each.item == item for each in database.counted):
        database.counted.append(Answered(item, workspace, now, max(now - opened[0], 0)))


def became(
    generation: int, outcome: str, code: str, kind: str, file: str, name: str, workspace: str, decided_at: int
) -> Became:  # fmt: skip
    """Give what is counted of a receipt: a rule is named with its file, a person not."""
    name = f"{file} {name}" if kind == Who.RULE else "" if kind == Who.PERSON else name
    return Became(generation, outcome, code, kind, name[:MOST_NAME], workspace, decided_at)


def lag_of(became: Became, came: Came, first_read_at: int) -> int:
    """Give the class of how long a first decision took, 0 for others and for what lay there before we came."""
    if became.generation != 1 or came.received_at < first_read_at:
        return 0
    return class_of(became.decided_at - came.received_at)


class Tallies:
    """Counts receipts as they are written."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._read_since: dict[str, int] = {}
        database.counting = self._write  # type: ignore[method-assign]

    def decided(
        self, row: int, generation: int, outcome: str, code: str, by: Decider, workspace: str, now: int,
        came: Came | None, hits: Sequence[RuleHit] = (), measured: Sequence[Measured] = (),
    ) -> None:  # fmt: skip
        """Count a receipt that is written now. Without `came` it is looked up."""
        if came is None:
            came = Came(*self._database.one(hot.CAME_FROM, row))
        its = became(generation, outcome, code, str(by.kind), by.file, by.name, workspace, now)
        before = self._before(row, generation) if generation > 1 else None
        counted = self._database.counted
        if before is not None:
            counted.append(Counted(row, came, before, -1))
        counted.append(Counted(row, came, its, 1, hits, measured))

    def now_from(self, row: int, generation: int, sender: str) -> None:
        """Hear, before it is written, that a mail is from this address now, whoever it was from when it was counted."""
        before = self._before(row, generation) if generation > 1 else None
        if before is None:
            return
        came = Came(*self._database.one(hot.CAME_FROM, row))
        if came.sender != sender:
            self._database.counted.append(Counted(row, came, before, -1))
            self._database.counted.append(Counted(row, came._replace(sender=sender), before, 1))

    def _before(self, row: int, generation: int) -> Became | None:
        """What the newest earlier receipt of a mail says."""
        found = self._database.one(hot.BEFORE, row, generation)
        return became(*found) if found is not None else None

    def _first_read(self, mailbox: str) -> int:
        """When a mailbox was first read, 0 while it was not; once it was that stays."""
        known = self._read_since.get(mailbox)
        if known is None:
            row = self._database.one(hot.FIRST_READ, mailbox)
            known = row[0] if row else 0
            if known:
                self._read_since[mailbox] = known
        return known

    def _write(self) -> None:
        noted, self._database.counted = self._database.counted, []
        counted = [each for each in noted if isinstance(each, Counted)]
        sums = Sums({name: self._first_read(name) for name in {each.came.mailbox for each in counted}})
        for each in counted:
            sums.add(each)
        for first in noted:
            if isinstance(first, Answered):
                sums.measure(first.at, ANSWER, first.workspace, class_of(first.took))
        write(self._database, sums)


def sender_gone(database: Database, row: int) -> None:
    """Take a mail out of what is known of its sender, before it is told no more who that is; inside `writing`.

    What was said of DMARC in it is told of the others.
    """
    came, newest = database.one(hot.CAME_FROM, row), database.one(hot.BEFORE, row, NEWEST)
    if came is None or newest is None or not came[2]:
        return
    sums = Sums({})
    sums.count_sender(Came(*came), newest[1], -1)
    write(database, sums)


@dataclass(slots=True)
class Letters:
    """What is known of a sender: the columns of `sender` behind the address, in their order."""

    domain: str
    name: str
    first_at: int
    last_at: int
    mails: int = 0
    made: int = 0
    held: int = 0
    refused: int = 0
    passed: int = 0
    failed: int = 0

    def add(self, came: Came, outcome: str, mails: int) -> None:
        """Count a mail in or out."""
        _, at, _, name, dmarc = came
        if at < self.first_at:
            self.first_at = at
        elif at > self.last_at:
            self.last_at = at
        self.name = name or self.name
        self.mails += mails
        if outcome in MADE:
            self.made += mails
        elif outcome in HELD:
            self.held += mails
        elif outcome in REFUSED:
            self.refused += mails
        if dmarc == "pass":
            self.passed += mails
        elif dmarc == "fail":
            self.failed += mails


_columns = attrgetter("domain", "name", "first_at", "last_at", "mails", "made", "held", "refused", "passed", "failed")


class Sums:
    """Counts put together. `first_read` tells when each mailbox was first read."""

    def __init__(self, first_read: Mapping[str, int]) -> None:
        self._first_read = first_read
        self.alike: Counter[tuple[int, int, tuple[str, ...], int]] = Counter()
        self.hits: dict[tuple[int, int, RuleHit], list[int]] = {}
        self.senders: dict[str, Letters] = {}
        self.measures: dict[tuple[int, str, str, int], int] = {}

    def add(self, each: Counted) -> None:
        """Count a receipt in or out."""
        row, came, its, mails, hits, measured = each
        lag = lag_of(its, came, self._first_read[came.mailbox])
        said = came.mailbox, its.workspace, its.outcome, its.code, its.by_kind, its.by_name
        self.alike[block_of(row), came.received_at // QUARTER_US, said, lag] += mails
        if hits:
            self.count_hits(row, came.received_at, hits)
        for what, key, value in measured:
            self.measure(its.decided_at, what, key, (value | 1).bit_length() - 1)
        if came.sender:
            self.count_sender(came, its.outcome, mails)

    def measure(self, at: int, what: str, key: str, power: int) -> None:
        """Count that something measured so much at a time."""
        row = at // DAY_US, what, key, power
        self.measures[row] = self.measures.get(row, 0) + 1

    def count_sender(self, came: Came, outcome: str, mails: int) -> None:
        """Count a mail for who wrote it, in or out."""
        known = self.senders.get(came.sender)
        if known is None:
            at, domain = came.received_at, came.sender.rpartition("@")[2]
            known = self.senders[came.sender] = Letters(domain, came.name, at, at)
        known.add(came, outcome, mails)

    def count_hits(self, row: int, received_at: int, hits: Iterable[RuleHit]) -> None:
        """Count the rules that matched in one decision about a mail."""
        for hit in hits:
            for span, at in ((Span.BLOCK, block_of(row)), (Span.DAY, received_at // DAY_US)):
                known = self.hits.setdefault((span, at, hit), [0, 0])
                known[0] += 1
                known[1] = max(known[1], received_at)

    def tally(self) -> Counter[tuple[int | str, ...]]:
        """Give the rows of `tally`, each with how many mails more it counts."""
        rows: Counter[tuple[int | str, ...]] = Counter()
        for (block, quarter, said, lag), mails in self.alike.items():
            rows[Span.BLOCK, block, *said, 0] += mails
            rows[Span.QUARTER, quarter, *said, lag] += mails
            rows[Span.DAY, quarter // Span.DAY, *said, lag] += mails
        return rows


def write(database: Database, sums: Sums) -> None:
    """Add the counts to those that are stored, inside `writing`; a row of no mail goes, and a sender of none."""
    tally = sorted(sums.tally().items())
    database.together(hot.TALLY, [(*key, mails) for key, mails in tally if mails])
    for key, mails in tally:
        if mails < 0:
            database.put(hot.TALLY_GONE, *key)
    hits = sorted(sums.hits.items())
    database.together(hot.RULE_HIT, [(span, at, *hit, count, last) for (span, at, hit), (count, last) in hits])
    if sums.measures:
        database.together(hot.MEASURE, [(*key, many) for key, many in sorted(sums.measures.items())])
    database.together(
        hot.FROM, [(address, *_columns(known)) for address, known in sorted(sums.senders.items(), key=itemgetter(0))]
    )
    for address, known in sums.senders.items():
        if known.mails < 0:
            database.put(hot.SENDER_GONE, address)
