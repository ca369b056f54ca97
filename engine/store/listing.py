"""What a mailbox lists, compared with what the ledger knows: new, known, back again, set aside.

Here: `Listing`, a part of `engine.ports.Mailboxes`: numbers, epochs, keys, messages that break a session.
Not here: taking mails in (`spool.py`).
Invariant: new is what the ledger does not know; flags, dates and positions are never asked.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import NamedTuple

from engine.model.stored import Sorted, Taken
from engine.store import hot, tables
from engine.store.database import Database
from engine.store.memory import Memory

KEYS_PER_QUERY = 500

LAST_SEEN_STEP_S = 86_400
"""`last_seen` of a key that a server still lists is written at most this often."""

MOST_ASIDE = 200

ANEW = "the mailbox started its numbers anew"


class Epoch(NamedTuple):
    """As long as this stays, a key names the same message: the UIDVALIDITY ("" where there is none), whose it is.

    `account` is "" where it is not known, `uidnext` the next UID, `times` how often there was another epoch.
    """

    numbers: str
    account: str = ""
    uidnext: int = 0
    times: int = 0

    @property
    def told(self) -> str:
        """As it is stored."""
        return f"{self.numbers}\n{self.account}" if self.account else self.numbers

    def is_elsewhere(self, before: Epoch) -> bool:
        """Tell whether it is known to be another account or folder."""
        return bool(before.account) and self.account != before.account

    def follows(self, before: Epoch) -> bool:
        """Tell whether the numbers went on."""
        fell = 0 < self.uidnext < before.uidnext
        return self.numbers == before.numbers and not fell and not self.is_elsewhere(before)


class Listing:
    """Compares listings with the ledger."""

    def __init__(self, database: Database, memory: Memory) -> None:
        self._database, self._memory = database, memory

    def number(self, name: str) -> int:
        return self._memory.remember(("mailbox", name), lambda: self._number(name))

    def know(self, taken: Taken) -> None:
        self._memory.remember(("mailbox", taken.name), lambda: taken.number)

    def _number(self, name: str) -> int:
        row = self._database.one(hot.MAILBOX_ID, name)
        if row is None:
            with self._database.joining():
                self._database.run(hot.MAILBOX, name)
            row = self._database.one(hot.MAILBOX_ID, name)
        return int(row[0])

    # ── epochs ────────────────────────────────────────────────────────────────────────────────────────────────

    def begin_epoch(
        self, mailbox: str, epoch: str, uidnext: int = 0, account: str = "", found: Taken | None = None
    ) -> bool:  # fmt: skip
        number = self.number(mailbox)
        before = self._epoch(number) if found is None else _epoch(found.epoch, found.uidnext, found.epochs)
        now = Epoch(epoch, account or before.account, uidnext)
        if now.follows(before) and now.told == before.told and uidnext <= before.uidnext:
            return False  # as nearly always
        with self._database.joining():
            if now.follows(before):
                if now.told != before.told:  # the first pass of a release that asks for the account
                    self._database.run(hot.EPOCH_TOLD, now.told, number)
                if uidnext > before.uidnext:
                    self._database.run(hot.UIDNEXT, uidnext, number)
                return False
            self._begin(number, before, now)
            return bool(before.told)

    def _epoch(self, number: int) -> Epoch:
        return _epoch(*self._database.one(hot.EPOCH, number))

    def _begin(self, number: int, before: Epoch, now: Epoch) -> None:
        """Write the new epoch, void what was planned; keys that will name other messages now make room for them."""
        self._database.run(hot.EPOCH_BEGINS, now.told, now.uidnext, number)
        if before.told:
            self._database.run(hot.PLANS_VOID, ANEW, number)
        elsewhere = now.is_elsewhere(before)
        if elsewhere or now.numbers == before.numbers:
            shown = tables.Presentation
            again = shown.update(key=shown.key.concat(f"@{before.times}")).where(shown.mailbox == number)
            self._database.do(again if elsewhere else again.where(shown.key.contains(f"/{now.numbers}/")))

    # ── keys ──────────────────────────────────────────────────────────────────────────────────────────────────

    def unknown_keys(self, mailbox: str, keys: Sequence[str]) -> list[str]:
        return self.sort_keys(mailbox, keys).unknown

    def sort_keys(self, mailbox: str, keys: Sequence[str]) -> Sorted:
        number = self.number(mailbox)
        now = self._database.now()
        unknown, away = set[str](), set[str]()
        stale, long_ago = list[str](), now - LAST_SEEN_STEP_S * 1_000_000
        near = sorted(keys)  # neighbours in the table: half the time where its order is not the server's
        for start in range(0, len(near), KEYS_PER_QUERY):
            some = near[start : start + KEYS_PER_QUERY]
            marks = ",".join("?" * len(some))
            many, oldest, gone = self._database.one(f"{hot.KEYS_TOGETHER}({marks})", number, *some)
            if many == len(some) and not gone and oldest >= long_ago:
                continue  # all known, as nearly always
            unknown.update(some)
            for key, last_seen, is_away in self._database.rows(f"{hot.KEYS}({marks})", number, *some) if many else ():
                unknown.discard(key)
                if is_away:
                    away.add(key)
                if last_seen < long_ago:
                    stale.append(key)
        if stale:
            with self._database.joining():
                self._database.many(hot.STILL_THERE, [(now, number, key) for key in stale])
        return Sorted(_those(keys, unknown), _those(keys, away))

    def aside(self, mailbox: str) -> list[str]:
        return [key for key, times in self._broke(mailbox).items() if times > 1]

    def broke(self, mailbox: str, key: str) -> None:
        broke = self._broke(mailbox)
        times = broke.pop(key, 0) + 1
        self._put_broke(mailbox, dict([*broke.items(), (key, times)][-MOST_ASIDE:]))

    def whole(self, mailbox: str, keys: Collection[str]) -> None:
        broke = self._broke(mailbox) if keys else {}
        left = {key: times for key, times in broke.items() if key not in keys}
        if left != broke:
            self._put_broke(mailbox, left)

    def suspects(self, mailbox: str) -> list[str]:
        return [*self._broke(mailbox)]

    def _broke(self, mailbox: str) -> dict[str, int]:
        (told,) = self._database.one(hot.BROKE, self.number(mailbox))
        return times_of(told)

    def _put_broke(self, mailbox: str, broke: dict[str, int]) -> None:
        told = "\n".join(f"{times} {key}" for key, times in broke.items())
        with self._database.joining():
            self._database.do(tables.Mailbox.update(aside=told).where(tables.Mailbox.id == self.number(mailbox)))


def _epoch(told: str, uidnext: int, times: int) -> Epoch:
    numbers, _, account = told.partition("\n")
    return Epoch(numbers, account, uidnext, times)


def _those(keys: Sequence[str], wanted: set[str]) -> list[str]:
    """Those of the keys that are wanted, in their order."""
    return [key for key in keys if key in wanted] if wanted else []


def times_of(told: str) -> dict[str, int]:
    """Read `mailbox.aside`: how often each message could not be fetched."""
    pairs = (line.partition(" ") for line in told.split("\n") if line)
    return {key: int(times) for times, _, key in pairs}
