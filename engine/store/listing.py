"""What a mailbox lists, compared with what the ledger knows: new, known, back again, set aside.

Here: `mailbox_id`, epochs, `sort_keys`, `unknown_keys`, messages that break a session.
Not here: taking mails in (`spool.py`).
Invariant: new is what the ledger does not know; flags, dates and positions are never asked.
"""
# ruff: noqa: S608 - only our own constants and question marks are put into the statements

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import NamedTuple

from engine.store.database import us
from engine.store.part import Part
from engine.store.tables.mail import PLANNED, TAKEN_AWAY

KEYS_PER_QUERY = 500

LAST_SEEN_STEP_S = 86_400
"""`last_seen` of a key that a server still lists is written at most this often."""

MOST_ASIDE = 200

ANEW = "the mailbox started its numbers anew"


class Sorted(NamedTuple):
    """Keys of a listing: `unknown` ones, and those `back` of mails that were moved away or deleted, in their order.

    A key that is back names a mail somebody put back, or another one if the server started its numbers anew.
    """

    unknown: list[str]
    back: list[str]


class Listing(Part):
    """Compares listings with the ledger."""

    def mailbox_id(self, name: str) -> int:
        """Give the number of a mailbox, made on first use: what keys hang on, so that a host may be renamed."""
        return self._remember(("mailbox", name), lambda: self._mailbox_id(name))

    def _mailbox_id(self, name: str) -> int:
        with self.database.joining():
            self.database.run("INSERT INTO mailbox (name) VALUES (?) ON CONFLICT (name) DO NOTHING", name)
            return int(self.database.one("SELECT id FROM mailbox WHERE name = ?", name)[0])

    # ── epochs ────────────────────────────────────────────────────────────────────────────────────────────────

    def begin_epoch(self, mailbox: str, epoch: str, uidnext: int = 0) -> bool:
        """Note the UIDVALIDITY (or its like) of a mailbox and its next UID; tells whether its numbers started anew.

        They did if the epoch changed, or if the next UID is lower than it once was (0: not known). Then planned
        actions are void, for their numbers may name other messages now; every listed message is unknown, is fetched
        again and recognised by its bytes, and its action planned anew.
        """
        number = self.mailbox_id(mailbox)
        with self.database.joining():
            before, highest, epochs = self.database.one(
                "SELECT epoch, uidnext, epochs FROM mailbox WHERE id = ?", number
            )
            fell = before == epoch and 0 < uidnext < highest
            if before == epoch and not fell:
                if uidnext > highest:
                    self.database.run("UPDATE mailbox SET uidnext = ? WHERE id = ?", uidnext, number)
                return False
            self.database.run(
                "UPDATE mailbox SET epoch = ?, uidnext = ?, epochs = epochs + 1 WHERE id = ?", epoch, uidnext, number
            )
            if before:
                self.database.run(
                    f"UPDATE presentation SET action_state = 'none', why = ? WHERE {PLANNED} AND mailbox_id = ?",
                    ANEW, number,
                )  # fmt: skip
            if fell:  # the same numbers will name other messages: the old ones make room
                self.database.run(
                    "UPDATE presentation SET key = key || '@' || ? WHERE mailbox_id = ? AND key LIKE '%/' || ? || '/%'",
                    epochs, number, epoch,
                )  # fmt: skip
            return bool(before)

    # ── keys ──────────────────────────────────────────────────────────────────────────────────────────────────

    def unknown_keys(self, mailbox: str, keys: Sequence[str]) -> list[str]:
        """Give the keys that the ledger does not know, in order; notes once a day that the others still exist."""
        return self.sort_keys(mailbox, keys).unknown

    def sort_keys(self, mailbox: str, keys: Sequence[str]) -> Sorted:
        """Sort the keys of a listing; notes once a day that the known ones still exist."""
        number = self.mailbox_id(mailbox)
        now = us(self.clock())
        known: dict[str, int] = {}
        stale: list[str] = []
        for start in range(0, len(keys), KEYS_PER_QUERY):
            some = keys[start : start + KEYS_PER_QUERY]
            marks = ",".join("?" * len(some))
            for key, last_seen, away in self.database.rows(
                f"SELECT key, last_seen, {TAKEN_AWAY} FROM presentation WHERE mailbox_id = ? AND key IN ({marks})",
                number,
                *some,
            ):
                known[key] = away
                if last_seen < now - LAST_SEEN_STEP_S * 1_000_000:
                    stale.append(key)
        if stale:
            with self.database.joining():
                self.database.many(
                    "UPDATE presentation SET last_seen = ? WHERE mailbox_id = ? AND key = ?",
                    [(now, number, key) for key in stale],
                )
        return Sorted([key for key in keys if key not in known], [key for key in keys if known.get(key)])

    def aside(self, mailbox: str) -> list[str]:
        """Give the keys of messages that broke a session twice while they were fetched, the latest at the end."""
        return [key for key, times in self._broke(mailbox).items() if times > 1]

    def broke(self, mailbox: str, key: str) -> None:
        """Note that a session broke over a message. Twice, and it is fetched after all others from then on.

        Once is the network; the order counts, for a reply to it may follow.
        """
        broke = self._broke(mailbox)
        times = broke.pop(key, 0) + 1
        self._put_broke(mailbox, dict([*broke.items(), (key, times)][-MOST_ASIDE:]))

    def whole(self, mailbox: str, keys: Collection[str]) -> None:
        """Note that messages could be fetched, or are not there any more."""
        broke = self._broke(mailbox) if keys else {}
        left = {key: times for key, times in broke.items() if key not in keys}
        if left != broke:
            self._put_broke(mailbox, left)

    def suspects(self, mailbox: str) -> list[str]:
        """Give the keys of all messages over which a session broke."""
        return [*self._broke(mailbox)]

    def _broke(self, mailbox: str) -> dict[str, int]:
        (told,) = self.database.one("SELECT aside FROM mailbox WHERE id = ?", self.mailbox_id(mailbox))
        pairs = (line.partition(" ") for line in told.split("\n") if line)
        return {key: int(times) for times, _, key in pairs}

    def _put_broke(self, mailbox: str, broke: dict[str, int]) -> None:
        told = "\n".join(f"{times} {key}" for key, times in broke.items())
        with self.database.joining():
            self.database.run("UPDATE mailbox SET aside = ? WHERE id = ?", told, self.mailbox_id(mailbox))
