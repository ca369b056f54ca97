"""Stored mail decided again: for explain, replay, and the question "what would these rules have done?".

Here: how a stored mail meets the pipeline a second time. Not here: printing (`told.py`), committing (`run/process.py`).
Invariant: answers come from the recording where the question stands there, else from the store of today; which ones
were asked anew is told. Nothing is kept.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec.structs import replace

from engine.decision.case import Case
from engine.explain.explained import Explained, IfReleased
from engine.model import trace as traces
from engine.model.draft import PASSED, Note, Verdict
from engine.model.extra import ExtraError
from engine.model.facts import Release
from engine.model.known import strange
from engine.model.mail import Mail, RawMail
from engine.model.plan import Outcome
from engine.model.reasons import PARENT_WAITS
from engine.model.stored import BROKEN, PAUSED
from engine.run.engine import Engine
from engine.store.clock import now as utc_now

if TYPE_CHECKING:
    from engine.config import Config
    from engine.decision.pipeline import Decision
    from engine.model.stored import MailRow, OutboxLine
    from engine.model.trace import Trace
    from rules.explain import Leaves


def parse_stored(config: Config, raw: RawMail) -> Mail:
    """Parse a mail that is already ours, with the limits of today."""
    from engine.mail.parse import parse

    return parse(raw, config.settings("").limits)


def decide_again(
    engine: Engine,
    raw: RawMail,
    stored: Trace | None = None,
    *,
    mail: str = "",
    release: Release | None = None,
    beyond: bool = False,
    until: str = "",
) -> Decision:
    """Decide about a mail that was decided before; `stored` is the trace whose answers count."""
    recorded = traces.recording(stored) if stored is not None else None
    case = Case(raw, engine.look(raw, mail, recorded), release)
    engine.pipeline.decide([case], beyond=beyond, until=until)
    return case.decision


def explain_stored(engine: Engine, row: MailRow, *, anew: str = "", every_rule: bool = False) -> Explained:
    """What became of a stored mail.

    `anew` decides it again with the rules the engine has now, from the answers of then; it says which those are. What
    broke the machine is not tried here, and what was decided is not decided again only to be told.
    """
    trace, unread = _readable(engine.store.archive.trace(row.mail))
    raw = engine.store.archive.raw(row.mail)
    waits = row.outcome == Outcome.DEFERRED.value
    decision = None
    pauses = row.code in (PAUSED, BROKEN, PARENT_WAITS)  # then a run decides something else than would be seen here
    if raw is not None and (anew or (waits and not pauses and not row.attempts)):
        decision = decide_again(engine, raw, trace if anew else None, mail=row.mail)
        trace, unread = decision.trace, ()
    elif waits:
        trace, unread = None, ()
    leaves = _leaves(engine, raw, trace, row.mail) if every_rule and raw is not None else {}
    known = replace(
        _known(engine, row), trace=trace, unread=unread, erased=raw is None, waits=waits and not anew,
        until=_until(row) if waits else None, leaves=leaves,
    )  # fmt: skip
    if decision is not None:
        known = _decided(known, decision, anew)
    elif raw is not None and trace is not None and row.state == "held":
        known = replace(known, released=_if_released(engine, raw, row.mail))
    return known


def _known(engine: Engine, row: MailRow) -> Explained:
    """What the rows tell of a stored mail, without its trace."""
    receipts = engine.store.archive.receipts(row.mail)
    return Explained(
        zone=engine.config.instance.timezone,
        mail=row.mail,
        subject=row.subject,
        sender=row.sender,
        sent_to=row.recipients,
        received_at=row.received_at,
        outcome=Outcome(row.outcome),
        code=row.code,
        because=row.because,
        by=row.by,
        mailbox=row.mailbox,
        trace=None,
        size_bytes=row.size_bytes,
        key=row.key,
        item=row.item,
        topic=row.topic,
        workspace=row.workspace,
        before=tuple(each.outcome.value for each in receipts if each.generation != row.generation),
        attempts=row.attempts,
        fault=row.error,
        erased_at=row.erased_at,
        purged=row.purged_at is not None,
        hearers=tuple(engine.store.outbox.told(row.mail)),
    )


def _until(row: MailRow) -> datetime | None:
    """When a mail that waits is due, None if the next pass takes it."""
    return row.waits_until if row.waits_until is not None and row.waits_until > utc_now() else None


def _decided(known: Explained, decision: Decision, anew: str) -> Explained:
    """Tell what a decision of just now comes to, in place of what is stored."""
    plan = decision.plan
    return replace(
        known,
        outcome=known.outcome if known.waits else plan.outcome,
        would=plan.outcome if known.waits else None,
        code=plan.disposition.code,
        because=plan.disposition.because,
        by=plan.disposition.by,
        item=plan.item,
        topic=0,
        workspace=plan.workspace,
        fault="",
        anew=anew,
        asked_anew=tuple(dict.fromkeys(question.stored_as for question in decision.look.asked_anew)) if anew else (),
    )


def explain_bytes(engine: Engine, raw: RawMail, name: str, every_rule: bool = False) -> Explained:
    """Decide about bytes that are in no store, keep nothing, and tell."""
    decision = decide_again(engine, raw)
    mail, plan = decision.mail, decision.plan
    held = plan.disposition.verdict is Verdict.HOLD
    return Explained(
        zone=engine.config.instance.timezone,
        mail=name,
        subject=mail.subject,
        sender=decision.facts.sender.address.address,
        sent_to=", ".join(address.address for address in mail.to[:3]),
        received_at=raw.received_at,
        outcome=plan.outcome,
        code=plan.disposition.code,
        because=plan.disposition.because,
        by=plan.disposition.by,
        mailbox=raw.origin.mailbox,
        trace=decision.trace,
        size_bytes=len(raw.content),
        item=plan.item,
        workspace=plan.workspace,
        released=_if_released(engine, raw, "") if held else None,
        stored=False,
        leaves=_leaves(engine, raw, decision.trace, "") if every_rule else {},
        hearers=_would_hear(engine, raw, decision),
    )


def _would_hear(engine: Engine, raw: RawMail, decision: Decision) -> tuple[OutboxLine, ...]:
    """Commit what was decided, look who would be told, and take it back."""
    store, plan = engine.store, decision.plan
    if plan.disposition.verdict is Verdict.DEFER:
        return ()
    with store.rehearsal():
        (spooled,) = store.ledger.spool([raw], store.owner)
        if spooled.seen_before:
            return ()
        store.commit(spooled, decision.mail, decision.facts, plan, b"{}", "keep", "", engine.teller)
        return tuple(store.outbox.told(spooled.mail))


def _if_released(engine: Engine, raw: RawMail, mail: str) -> IfReleased:
    """Decide as a release would, with the answers of now; where a word of the host breaks, that is what would."""
    try:
        decision = decide_again(engine, raw, mail=mail, release=Release("you"))
    except ExtraError as broken:
        return IfReleased(Outcome.ERROR, str(broken), "route")
    plan, stages = decision.plan, decision.trace.stages
    notes = (note for stage in stages for note in stage.notes if note.kind == PASSED)
    passed = tuple(what for note in notes if isinstance(what := note.field("what"), Note))
    return IfReleased(plan.outcome, plan.disposition.because, stages[-1].name, passed)


def _leaves(engine: Engine, raw: RawMail, trace: Trace | None, mail: str) -> dict[str, Leaves]:
    """Ask every condition of the rule files that are in force still as they were then, about the mail as it was."""
    from rules.explain import opened

    if trace is None:
        return {}
    read = {file.digest for file in trace.rules}
    decision = decide_again(engine, raw, trace, mail=mail)
    book = engine.book
    values = book.vocabulary.values(decision.mail, decision.facts)
    return {file.digest: opened(file, values) for file in book.rules.files.values() if file.digest in read}


def changed(engine: Engine, other: Engine, mails: Iterator[Any]) -> Iterator[tuple[str, Decision, Decision]]:
    """Decide stored mails under two configurations or rule sets; gives the mail id and both decisions."""
    for row in mails:
        trace, _ = _readable(engine.store.archive.trace(row.mail))
        yield (
            row.mail,
            decide_again(engine, row.raw, trace, mail=row.mail),
            decide_again(other, row.raw, trace, mail=row.mail),
        )


def from_file(path: Path | None, content: bytes, mailbox: str, now: Any) -> RawMail:
    """Bytes from a file or standard input, as if they had come to a mailbox."""
    import hashlib

    from engine.model.mail import Origin

    digest = hashlib.sha256(content).hexdigest()
    return RawMail(content, Origin(mailbox, str(path or "-"), len(content)), now, digest)


def _readable(stored: bytes | None) -> tuple[Trace | None, tuple[str, ...]]:
    """A stored trace, and what is not understood of it because another release wrote it: perhaps all."""
    if stored is None:
        return None, ()
    try:
        trace, unread = traces.understood(stored)
    except msgspec.DecodeError:
        return None, ("all of it",)
    return trace, (*unread, *strange(trace))
