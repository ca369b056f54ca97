"""The mails that wait to be decided: which, why, and what dead processes left of them.

Here: `Queue`, as `engine.ports.Queue` tells it, and whether a claim still stands. Not here: claiming (`claims.py`).
A pass without mail asks nothing else about mails, so nothing else comes with it.
Invariant: a mail that somebody may claim is due; asking is a read.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from engine.model.stored import Waiting
from engine.store import hot, tables
from engine.store.bells import Bell
from engine.store.database import MOST, Database, time, us
from engine.store.listing import Listing
from engine.store.terms import OPEN

CLAIM_S = 900
"""How long a claim of a process on another host stands; one of a dead process on this host falls at once."""

CLOCK_JUMP_S = 86_400
"""A claim, lease or wait that ends later than this from now was made before the clock went back."""

LONGEST_SLOT_S = 32 * 86_400
"""A row that goes along with others later than this from now got its slot before the clock went back."""

DEATHS_AT_ONCE = 2
"""After so many deaths a mail is still taken up at once: whoever is killed has a mail in hand, most often innocent."""

DIED = "the process died while this mail was in hand"


class Queue:
    """Tells what waits, and frees what the dead left."""

    def __init__(self, database: Database, listing: Listing) -> None:
        self._database, self._listing = database, listing

    def is_due(self, mailbox: str, now: datetime) -> bool:
        return self._database.one(hot.DUE_MAIL, self._listing.number(mailbox), us(now)) is not None

    def waiting(self, mailbox: str) -> list[Waiting]:
        rows = self._database.rows(hot.LET_WAIT, self._listing.number(mailbox))
        return [Waiting(number, code, last_line(error), time(until)) for code, error, number, until in rows]

    def make_due(self, mailbox: str, codes: Collection[str]) -> None:
        inbound = tables.Inbound
        waits = tables.SQL(OPEN) & (inbound.state == "received") & inbound.owner.is_null()
        here = inbound.mailbox == self._listing.number(mailbox)
        with self._database.joining():
            if self._database.do(inbound.update(next_at=0).where(waits, here, inbound.code.in_(sorted(codes)))):
                self._database.ring(Bell.DECIDE)

    def is_anything_to_tell(self, now: datetime) -> bool:
        return self._database.one(hot.TO_BE_TOLD, *slots(now)) is not None

    def due_mailboxes(self, now: datetime) -> frozenset[str]:
        return frozenset(name for (name,) in self._database.rows(hot.DUE_MAILBOXES, us(now)))

    def tried_mailboxes(self, now: datetime) -> frozenset[str]:
        return frozenset(name for (name,) in self._database.rows(hot.TRIED_MAILBOXES, us(now)))

    def give_back(
        self, mailbox: str, now: datetime, in_hand: dict[str, int], waits_s: Sequence[float], *, free: bool = True
    ) -> None:  # fmt: skip
        moment, number = us(now), self._listing.number(mailbox)
        longest = int(max((CLOCK_JUMP_S, *waits_s)) * 1_000_000)
        too_long = (number, moment + longest)
        if (
            not self._database.rows(hot.CLAIMED_ROWS, number)
            and self._database.one(hot.ANY_TOO_LONG, *too_long) is None
        ):
            return  # as nearly always
        with self._database.joining():
            self._database.run(hot.WAITS_TOO_LONG, *too_long)
            for row, attempts, held_by, until in self._database.rows(hot.CLAIMED_ROWS, number) if free else ():
                if is_free(self._database, held_by, until, moment):
                    self._give_back(row, attempts, number, held_by, in_hand.get(held_by), moment, waits_s)

    def give_back_all(self, owner: str, in_hand: int | None, now: datetime, waits_s: Sequence[float]) -> int:
        with self._database.joining():
            return self._free(owner, in_hand, us(now), MOST, waits_s)

    def give_back_of_dead(self, now: datetime, waits_s: Sequence[float], grace_s: float) -> int:
        moment, freed = us(now), 0
        claimed_before = moment + int((CLAIM_S - grace_s) * 1_000_000)
        for (owner,) in self._database.rows(hot.OWNERS):
            if self._database.is_alive(owner) is False:
                with self._database.joining():
                    freed += self._free(owner, None, moment, claimed_before, waits_s)
        return freed

    def _free(self, owner: str, in_hand: int | None, moment: int, until: int, waits_s: Sequence[float]) -> int:
        """Give back what an owner had claimed, for no longer than `until`."""
        rows = self._database.rows(hot.HELD_ROWS, owner, until)
        for row, attempts, number in rows:
            self._give_back(row, attempts, number, owner, in_hand, moment, waits_s)
        if rows:
            self._database.ring(Bell.DECIDE)
        return len(rows)

    def _give_back(
        self, row: int, attempts: int, mailbox: int, owner: str, in_hand: int | None, moment: int,
        waits_s: Sequence[float],
    ) -> None:  # fmt: skip
        """Give a mail back; it is charged where it was `in_hand`, or where nobody knows what was."""
        if in_hand != row:
            self._database.run(hot.GIVE_BACK, attempts - (in_hand is not None), row, owner)
            return
        next_at = 0  # at once: first in its turn, for a reply may follow, then alone behind all others
        if attempts > DEATHS_AT_ONCE and waits_s:
            next_at = moment + int(waits_s[min(attempts - DEATHS_AT_ONCE, len(waits_s)) - 1] * 1_000_000)
        if self._database.run(hot.DIED_ON, next_at, DIED, row, owner).rowcount:
            note_alike(self._database, mailbox, DIED, (row,))


def is_free(database: Database, held_by: str | None, until: int, now: int) -> bool:
    """Nobody's, a dead process's, or held longer than a claim may be (or by a clock that ran ahead)."""
    if held_by is None:
        return True
    alive = database.is_alive(held_by)
    if alive is not None and database.beside_others:  # whoever is there on another host has it as long as its session
        return not alive
    if alive is False or until < now:
        return True
    return alive is None and until > now + CLOCK_JUMP_S * 1_000_000


def note_alike(database: Database, mailbox: int, fault: str, rows: Sequence[int]) -> None:
    """Note mails that broke the machine by the same fault as the ones before them; another fault begins anew."""
    told = "".join([f" {row}" for row in rows])
    with database.joining():
        database.run(hot.BROKE_ALIKE, fault, told, told, fault, mailbox)


def last_line(text: str) -> str:
    """Give the line of a stored error that says what happened."""
    lines = text.strip().splitlines()
    return lines[-1][:500] if lines else "the machine broke on this mail"


def slots(now: datetime) -> tuple[int, int]:
    """Give the times between which a row waits for its slot."""
    return us(now), us(now) + LONGEST_SLOT_S * 1_000_000
