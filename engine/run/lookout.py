"""One mailbox under watch: whether its session stands, rests or is being opened, and when it is to be visited.

Here: `Lookout`, and opening a session in a thread of its own. Not here: the loop over all of them (`watch.py`), the
session (`sources/imap_idle.py`), the visit (`visit.py`).
Invariant: a server that hangs while a session is opened keeps nobody waiting; one that rings without end, or breaks
every rest, is asked more and more rarely.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from time import monotonic
from types import TracebackType
from typing import TYPE_CHECKING

from engine.sources import HERE, KINDS
from engine.sources.source import SourceError

if TYPE_CHECKING:
    from engine.config import Mailbox
    from engine.run.report import MailboxReport
    from engine.sources.imap_idle import Bell, Kept
    from engine.sources.source import Limits, Source

GAP_S, LONGEST_GAP_S = 0.5, 60.0
"""The least time between two visits; it doubles with each visit that a bell asked for and that found nothing."""

SOON_S = 15.0
"""A visit that failed for the first time is tried again after about so long."""

BUSY_S = 2.0
"""Another run is at work there: it reads what came, and what comes behind it is looked for soon."""

PAUSED_S = 60.0
"""How often it is looked whether a mailbox that is paused or waits may be read again; that asks no server."""

BROKE_S, LONGEST_BREAK_S = 5.0, 900.0
"""A rest that broke early is begun again after so long, and doubles; polling goes on meanwhile."""

SOUND_S = 240.0
"""A rest that lasted so long was sound."""


class Opened:
    """What came of opening a session: entering it gives the source, or raises why there is none."""

    def __init__(self, source: Source | None, error: SourceError | None = None) -> None:
        self.source, self.error, self.used = source, error, False

    def __enter__(self) -> Source:
        self.used = True
        if self.source is None:
            raise self.error or SourceError("source.protocol", "no session could be opened")
        return self.source.__enter__() if self.kept is not None else self.source

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.source is not None:
            self.source.__exit__(kind, error, trace)

    @property
    def kept(self) -> Kept | None:
        """The source, if its session outlives a visit."""
        from engine.sources.imap_idle import Kept

        return self.source if isinstance(self.source, Kept) else None

    def drop(self) -> None:
        """Close what nobody used, without a word."""
        if self.source is not None:
            with suppress(SourceError, OSError):
                self.source.__exit__(SourceError, None, None)


class Lookout:
    """One mailbox. It is visited when it `wants` to be and its session stands, if it needs one."""

    def __init__(self, mailbox: Mailbox) -> None:
        self.mailbox = mailbox
        self.wants, self.is_opening = True, False
        self.opened: Opened | None = None
        self.bell: Bell | None = None
        self.next_at = self.not_before = self.rest_from = self._rested_at = 0.0
        self._gap_s, self._broke_s, self._by_bell = GAP_S, 0.0, False

    @property
    def asks_a_server(self) -> bool:
        """Whether a session has to be opened, which takes as long as the server likes."""
        return self.mailbox.protocol in KINDS and self.mailbox.protocol not in HERE

    @property
    def account(self) -> object:
        """Whose login it is: the user of a host; without a user nobody else's."""
        return (self.mailbox.host.casefold(), self.mailbox.username) if self.mailbox.username else self

    @property
    def due_at(self) -> float:
        """When it has something to do by itself (monotonic)."""
        visit = max(self.not_before, 0.0 if self.wants else self.next_at)
        if self.is_opening:
            return float("inf")
        if self.bell is None or self.bell.is_awake:
            return visit
        return min(visit, self.bell.deadline) if self.bell.rests else self.bell.deadline

    # ── a session ─────────────────────────────────────────────────────────────────────────────────────────────

    def open(self, limits: Limits, now: Callable[[], datetime], done: Callable[[Lookout], None]) -> None:
        """Open a session in a thread; `done` is called there."""
        self.is_opening = True
        threading.Thread(target=self._open, args=(limits, now, done), daemon=True).start()

    def _open(self, limits: Limits, now: Callable[[], datetime], done: Callable[[Lookout], None]) -> None:
        self.opened = Opened(None)
        try:
            self.opened = Opened(self._reached(limits, now))
        except SourceError as error:
            self.opened = Opened(None, error)
        finally:
            self.is_opening = False
            done(self)

    def _reached(self, limits: Limits, now: Callable[[], datetime]) -> Source:
        from engine.sources import open_source

        if self.mailbox.protocol == "imap":
            from engine.sources.imap_idle import Kept

            return Kept(self.mailbox, limits, now).open()
        return open_source(self.mailbox, limits, now).__enter__()

    def heard(self) -> None:
        """Read what the server said at rest; a session that broke is closed."""
        bell = self.bell
        if bell is None:
            return
        try:
            bell.look()
            self._take_up(bell)
            if self.wants and monotonic() >= self.not_before:
                bell.rouse()
            if bell.is_awake and not self.wants:
                bell.rest()
                self._take_up(bell)
        except SourceError as error:
            self._broke(error)

    def _take_up(self, bell: Bell) -> None:
        """Note that the bell rang."""
        if bell.rang:
            bell.rang, self.wants, self._by_bell = False, True, True

    def rouse(self) -> None:
        """Have the rest end, because it is time to look."""
        self.wants = True
        self.heard()

    def _broke(self, error: SourceError) -> None:
        """A rest that broke is no failure of the mailbox: the next session tells whether that can be read."""
        if self.bell is not None:
            self.bell.close()
        self.bell = self.opened = None
        sound = monotonic() - self._rested_at >= SOUND_S
        self._broke_s = BROKE_S if sound else min(max(BROKE_S, 2 * self._broke_s), LONGEST_BREAK_S)
        self.rest_from = monotonic() + self._broke_s * random.uniform(0.8, 1.0)  # noqa: S311 - no secret
        if error.code == "source.no_idle":
            self.rest_from = monotonic() + 3600.0
        self.next_at = min(self.next_at, self.rest_from)

    # ── after a visit ─────────────────────────────────────────────────────────────────────────────────────────

    def visited(self, report: MailboxReport, now: datetime, *, ready: Opened | None) -> None:
        """Plan what comes next: a rest, where the session stands and the server can, and the next visit."""
        self._plan(report, now)
        self.opened = None
        if report.state == "busy" and ready is not None and ready.error is not None:
            self.opened = ready  # nobody has noted it yet
        kept = ready.kept if ready is not None else None
        if ready is not None and kept is None and not ready.used:
            ready.drop()
        if kept is None or ready is None:
            return
        rests = kept.is_open and kept.idles and self.mailbox.idle and report.state in ("ok", "busy")
        if not rests or monotonic() < self.rest_from:
            kept.session.logout() if kept.is_open and report.state == "ok" else kept.session.close()
            self.bell = None
            if rests:  # it may not rest yet
                self.next_at = min(self.next_at, max(self.rest_from, self.not_before))
            return
        from engine.sources.imap_idle import Bell

        try:
            self.bell = self.bell if self.bell is not None and self.bell.source is kept else Bell(kept)
            self._rested_at = monotonic() if self.bell.deadline == 0.0 else self._rested_at
            self.bell.rest()
            self._take_up(self.bell)
        except SourceError as error:
            self._broke(error)

    def _plan(self, report: MailboxReport, now: datetime) -> None:
        found = bool(report.new or report.lines)
        self._gap_s = GAP_S if found or not self._by_bell else min(2 * self._gap_s, LONGEST_GAP_S)
        self.wants = self._by_bell = False
        self.not_before = monotonic() + self._gap_s
        self.next_at = monotonic() + next_look_s(self.mailbox, report, now)

    def close(self) -> None:
        """Hang up."""
        if self.bell is not None:
            self.bell.close()
        if self.opened is not None:
            self.opened.drop()
        self.bell = self.opened = None


def next_look_s(mailbox: Mailbox, report: MailboxReport, now: datetime) -> float:
    """After how many seconds a mailbox is visited next, by what the last visit met."""
    wait_s = max(1.0, float(mailbox.poll))
    if report.state == "ok":
        return 0.0 if report.new >= mailbox.max_emails else wait_s * random.uniform(0.9, 1.0)  # noqa: S311 - no secret
    if report.state == "paused":
        return min(wait_s, PAUSED_S)
    if report.state == "busy":
        return BUSY_S
    if report.retry_at is not None:
        return min(max(1.0, (report.retry_at - now).total_seconds()), PAUSED_S)
    return min(wait_s, SOON_S * random.uniform(0.7, 1.0))  # noqa: S311 - no secret
