"""What was decided and what it comes to: mails, receipts and traces, retention and backups, figures and counts.

Here: `Archive`, `Figures`, `Counting` and `Series`. Not here: mails that wait (`ledger.py`).
Invariant: what is looked at changes nothing; what is purged leaves its receipt. Where a `sight` is given, no answer
tells anything of a mail outside it, not even that it is there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from typing import Protocol

from engine.model import figures
from engine.model.mail import RawMail
from engine.model.plan import Receipt
from engine.model.sight import ALL, EVERY_ITEM, ItemSight, Sight
from engine.model.stored import (
    Backup,
    Forgotten,
    MailRow,
    Pruned,
    Recounted,
    Searched,
    StoredMail,
)
from engine.model.told import Told, nobody


class Archive(Protocol):
    """Mails as people look for them, the bytes and traces behind them, and how long those are kept."""

    # ── looking ───────────────────────────────────────────────────────────────────────────────────────────────

    def find_mail(self, ref: str) -> MailRow | None:
        """Find a mail by the beginning of its id, a Message-ID (the newest with it), `last` or `last-held`.

        None if there is none; raises NotFound if the beginning fits more than one.
        """

    def seen(self, ref: str, sight: Sight) -> MailRow | None:
        """Find a mail as `find_mail` does among those of a sight: what lies outside is not there.

        Raises NotFound too for the beginning of an id that is too short, unless all is seen.
        """

    def mail(self, ref: str) -> MailRow:
        """Find a mail as `find_mail` does. Raises NotFound if there is none."""

    def mails(self, query: str = "", limit: int = 100, zone: tzinfo = UTC) -> list[MailRow]:
        """List the mails that a query finds, newest first; its days are those of a zone.

        Raises Unclear for a query that means nothing.
        """

    def search(
        self, query: str, limit: int, *, before: int = 0, within_s: float = float("inf"), zone: tzinfo = UTC,
        sight: Sight = ALL,
    ) -> Searched:  # fmt: skip
        """Search mails as `mails` does, those before a row of the ledger, and no longer than so many seconds."""

    def facets(
        self, query: str = "", *, sight: Sight = ALL, since: datetime | None = None, zone: tzinfo = UTC
    ) -> figures.Facets | None:  # fmt: skip
        """Count what the decided mails of a query have in common, those that came since then.

        None where counts cannot tell which mails fit: a query of other words than outcome, code, mailbox, workspace,
        times, and `by` with a kind or with a value of such a facet. Raises Unclear.
        """

    def mails_of(self, sender: str, limit: int, *, sight: Sight = ALL) -> list[MailRow]:
        """List the decided mails from an address, written as it is compared, newest first."""

    def held(
        self, workspace: str = "", limit: int = 10_000, query: str = "", zone: tzinfo = UTC, *, sight: Sight = ALL,
        after: int = 0,
    ) -> list[MailRow]:  # fmt: skip
        """List what waits for a person, held or quarantined, oldest first; of a query as `mails`.

        `after` goes on behind a row. Raises Unclear.
        """

    def held_by_code(
        self, most: int, query: str = "", zone: tzinfo = UTC, *, sight: Sight = ALL
    ) -> list[tuple[str, int, list[MailRow]]]:
        """List the codes for which mails are held, each with how many and the `most` oldest of them; most mails first.

        Raises Unclear.
        """

    def waiting(self, limit: int = 10_000, *, sight: Sight = ALL) -> list[MailRow]:
        """List mails that wait to be decided again, the oldest first."""

    def oldest(self, *, sight: Sight = ALL) -> datetime | None:
        """When the first mail of the ledger came in; None while there is none."""

    def receipts(self, mail: str) -> list[Receipt]:
        """Give the receipts of a mail, one for each generation that ended."""

    def trace(self, mail: str, generation: int | None = None) -> bytes | None:
        """Give the stored trace of a mail's newest (or that) generation; None if there is none any more."""

    def raw(self, mail: str) -> RawMail | None:
        """Give the bytes of a mail as they came; None if they were purged. Raises NotFound for an unknown id."""

    def stored_mails(
        self, since: datetime, until: datetime | None = None, *, sight: Sight = ALL, told: Told = nobody
    ) -> Iterator[StoredMail]:
        """Go through the decided mails of a time whose bytes are still there, oldest first, one at a time in memory.

        `told` hears before each and at the end how many are done, of how many.
        """

    # ── keeping ───────────────────────────────────────────────────────────────────────────────────────────────

    def keep_text(self, digest: str, text: str) -> None:
        """Keep the text of a rule file by its hash: what traces are told with."""

    def text(self, digest: str) -> str:
        """Give a kept text, "" if there is none."""

    def prune(
        self, now: datetime, keep: float, keep_trace: float, keep_outbox: float | None = None, told: Told = nobody
    ) -> Pruned:
        """Let go of bytes older than `keep` seconds and traces older than `keep_trace` seconds.

        Attachments and HTML bodies that items show are given bytes of their own first.
        """

    def purge(self, mail: str) -> None:
        """Erase a mail: bytes, addresses, subject and trace; its digest, receipt and what it made stay.

        Raises NotFound, and Refused for a mail that waits for somebody or whose mailbox action is not done.
        """

    def not_to_purge(self, mail: str) -> str:
        """Say why a mail cannot be purged now, "" if it can be. Raises NotFound."""

    def forget(
        self, address: str, by: str, separators: str = "", names: Sequence[str] = (), reason: str = "", via: str = "cli"
    ) -> Forgotten:  # fmt: skip
        """Erase a person: address, names and words in mails, items, comments, posts, the outbox and the account.

        Numbers, times, codes and digests stay. `names` are further names, which are looked for where the person took
        part. The event that stays has the `reason`, without them. Raises Refused while a mail of theirs waits or is to
        be moved, and for an item labelled `legal-hold`.
        """

    def wipe(self, *, anew: bool = False) -> None:
        """Take what was erased out of the log of the database, too; with `anew` the whole file is written again.

        Outside a transaction. Raises Busy while others work on the database, StoreError.
        """

    def recount(self, told: Told = nobody) -> Recounted:
        """Count anew what became of mails, who wrote them and which rules matched, from receipts and kept traces.

        `told` hears of how many rows of how many. Raises Busy where others write for too long.
        """

    def backup(self, target: Path, files: Mapping[str, Path] | None = None, told: Told = nobody) -> Backup:
        """Write a consistent copy of the database while others work on it, and `files` by their names into it.

        Raises StoreError, and Refused for a file that exists.
        """


class Figures(Protocol):
    """How an installation stands."""

    def now(self, at: datetime, give_up_s: float) -> figures.Figures:
        """Give the figures of a moment; `give_up_s` is how long a mail is tried until it has failed."""

    def staff(self, at: datetime) -> figures.Staff | None:
        """Tell who works here and what waits for them; None where there are no workers."""

    def pulses(self, at: datetime) -> list[figures.Pulse]:
        """Give how every mailbox fares and how often mail comes, by name."""

    def held(self, sight: Sight, most: int) -> int:
        """Count the held and quarantined mails that are seen; `most` where there are as many or more.

        Costs no more where many others are held. Of more than 200 mails that wait to be decided some may still be
        counted that were held before.
        """

    def letters(self, sight: ItemSight, most: int) -> int:
        """Count the letters that are held or failed, about items that are seen; `most` where there are as many or more.

        For who does not see all it is looked among the newest 1,000 that are held and as many that failed.
        """

    def counted(self, since: tuple[int, int] | None) -> figures.Counted:
        """Count what was added since a mark; nothing where there is none, or the database is an older one."""


class Counting(Protocol):
    """What happened in a time."""

    def begins(self, by: str, since: datetime) -> datetime:
        """Tell from when mails are counted that are asked for by a key since then: what is counted is not torn."""

    def mails(self, by: str, since: datetime, zone: tzinfo, *, sight: Sight = ALL) -> list[figures.Passed]:
        """Count the decided mails that came since then by a key: a word of `BY_MAIL`. Hours and days are of a zone.

        How long it took is told of the first decision of mail that came after its mailbox was first read.
        """

    def hits(self, since: datetime) -> list[figures.Hits]:
        """In how many decisions about mail of since the beginning of that day (UTC) each rule matched."""

    def first_day(self, *, sight: Sight = ALL) -> datetime | None:
        """The day on which the oldest mail came that is counted, None where there is none."""

    def events(self, since: datetime) -> dict[str, int]:
        """How often what happened since then, by the name of the event."""

    def whys(self, since: datetime) -> dict[str, int]:
        """How many rows of the outbox were not sent on purpose since then, by why not."""

    def sent(self, since: datetime) -> tuple[int, int]:
        """How many rows that were made since then were sent, and how many were not on purpose."""


class Series(Protocol):
    """What pictures are drawn of. Keys are columns of what was counted: mailbox, workspace, outcome, code, by_kind,
    by_name.
    """

    def alike(self, keys: Sequence[str], since: datetime, *, sight: Sight = ALL) -> dict[tuple[str, ...], int]:
        """Count the decided mails that came since the beginning of that quarter of an hour, by these keys together."""

    def timed(
        self, keys: Sequence[str], since: datetime, span: figures.Span, *, sight: Sight = ALL
    ) -> list[figures.Timed]:  # fmt: skip
        """Count them for each quarter of an hour or each day in UTC, from the one in which that time lies."""

    def lags(self, since: datetime, *, sight: Sight = ALL) -> dict[datetime, list[tuple[int, int]]]:
        """Tell of each day in UTC in which mail came, from that of this time on, how long its first decisions took.

        Each is a class (`figures.class_of`) with how many took so long; what lay there before we came is left out.
        """

    def measures(self, what: str, since: datetime) -> list[figures.Measure]:
        """Count what was measured in decisions since the beginning of that day in UTC, by what of and power of two."""

    def answers(self, begins: Sequence[datetime], *, sight: ItemSight = EVERY_ITEM) -> list[list[tuple[int, int]]]:
        """Tell how long items waited that were answered for the first time in these times, each up to the next begin.

        They begin with days in UTC; the last one goes on until now. What is told is a class (`figures.class_of`) with
        how many took so long, in workspaces whose items are seen. Nothing is counted of private items, of those that
        no mail opened, and of mail that lay there before we came.
        """

    def rules(self, since: datetime) -> list[tuple[datetime, figures.RuleHit, int]]:
        """In how many decisions each rule matched on each day in UTC, from the one in which that time lies."""

    def domains(self, since: datetime, most: int) -> list[figures.Domain]:
        """Count all mail of the domains from which something came since then, those first that most came from."""

    def newcomers(self, since: datetime) -> dict[datetime, tuple[int, int]]:
        """Count who wrote for the first time since then, by days in UTC: who has an account here, and who has none."""

    def letters(
        self, since: datetime, span: figures.Span, *, sight: ItemSight = EVERY_ITEM
    ) -> tuple[list[figures.Timed], bool]:  # fmt: skip
        """Count the rows of the outbox that were made since then, by state and class, by quarters of an hour or days.

        Only the newest are looked at; tells whether some of that time were left out.
        """
