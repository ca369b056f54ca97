"""What is wrong for longer than a moment: mailboxes that are away or silent, mail that waits for us, no way out.

Here: which trouble begins and ends with a pass, and which of it is an event that admins hear of. Not here: who they are
and what they read (`decision/hearing.py`, `outbox/`), how loud a command is about it (`cli/reminders.py`), what is
looked at between passes (`desk/health.py`).
Invariant: a trouble is one row as long as it lasts; of each an event tells once that it began and once that it is over;
what is short is no event.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from engine.model.reasons import WAITS_FOR_US
from engine.model.stored import BROKEN, NO_ROOM, NO_WAY_OUT, silent, stuck, unread

if TYPE_CHECKING:
    from engine.config import Config, Mailbox
    from engine.model.figures import Pulse
    from engine.model.stored import Trouble
    from engine.run.report import MailboxReport
    from engine.store.store import Store

DOWN, DOWN_FAILURES = timedelta(minutes=30), 3
"""So long, and so often in a row, is more than a server that is started anew."""


def after_pass(
    store: Store, config: Config, boxes: Iterable[Mailbox], reports: Sequence[MailboxReport], now: datetime
) -> None:
    """Note what a pass met, and tell the admins what has lasted. Raises StoreError."""
    before, pulses = store.troubles.all(), {pulse.name: pulse for pulse in store.figures.pulses(now)}
    settings = {box.name: box for box in boxes}
    with store.joining():
        _whether_room(store, config, before, reports, now)
        for report in reports:
            if report.code == NO_ROOM:
                continue
            box, pulse = settings.get(report.name), pulses.get(report.name)
            if box is None or pulse is None or report.state not in ("ok", "failed"):
                continue
            look = _Look(store, config, box, pulse, before, now)
            look.whether_away(report)
            look.whether_stuck(report)
            look.whether_silent(report)


def _whether_room(
    store: Store, config: Config, before: dict[str, Trouble], reports: Sequence[MailboxReport], now: datetime
) -> None:
    """One disk is one incident, however many mailboxes are not read for it."""
    lacking = [report for report in reports if report.code == NO_ROOM]
    trouble = before.get(NO_ROOM)
    if lacking:
        said = lacking[0].sentence.removeprefix(f"mailbox {lacking[0].name}: ")
        store.troubles.begin(NO_ROOM, said, now)
        if trouble is None:
            _happened(store, config, "disk.low", "", said, now, NO_ROOM)
    elif trouble is not None and any(report.state == "ok" for report in reports):
        store.troubles.over(NO_ROOM)
        _happened(store, config, "disk.free", "", "", trouble.since)


class _Look:
    """One mailbox after a pass."""

    def __init__(
        self, store: Store, config: Config, box: Mailbox, pulse: Pulse, before: dict[str, Trouble], now: datetime
    ) -> None:
        self._store, self._config, self._box, self._pulse, self._now = store, config, box, pulse, now
        self._before = before

    def whether_away(self, report: MailboxReport) -> None:
        name, troubles = unread(report.name), self._store.troubles
        if report.state == "failed":
            since = troubles.begin(name, report.sentence, self._now).since
            lasts = self._now - since >= DOWN and self._pulse.failures >= DOWN_FAILURES
            lasts = lasts or report.code == BROKEN  # nobody but a person ends that
            if lasts and not self._told_since("mailbox.down", since):
                self._tell("mailbox.down", report.sentence, report.code, since)
        elif (trouble := self._before.get(name)) is not None:
            troubles.over(name)
            if self._told_since("mailbox.down", trouble.since):
                self._tell("mailbox.up", "", "", trouble.since)

    def whether_stuck(self, report: MailboxReport) -> None:
        """Mail that waits for something of ours; who wrote it (of a file) and the admins hear by `mail.waits`."""
        name, ours = stuck(report.name), [each.because for each in report.waiting if each.code in WAITS_FOR_US]
        if ours:
            self._store.troubles.begin(name, ours[0], self._now)
        elif name in self._before:
            self._store.troubles.over(name)

    def whether_silent(self, report: MailboxReport) -> None:
        name, since = silent(report.name), self._pulse.silent_since(self._box.silence, self._now)
        if since is None:
            if name in self._before:
                self._store.troubles.over(name)
        elif report.state == "ok" and name not in self._before:
            self._store.troubles.begin(name, "no mail", self._now)
            self._tell("mailbox.silent", "", "", since)

    def _told_since(self, event: str, since: datetime) -> bool:
        last = self._store.ledger.last_happened(event, self._box.workspace)
        return last is not None and last >= since and not _ran_ahead(last, since, self._now)

    def _tell(self, event: str, because: str, code: str, since: datetime) -> None:
        _happened(self._store, self._config, event, self._box.workspace, because, since, code)


def _ran_ahead(told: datetime, since: datetime, now: datetime) -> bool:
    """Whether a clock that ran ahead told it: of an earlier trouble, then, not of one that began since."""
    return told > now >= since


def way_out(store: Store, config: Config, before: Trouble | None, now: datetime, *, sent: bool) -> None:
    """Tell that mail does not go out, once that has lasted, and that it does again. Raises StoreError.

    `before` is the trouble before something was sent. While nothing goes out nobody hears by mail; programs do, by
    their webhooks. Where it is told as of a time to come, by a clock that ran ahead, only the end of a trouble ends it:
    the mail that tells of it goes out, too, and would make the next one.
    """
    trouble = store.troubles.find(NO_WAY_OUT)
    down, up = (store.ledger.last_happened(event, "") for event in ("smtp.down", "smtp.up"))
    is_told = down is not None and (up is None or up < down)
    if trouble is not None and down is not None and _ran_ahead(down, trouble.since, now):
        is_told = False
    if trouble is not None and now - trouble.since >= DOWN and not is_told:
        _happened(store, config, "smtp.down", "", trouble.said, trouble.since)
    elif trouble is None and sent and is_told and down is not None and (before is not None or down <= now):
        _happened(store, config, "smtp.up", "", "", before.since if before is not None else down)


def _happened(
    store: Store, config: Config, event: str, workspace: str, because: str, since: datetime, code: str = ""
) -> None:
    from engine.decision.hearing import Hearing
    from engine.model.plan import Tell

    tell = Tell(event, because=because, code=code, report=True, since=since)
    store.ledger.happened(event, workspace, tell, Hearing(config))
