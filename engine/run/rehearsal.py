"""A pass that is taken back: everything is decided, nothing is kept, and the servers hear nothing.

Here: `rehearse`, and which keys a pass would read. Not here: a pass that counts (`passing.py`).
Invariant: the same spool, decide and commit run as in a pass, in one transaction that is rolled back at the end.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from engine.run.report import MailboxReport
from engine.store.clock import now as utc_now

if TYPE_CHECKING:
    from engine.config import Mailbox
    from engine.model.mail import RawMail
    from engine.run.engine import Engine
    from engine.sources.source import Source
    from engine.store.store import Store

REHEARSAL_BYTES = 200_000_000
"""The most a dry run holds in memory."""


def rehearse(
    engine: Engine, mailboxes: Iterable[Mailbox], limit: int = 0, now: Callable[[], datetime] = utc_now, since: str = ""
) -> list[MailboxReport]:
    """Do all of a pass and take it back: the servers hear nothing, the store keeps nothing, nothing is sent.

    The same spool, decide and commit run inside one transaction that is rolled back at the end, so that what comes of
    a mail counts for those behind it, whatever mailbox they are in. Nothing is remembered of scripts.
    """
    from engine.sources.source import SourceError

    fetched: list[tuple[Mailbox, MailboxReport, list[RawMail]]] = []
    left = REHEARSAL_BYTES
    for mailbox in mailboxes:
        report = MailboxReport(mailbox.name, mailbox.place)
        raws: list[RawMail] = []
        try:
            raws = _fetched(engine, mailbox, report, limit, now, left, since)
        except SourceError as error:
            report.state, report.code, report.sentence = "failed", error.code, error.sentence
        left -= sum(len(raw.content) for raw in raws)
        fetched.append((mailbox, report, raws))
    with engine.store.rehearsal():
        for mailbox, report, raws in fetched:
            _rehearse(engine, mailbox, report, raws, now())
    return [report for _, report, _ in fetched]


def _rehearse(engine: Engine, mailbox: Mailbox, report: MailboxReport, raws: list[RawMail], now: datetime) -> None:
    from engine.run.line import line_of
    from engine.run.process import process
    from engine.run.taking_up import BATCH

    ledger = engine.store.ledger
    for start in range(0, len(raws), BATCH):
        spooled = ledger.spool(raws[start : start + BATCH], "rehearsal")
        report.new += len(spooled)
        unseen = [each for each in spooled if not each.seen_before]
        report.lines += [line_of(result) for result in process(engine, unseen, now)]
    report.waiting = engine.store.queue.waiting(mailbox.name)


def unknown(store: Store, mailbox: Mailbox, source: Source, keys: Sequence[str]) -> Sequence[str]:
    """Give the keys that a pass would read: all of them where it would find that the numbers began anew."""
    from engine.sources.source import account_of

    epoch = source.epoch(), source.uidnext, account_of(mailbox)
    with store.rehearsal():
        store.mailboxes.begin_epoch(mailbox.name, *epoch)
        return store.mailboxes.unknown_keys(mailbox.name, keys)


def _fetched(
    engine: Engine, mailbox: Mailbox, report: MailboxReport, limit: int, now: Callable[[], datetime], most_bytes: int,
    since: str,
) -> list[RawMail]:  # fmt: skip
    """Read what is new, as far as memory should hold it; nothing where nothing is read from. Raises SourceError."""
    from engine.run.since import part, since_of
    from engine.sources import KINDS, open_source
    from engine.sources.handed import Handed

    if mailbox.protocol not in KINDS:
        return []
    raws: list[RawMail] = []
    limits, size = engine.config.settings("").limits, 0
    with open_source(mailbox, limits, now) as source:
        listed, start = source.list(), since_of(engine.config, engine.store, mailbox, since, now())
        new = unknown(engine.store, mailbox, source, [each.key for each in listed])
        parted = part(engine.store, source, mailbox, listed, new, start)
        report.left(parted.left)
        asked, handed = parted.fresh[: limit or mailbox.max_emails], Handed(source, mailbox)
        for raw in handed.fetch(asked, limits):
            raws.append(raw)
            size += len(raw.content)
            if size > most_bytes:
                most = REHEARSAL_BYTES // 10**6
                report.sentence = f"stopped after {len(raws)} mails: a dry run reads {most} MB at most"
                return raws
        report.missed(handed.withheld(asked))
    return raws
