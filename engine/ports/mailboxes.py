"""The mailboxes: what is known of each, who works on it, what is still to be done in it, what does not work.

Here: `Mailboxes`, `Visiting`, `Setbacks`, `OldMail` and `Troubles`. Not here: reading one (`sources/source.py`), its
mails (`ledger.py`).
Invariant: a lease has one holder, and nothing final is told to a server before its receipt is there.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from engine.model.stored import (
    LeftAlone,
    MailboxState,
    Sorted,
    Standing,
    Taken,
    Trouble,
    Visited,
)


class Mailboxes(Protocol):
    """Where mail comes from: what is known of each mailbox, who works on it, what is still to be done in it."""

    def number(self, name: str) -> int:
        """Give the number of a mailbox, made on first use: what keys hang on, so that a host may be renamed."""

    def know(self, taken: Taken) -> None:
        """Hear of a mailbox that was taken up through another connection, so that its number is not asked."""

    # ── who works on it ───────────────────────────────────────────────────────────────────────────────────────

    def lease(
        self, mailbox: str, owner: str, now: datetime, ttl_s: float = 60.0, *, paused: bool = True
    ) -> Taken | None:  # fmt: skip
        """Take the lease of a mailbox, and tell how it was found, in one go.

        None if another runner has it, or the schema is being upgraded. Where it pauses and is not to be had `paused`,
        it is left alone, and the `owner` told is "".
        """

    def heartbeat(self, mailbox: str, owner: str, now: datetime, ttl_s: float = 60.0) -> bool:
        """Make a lease last longer; False if it is not ours any more."""

    def end(self, visits: Sequence[Visited]) -> None:
        """Note how visits ended, and give their leases back; what is not ours any more stays as it is.

        All of those that went well are one commit, for which nobody waits: lost, they are visited again.
        """

    def holder(self, mailbox: str) -> str:
        """Name who has the lease of a mailbox, for people; "" for nobody."""

    def take_over(
        self, mailbox: str, owner: str, now: datetime, waits_s: Sequence[float] = ..., *, wait: bool = True,
        free: bool = True,
    ) -> None:  # fmt: skip
        """Begin to work under a lease: free what earlier holders left claimed, and charge the mail they died on.

        Where no mails `wait` there, as it was found, nobody left any. Where claims are not to be `free` they are left
        to whoever knows which of them was in hand.
        """

    def noting(self, mailbox: str) -> Callable[[int], None]:
        """Give what notes which mail is in hand, by its row, 0 for none: should the process die, it is charged with it.

        Costs half a microsecond a note. Without a lease nothing is noted, and all mails that the process had claimed
        are suspects.
        """

    # ── what it lists ─────────────────────────────────────────────────────────────────────────────────────────

    def begin_epoch(
        self, mailbox: str, epoch: str, uidnext: int = 0, account: str = "", found: Taken | None = None
    ) -> bool:  # fmt: skip
        """Note the UIDVALIDITY (or its like) of a mailbox and its next UID; tells whether its numbers started anew.

        They did if the epoch or the `account` changed ("": not known, as in databases of earlier releases), or if the
        next UID is lower than it once was (0: not known). Then planned actions are void, for their numbers may name
        other messages now; every listed message is unknown, is fetched again and recognised by its bytes, and its
        action planned anew. Whoever has its lease says how it was `found`, and is asked nothing.
        """

    def unknown_keys(self, mailbox: str, keys: Sequence[str]) -> list[str]:
        """Give the keys that the ledger does not know, in order; notes once a day that the others still exist."""

    def sort_keys(self, mailbox: str, keys: Sequence[str]) -> Sorted:
        """Sort the keys of a listing; notes once a day that the known ones still exist."""

    def aside(self, mailbox: str) -> list[str]:
        """Give the keys of messages that broke a session twice while they were fetched, the latest at the end."""

    def broke(self, mailbox: str, key: str) -> None:
        """Note that a session broke over a message. Twice, and it is fetched after all others from then on.

        Once is the network; the order counts, for a reply to it may follow.
        """

    def whole(self, mailbox: str, keys: Collection[str]) -> None:
        """Note that messages could be fetched, or are not there any more."""

    def suspects(self, mailbox: str) -> list[str]:
        """Give the keys of all messages over which a session broke."""

    # ── how it fares ──────────────────────────────────────────────────────────────────────────────────────────

    def failed(
        self, name: str, code: str, sentence: str, now: datetime, retry_at: datetime | None = None,
        refused: Sequence[datetime] = (), settings: str = "",
    ) -> None:  # fmt: skip
        """Note that a mailbox could not be read, and what the next pass has to know of it (`Standing`)."""

    def pause(self, name: str, reason: str) -> None:
        """Let passes leave a mailbox alone until `resume`."""

    def resume(self, name: str) -> None:
        """Let passes read a mailbox again."""

    def paused(self, name: str) -> str:
        """Say why a mailbox is paused, "" if it is not."""

    def states(self) -> list[MailboxState]:
        """Give the state of every mailbox that was ever read, by name."""

    # ── what is to be done in it ──────────────────────────────────────────────────────────────────────────────

    def pending_actions(self, mailbox: str, limit: int) -> list[tuple[str, str, str, int, str, str]]:
        """Give what is to be done in a mailbox: key, kind, folder, bytes, Message-ID, sha256; failed ones last."""

    def actions_done(self, mailbox: str, done: Sequence[tuple[str, ...]]) -> None:
        """Note what came of mailbox actions (TX3): key, state (done, gone, failed), perhaps why, perhaps another key.

        Under that a message stands now: it is one more presentation of it.
        """

    def actions_planned(self) -> int:
        """Count the mailbox actions that wait or failed, in all mailboxes."""

    def plan_closed(self, mailbox: str, action: str, folder: str, limit: int) -> int:
        """Plan an action for mails that were kept in their mailbox until their item is closed, and it is, or is gone.

        At most `limit` at a time; gives how many (F030). A topic counts as closed when it is locked.
        """

    def settle_again(self, mail: str, *, delete: bool = False) -> int:
        """Plan the mailbox action of a mail once more; gives the number of its presentations. Raises NotFound.

        With `delete` that it is deleted, wherever it still lies; Refused while it waits for a machine or a person.
        """


class Visiting(Protocol):
    """Which mailbox a worker reads next, and when."""

    def take_due(self, owner: str, limit: int, now: datetime, names: Collection[str] = ()) -> list[Taken]:
        """Take the leases of mailboxes that are due and nobody works on, of these or of all, and tell how they stand.

        Where so many were due, more may be: another worker hears of it.
        """

    def is_due(self, now: datetime) -> bool:
        """Tell whether a mailbox is due to be read."""

    def read_soon(self, names: Collection[str], at: datetime) -> None:
        """Let mailboxes be due at a time, those in which there is something to do, and sooner than they would be."""

    def expect(self, names: Collection[str]) -> None:
        """Know these mailboxes; one that is new is due at once."""

    def leave_for_dead(self, now: datetime) -> int:
        """Let mailboxes be read again that dead processes were reading; gives how many."""


class Setbacks(Protocol):
    """What went wrong with mailboxes lately."""

    def standing(self, name: str) -> Standing:
        """Tell how the next pass finds a mailbox; one that was never read has nothing against it."""

    def try_again(self, name: str) -> None:
        """Let the next pass try a mailbox: nothing that failed before counts any more."""

    def doubtful(self, now: datetime) -> list[str]:
        """Name the mailboxes of which it has to be found out whether the machine breaks on every mail."""

    def stands_as(self, name: str, standing: Standing) -> None:
        """Let a mailbox stand as it did before something was tried, but for the mails that broke the machine in a row.

        Whether it is paused by hand, and the refusals of its account, are left alone.
        """

    def broke_alike(self, name: str, fault: str, rows: Sequence[int]) -> None:
        """Note mails that broke the machine by the same fault, one after the other."""

    def goes_well(self, name: str) -> None:
        """Note that a mail did not break the machine: those that did before are no row any more."""

    def alike(self, fault: str) -> list[int]:
        """Give the mails of all mailboxes that broke the machine by a fault, with none between that did not."""

    def refund(self, charged: Mapping[int, int]) -> None:
        """Take back attempts of mails that wait and let them be due, by their numbers: what broke was not theirs."""


class OldMail(Protocol):
    """What lies in mailboxes and is older than they are read from."""

    def first_read(self, mailbox: str) -> datetime | None:
        """When somebody first took the lease of a mailbox; None for nobody."""

    def left_alone(self, mailbox: str) -> LeftAlone | None:
        """Tell what the last pass left alone; None for nothing."""

    def leave_alone(self, mailbox: str, left: LeftAlone | None) -> None:
        """Note what is left alone, in place of what was; what has not changed is not written."""


class Troubles(Protocol):
    """What does not work, and since when."""

    def begin(self, name: str, said: str, now: datetime) -> Trouble:
        """Note that something does not work, or still does not; gives since when."""

    def find(self, name: str) -> Trouble | None:
        """Give a trouble that lasts; None if there is none of that name."""

    def refused(self, name: str, times: Sequence[datetime], settings: str) -> None:
        """Note when logins were refused, and the digest of what was tried last; of a trouble that lasts."""

    def all(self) -> dict[str, Trouble]:
        """Give every trouble that lasts, by its name."""

    def may_be(self, now: datetime, silences_s: Sequence[float]) -> bool:
        """Tell whether anything may be wrong: a trouble lasts, or no mail came for half a day, or one of these times.

        Costs a few microseconds.
        """

    def told(self, name: str, now: datetime) -> None:
        """Note that a trouble was told aloud."""

    def over(self, name: str) -> None:
        """Note that it works again."""
