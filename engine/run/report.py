"""What a pass did with one mailbox, and who hears of it meanwhile.

Here: `MailboxReport`, `Sent`, `Listener`. Not here: the work (`visit.py`), printing (`cli/run.py`).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from engine.model.stored import LeftAlone, Waiting
    from engine.run.jobs import Told
    from engine.run.line import Line


class MailboxReport(Struct, eq=False):
    """What a pass did with one mailbox. `state` is ok, busy (another run has it), failed or paused.

    `notes` are sentences that somebody should read although the mailbox works; `waiting` is which mails wait after the
    pass, and why; `unsettled` says of each key why its mail could not be moved, marked or deleted, `withheld` of each
    that the server lists and does not hand out what it said. `left_alone` mails are older than `older_than`. One that
    failed is not tried again before `retry_at`, None for the next pass. `may_wait` is False where no mail of it waits,
    as whoever visited it knows.
    """

    name: str
    host: str
    state: str = "ok"
    code: str = ""
    sentence: str = ""
    new: int = 0
    seen_before: int = 0
    lines: list[Line] = []
    notes: list[str] = []
    waiting: list[Waiting] = []
    unsettled: dict[str, str] = {}
    withheld: dict[str, str] = {}
    left_alone: int = 0
    older_than: datetime | None = None
    retry_at: datetime | None = None
    may_wait: bool = True

    def fail(self, code: str, sentence: str, retry_at: datetime | None = None) -> None:
        """Say that the mailbox cannot be read, and why; before `retry_at` it is not tried again."""
        self.state, self.code, self.sentence, self.retry_at = "failed", code, sentence, retry_at

    def take(self, told: Told) -> None:
        """Take over what another process tells of the mailbox: its lines are those that were not told before."""
        self.lines += told.lines
        self.state, self.code, self.sentence = told.state, told.code, told.sentence
        self.new, self.seen_before, self.notes = told.new, told.seen_before, told.notes
        self.unsettled, self.withheld = told.unsettled, told.withheld
        self.left_alone, self.older_than, self.retry_at = told.left_alone, told.older_than, told.retry_at

    def left(self, alone: LeftAlone | None) -> None:
        """Count what is left alone because it is older than the mailbox is read from."""
        if alone is not None:
            self.left_alone, self.older_than = alone.mails, alone.since

    def missed(self, withheld: dict[str, str]) -> None:
        """Name the messages that the server lists and does not hand out."""
        from engine.sources.handed import named

        self.withheld |= withheld
        if withheld:
            many = f"{len(withheld)} messages are" if len(withheld) > 1 else "1 message is"
            self.notes.append(f"mailbox {self.name}: {many} listed but not handed out: {named(withheld)}")


class Sent(Struct, frozen=True):
    """What a pass did with the outbox: rows sent, failed or tried again later, and of unknown fate.

    `waiting` rows are left, the oldest for `oldest_s` seconds. `away` says why nothing goes out, `since` since when;
    `replaced` which templates failed, and why.
    """

    sent: int = 0
    failed: int = 0
    unknown: int = 0
    waiting: int = 0
    oldest_s: int = 0
    away: str = ""
    since: datetime | None = None
    replaced: tuple[str, ...] = ()


class Listener:
    """Hears how a pass goes on; the command line draws it. Every method does nothing here."""

    def mailbox_started(self, report: MailboxReport, new: int) -> None:
        """A mailbox was listed: `new` mails will be read."""

    def mails_done(self, report: MailboxReport, lines: Sequence[Line]) -> None:
        """A batch was committed."""

    def mailbox_done(self, report: MailboxReport) -> None:
        """A mailbox is finished, well or not."""
