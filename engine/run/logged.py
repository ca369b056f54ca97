"""What a pass writes into the log: a line a mail, what scripts say and what looks like an attack, mailboxes that fail.

Here: from results and reports to lines. Not here: the file (`engine/log.py`), which is only asked where something is
logged. Invariant: a line is written after the transaction that it tells of.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from engine.log import Entry, write
from engine.model.plan import CameBack, Outcome

if TYPE_CHECKING:
    from engine.config import Config
    from engine.run.engine import Engine
    from engine.run.report import MailboxReport
    from engine.run.taking_up import Result

_LEVELS = {Outcome.ERROR: "error", Outcome.DEFERRED: "warning"}

_ATTACKS = {"hook.attack": "a script attacked the sandbox and is switched off"}
"""Reasons that are a matter of security, in words."""

_SUSPICIOUS = {"target.unsigned": "a reply token is not signed by us"}
"""Notes that are."""

_STATES = {"failed": "error", "ok": "debug"}


def mails(engine: Engine, results: Sequence[Result]) -> None:
    """Log what became of the mails of a batch; what is taken back is only shown to who wants to see it."""
    if engine.config.logs and results:
        entries = [entry for result in results for entry in _of_mail(result)]
        write(engine.config, entries, kept=not engine.store.is_rehearsing)


def _of_mail(result: Result) -> Iterator[Entry]:
    decision, receipt = result.decision, result.receipt
    mail, mailbox = result.spooled.mail, result.spooled.raw.origin.mailbox
    item = receipt.item if receipt is not None else 0
    sender = decision.facts.sender.address.address if decision is not None else ""
    reason = f"{result.code}: {result.because}" if result.code else result.because
    said = ", ".join(filter(None, (f"from {sender}" if sender else "", reason)))
    ms = decision.trace.us / 1000 if decision is not None else 0.0
    level = _LEVELS.get(result.outcome, "info")
    yield Entry(level, f"mail.{result.outcome}", said, item, mail, mailbox, ms)
    if result.fault:
        yield Entry("debug", "mail.fault", result.fault[-2000:].replace("\n", " | "), 0, mail, mailbox)
    if result.code in _ATTACKS:
        yield Entry("error", "security.attack", f"{_ATTACKS[result.code]}: {result.because}", 0, mail, mailbox)
    if decision is None:
        return
    for note in (note for stage in decision.trace.stages for note in stage.notes):
        if note.kind == "scripts.log":
            yield Entry("info", "scripts.log", str(note.field("line")), item, mail, mailbox)
        elif note.kind in _SUSPICIOUS:
            yield Entry("warning", "security.token", f"{_SUSPICIOUS[note.kind]}, {said}", item, mail, mailbox)
    for effect in decision.plan.effects if receipt is not None else ():
        if isinstance(effect, CameBack):
            back = f"{effect.message_id} {effect.status} {effect.diagnostic}"
            yield Entry("warning", "outbox.bounced", back, item, mail, mailbox)


def mailbox(config: Config, report: MailboxReport) -> None:
    """Log how a visit to a mailbox went."""
    said = report.sentence or f"{report.new} new, {report.seen_before} seen before, {len(report.lines)} decided"
    visited = Entry(_STATES.get(report.state, "info"), f"mailbox.{report.state}", said, mailbox=report.name)
    write(config, [visited, *(Entry("warning", "mailbox.note", note, mailbox=report.name) for note in report.notes)])
