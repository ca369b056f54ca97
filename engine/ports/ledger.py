"""What is known of every mail: taken in, waiting, claimed, decided.

Here: `Queue` and `Ledger`. Not here: the mailboxes they came from (`mailboxes.py`), decided mails as people see them
(`archive.py`). Invariant: a mail is decided once, and what is told of it stands in the transaction that decided it.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Protocol

from engine.model.answers import MessageMatch
from engine.model.events import Kind
from engine.model.facts import Facts, Release
from engine.model.hearing import Actor
from engine.model.mail import Mail, RawMail
from engine.model.plan import Tell
from engine.model.stored import (
    Claimed,
    HeldSince,
    Spooled,
    Undecided,
    Waiting,
)
from engine.ports.hearing import Teller


class Queue(Protocol):
    """The mails that wait to be decided."""

    def is_due(self, mailbox: str, now: datetime) -> bool:
        """Tell whether a mail waits that may be claimed, or that somebody has claimed; a read that holds nobody up."""

    def is_anything_to_tell(self, now: datetime) -> bool:
        """Tell whether anything waits that is told by the clock: what is held, and rows whose slot has come."""

    def due_mailboxes(self, now: datetime) -> frozenset[str]:
        """Name the mailboxes in which a mail is due."""

    def tried_mailboxes(self, now: datetime) -> frozenset[str]:
        """Name the mailboxes in which a mail that was tried before is due."""

    def waiting(self, mailbox: str) -> list[Waiting]:
        """Tell which mails of a mailbox wait and why, by their reason, the first that is due at the top."""

    def make_due(self, mailbox: str, codes: Collection[str]) -> None:
        """Let the mails of a mailbox that wait for one of these reasons be claimed at once."""

    def give_back(
        self, mailbox: str, now: datetime, in_hand: dict[str, int], waits_s: Sequence[float], *, free: bool = True
    ) -> None:  # fmt: skip
        """Free what dead processes had claimed. `in_hand` tells of a process which row it worked on, 0 for none.

        Of a process of which that is known, only that mail is charged with the attempt; the others never began. Of a
        process of which nothing is known, each may be the culprit. A mail that was in hand is taken up at once, the
        second time alone behind all others; from the third time on it waits.

        Where claims are not to be `free`, somebody else gives them back, who knows more (a worker, of its deciders).
        Mails that wait longer than a day, and longer than any of `waits_s`, are due: a clock ran ahead that set it.
        """

    def give_back_all(self, owner: str, in_hand: int | None, now: datetime, waits_s: Sequence[float]) -> int:
        """Free what an owner that is gone had claimed; gives how many mails.

        As `give_back`: `in_hand` is the row it worked on, 0 for none, None where nobody knows.
        """

    def give_back_of_dead(self, now: datetime, waits_s: Sequence[float], grace_s: float) -> int:
        """Free what owners had claimed that are gone; gives how many mails.

        What was claimed less than `grace_s` ago is left to whoever knows which of them was in hand.
        """


class Ledger(Protocol):
    """What became of every mail: taken in, claimed, tried, closed; and what later decisions ask of it."""

    # ── taking in, claiming ───────────────────────────────────────────────────────────────────────────────────

    def spool(
        self, raws: Sequence[RawMail], owner: str, *, identical: str = "settle", quiet: bool = False,
        flushed: bool = True,
    ) -> list[Spooled]:  # fmt: skip
        """Store mails durably and claim them for `owner`, in one transaction: now the server may be told.

        Unless it is `flushed`, a power cut may take them until the next commit, and nobody may be told before that.

        Bytes that this mailbox has had before only get a presentation, and their mailbox action is planned again;
        with `identical="process"` (option `on_identical`) they are decided once more, as another generation. What comes
        of `quiet` mails tells nobody.
        """

    def claim(
        self, mailbox: str, limit: int, now: datetime, owner: str, max_attempts: int = 5, *, tried: bool = True,
        after_crash: tuple[str, str] = ("", ""),
    ) -> Claimed:  # fmt: skip
        """Take waiting mails to work on; the attempt is counted and committed before this returns.

        Free ones that are due, and those of an owner that died or let its time run out. A mail that was tried before
        comes alone, after the fresh ones; without `tried` only one that a process died on once, in its turn, for a
        reply to it may follow. One whose attempts are used up because each ended in a crash is quarantined here, with
        `after_crash` (kind, folder) planned for its mailbox, and told as `crashed`.
        """

    def claim_any(
        self, limit: int, now: datetime, owner: str, max_attempts: int = 5, *, tried: bool = False,
        names: Collection[str] = (),
    ) -> list[Spooled]:  # fmt: skip
        """Take mails that nobody works on, of these mailboxes or of all that do not pause, those due first.

        Fresh ones, with `tried` those that were tried before. The attempt is counted and committed before this returns.
        Where so many were taken, more may be there: another worker hears of it.
        """

    def spent(self, now: datetime, max_attempts: int = 5) -> list[str]:
        """Name the mailboxes with mails whose attempts are used up, and that `claim` gives up."""

    def claim_one(self, mail: str, now: datetime, owner: str) -> Spooled:
        """Claim one waiting mail, due or not. Raises NotFound, and Refused if it does not wait or is in work."""

    def unclaim(self, spooled: Sequence[Spooled]) -> None:
        """Give claims back without having worked on them: the attempts are not counted."""

    def undecided(self, message_ids: Collection[bytes], owner: str, now: datetime) -> dict[bytes, Undecided]:
        """Give of these Message-IDs, without angle brackets, those of mails that `owner` has not in hand and nobody has
        decided; of several with one Message-ID the oldest."""

    # ── ends without a decision ───────────────────────────────────────────────────────────────────────────────

    def defer(self, spooled: Spooled, code: str, because: str, next_at: datetime, charge: bool = False) -> bool:
        """Let a mail wait until `next_at`; unless `charge`, the attempt is given back. False if the claim was lost."""

    def fail(
        self, spooled: Spooled, error: str, now: datetime, retry_waits: Sequence[float], max_attempts: int = 5,
        *, code: str = "fault.exception", action: str = "", folder: str = "",
    ) -> bool:  # fmt: skip
        """Count a failed attempt: the mail waits (`retry_waits`, seconds; the last one repeats), or is quarantined.

        Quarantine writes a receipt with outcome `error` and plans the mailbox action given. True if that happened.
        """

    def describe(self, spooled: Spooled, mail: Mail, facts: Facts) -> None:
        """Keep by what a mail is found and listed while it waits to be decided."""

    # ── what a person does ────────────────────────────────────────────────────────────────────────────────────

    def reopen(
        self, mail: str, release: Release | None, *,
        retry: bool = False, replay: bool = False, as_new: bool = False, notify: bool = False,
    ) -> None:  # fmt: skip
        """Start the next generation of a mail: it waits, with no attempts counted.

        With a `release` a held or quarantined mail goes on; `retry` tries a held, quarantined, ignored or waiting one
        again. Both are refused if an earlier generation made an item or a comment. `replay` decides any decided mail
        again: what it made is updated, or with `as_new` a second item is made; nobody is notified without `notify`.
        Raises NotFound, Refused.
        """

    def ignore(self, mail: str, by: str, reason: str, *, action: str = "", folder: str = "") -> None:
        """Close a held, quarantined or waiting mail as discarded. Raises NotFound, Refused."""

    def reject(
        self,
        mail: str,
        by: str,
        reason: str,
        tell: Tell | None = None,
        teller: Teller | None = None,
        *,
        action: str = "",
        folder: str = "",
    ) -> tuple[int, ...]:
        """Close a held, quarantined or waiting mail as rejected and tell of it; gives the rows. Raises as `ignore`."""

    def tell(
        self, spooled: Spooled, tell: Tell, actor: Actor, workspace: str, teller: Teller | None,
        once: dict[Kind, str] | None = None,
    ) -> tuple[int, ...]:  # fmt: skip
        """Tell of a mail that no receipt carries: it waits, or the machine broke on it; gives the rows.

        It happened once for each generation and reason code, however often it is told. `once` names the occasion for a
        kind of mail: whoever was told of it is not told again.
        """

    def happened(self, name: str, workspace: str, tell: Tell, teller: Teller | None) -> tuple[int, ...]:
        """Write what no mail and no act did, and who hears of it; gives the rows.

        Two that write it at the same time write it once for everybody who hears.
        """

    def not_arrived(
        self, number: int, said: str, teller: Teller | None, away_since: datetime | None = None
    ) -> tuple[int, ...]:
        """Write that a row of the outbox will not arrive, with what the server said, and who hears; gives the rows.

        What is remembered of the address is the same as where a report says so. `away_since` is since when no mail
        goes out, where that is why: of all notices to people inside that are given up meanwhile one is told.
        """

    def last_happened(self, name: str, workspace: str, code: str = "") -> datetime | None:
        """When that happened last in a workspace, to the script or template `code`; None if it never did."""

    def held(self) -> dict[str, HeldSince]:
        """Tell of each workspace where mail of others or ours is held since when."""

    def carry(self, now: datetime) -> tuple[int, ...]:
        """Write a row for each mail that carries rows whose slot has come, and mark them; gives their numbers."""

    def reset_status(self, mail: str) -> None:
        """Clear claim and back-off of a waiting mail, and nothing else. Raises NotFound, Refused."""

    # ── questions of decisions ────────────────────────────────────────────────────────────────────────────────

    def item_by_message_ids(self, message_ids: tuple[str, ...]) -> MessageMatch | None:
        """Find the conversation of the first of these Message-IDs that is stored: of a mail that came, or of ours."""

    def duplicate(self, workspace: str, fingerprint: str, *, other_than: str = "", now: datetime | None = None) -> str:
        """Give the id of an earlier mail with this content that reached the workspace within 30 days, or "".

        `other_than` is the id of the mail that asks, when it is decided once more.
        """

    def sender_rate(self, address: str, seconds: int, before: datetime, separators: str = "") -> int:
        """Count the decided mails of a sender in the `seconds` before a time.

        A tag behind `+` or one of `separators` makes nobody new.
        """

    def total_rate(self, seconds: int, before: datetime) -> int:
        """Count all decided mails in the `seconds` before a time."""
