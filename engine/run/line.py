"""What became of one mail, small enough to be kept for all mails of a pass.

Here: `Line`, and how it is made of a `process.Result`, which holds the whole mail. Not here: printing (`cli/lines.py`).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from msgspec import Struct

from engine.model.desk import GROUP, TURN, Kind, Value
from engine.model.draft import Decider, Draft, Note, Who
from engine.model.facts import Way
from engine.model.plan import Outcome

if TYPE_CHECKING:
    from engine.model.trace import Trace
    from engine.run.taking_up import Result


class Line(Struct, frozen=True):
    """A mail and what became of it, as every list shows it. `broken` tells of a file that somebody has to mend."""

    mail: str
    message_id: str
    mailbox: str
    sender: str
    subject: str
    workspace: str
    outcome: Outcome
    code: str
    stage: str
    by: Decider
    because: str
    item: int
    topic: int = 0
    extra: str = ""
    ms: float = 0.0
    broken: str = ""

    @property
    def target(self) -> str:
        """What was made or changed, as people write it."""
        return f"#{self.item}" if self.item else f"topic {self.topic}" if self.topic else ""


def line_of(result: Result) -> Line:
    """Make a line of a `process.Result`."""
    decision, spooled = result.decision, result.spooled
    if decision is None:
        return Line(
            mail=spooled.mail,
            message_id="",
            mailbox=spooled.raw.origin.mailbox,
            sender="",
            subject="(could not be read)",
            workspace="",
            outcome=result.outcome,
            code=result.code,
            stage="",
            by=result.by,
            because=result.because,
            item=0,
        )
    mail, trace = decision.mail, decision.trace
    stage = trace.stages[-1].name if trace.stages else ""
    return Line(
        mail=spooled.mail,
        message_id=mail.message_id,
        mailbox=spooled.raw.origin.mailbox,
        sender=decision.facts.sender.address.address,
        subject=mail.subject,
        workspace=decision.plan.workspace,
        outcome=result.outcome,
        code=result.code,
        stage=stage,
        by=result.by,
        because=result.because,
        item=result.receipt.item if result.receipt else decision.plan.item,
        topic=_topic(decision.draft),
        extra=_extra(result),
        ms=trace.us / 1000,
        broken=_broken(trace),
    )


def _broken(trace: Trace) -> str:
    """Say which script or parameter file does not load: the mail is held for it, or its last good version ran."""
    notes = [note for stage in trace.stages for note in stage.notes if note.kind.startswith("scripts.")]
    for note in notes:
        said = inner if isinstance(inner := note.field("what"), Note) else note
        if said.kind == "scripts.outdated":
            return f"{said.field('file')}: {said.field('problem')}; its last good version runs"
        if said.kind == "scripts.compile_error":
            return f"{said.field('script')}: {said.field('message')}"
    return ""


def _topic(draft: Draft) -> int:
    return draft.item.id if draft.item is not None and draft.item.kind is Kind.TOPIC else 0


def _extra(result: Result) -> str:
    """The few words behind an outcome: labels and fields that were set, or how the item was found."""
    if result.decision is None:
        return ""
    draft, facts = result.decision.draft, result.decision.facts
    if result.outcome in (Outcome.COMMENT, Outcome.NOTE):
        found = _HOW.get(facts.thread.by, "")
        if not found and draft.thread_by:
            found = " ".join(draft.thread_by)
        if result.outcome is Outcome.NOTE:
            return re.sub(r"\s+", " ", result.because)
        return f"({found})" if found else ""
    if result.outcome is Outcome.CREATED:
        told = [
            _written(change.value) for change in draft.fields if change.by.kind in (Who.RULE, Who.HOOK) and change.value
        ]
        return " · ".join([*dict.fromkeys(told), *draft.labels])
    return ""


def _written(value: Value) -> str:
    """A value of a field as people write it: a group with an arrow, several with commas."""
    if isinstance(value, tuple):
        return ", ".join(value)
    text = str(value)
    if text.startswith(TURN):
        return f"→ {text.removeprefix(TURN)} by turn"
    return f"→ {text.removeprefix(GROUP)}" if text.startswith(GROUP) else text


_HOW = {
    Way.TOKEN: "signed reply token",
    Way.MESSAGE_ID: "Message-ID",
    Way.PLUS: "plus address",
    Way.SUBJECT: "subject marker",
    Way.CALENDAR: "invitation",
    Way.IMPORTED: "imported marker",
}
"""How an item was found, in words."""
