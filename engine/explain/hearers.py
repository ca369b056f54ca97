"""Who was told, or would be, and who was not and why: the rows of the outbox for people.

Here: their lines, and one as data. Not here: finding them (`store/outbox.py`), the reasons in words (`wording/why.py`).
Invariant: everybody who was considered stands there; a row tells what became of it until now.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from engine.model.addresses import key_of
from engine.model.events import Kind, Part, Why
from engine.plain_text import printable
from engine.wording.why import why_not

if TYPE_CHECKING:
    from engine.model.stored import OutboxLine

Local = Callable[[datetime], datetime]

STATES = {
    "queued": "waits to be sent", "sending": "is being sent", "unknown": "may have been sent", "failed": "failed",
    "bounced": "came back", "held": "held for a person", "dropped": "dropped",
}  # fmt: skip
"""States in words, but for sent, suppressed and digest, which say more."""

_PARTS = {part.value.replace(" ", "-"): part.value for part in Part}


def lines(rows: Sequence[OutboxLine], local: Local, width: int) -> Iterator[str]:
    """Lay out rows: who, what, what became of it; a line each, the last column cut at `width`."""
    table = [(who(row), what(row), became(row, local)) for row in rows]
    broad = [min(max((len(each[column]) for each in table), default=0), most) for column, most in ((0, 34), (1, 40))]
    for name, said, state in table:
        line = f"   {name:<{broad[0]}}   {said:<{broad[1]}}   {state}" if said else f"   {name:<{broad[0]}}   {state}"
        yield "   " + printable(line)[: max(width, 60) - 3]


def who(row: OutboxLine) -> str:
    """Name a person: by login where they work here, else by address; a program by its name."""
    if row.kind is Kind.WEBHOOK:
        return f"webhook {row.to}"
    return (row.login if row.inside and row.login else row.to) or "(nobody)"


def what(row: OutboxLine) -> str:
    """What goes to them: the answer by its template, a person's words, or the event and the part they have in it."""
    if row.state == "suppressed":
        return ""
    if row.kind is Kind.AUTO:
        return f"{row.template} (automatic)"
    if row.kind is Kind.ANSWER:
        return "answer"
    event = row.event.partition(".")[2]
    part = _PARTS.get(row.parts[0], row.parts[0]) if row.parts else ""
    return f"{event}, as {part}" if part and row.kind is Kind.NOTICE else event


def became(row: OutboxLine, local: Local) -> str:
    """What became of it until now."""
    if row.state == "suppressed":
        return f"not told: {why_not(Why(row.why), row.said)}"
    if row.state == "digest" or row.sent_in:
        return along(row, local)
    if row.state == "sent":
        return f"sent {local(row.tried_at):%Y-%m-%d %H:%M}" if row.tried_at is not None else "sent"
    said = STATES.get(row.state, row.state)
    reason = why_not(Why(row.why), row.said) if row.why else row.said
    return f"{said}: {reason}" if reason else said


def along(row: OutboxLine, local: Local, now: datetime | None = None) -> str:
    """What became of a row that goes along with others: when it goes, or in which row it went."""
    reason = f": {why_not(Why(row.why), row.said)}" if row.why else ""
    if row.sent_in:
        state = STATES.get(row.state, row.state)
        return f"sent in {row.sent_in}" if row.state == "sent" else f"goes in {row.sent_in}, which {state}"
    if row.waits_until is None:
        return f"goes with the next digest{reason}"
    at, today = local(row.waits_until), local(now or datetime.now(UTC))
    slot = f"{at:%H:%M}" if at - today < timedelta(days=1) else f"{at:%H:%M on %Y-%m-%d}"
    return f"goes with the {'reports' if row.template == 'report' else 'digest'} at {slot}{reason}"


def of(rows: Sequence[OutboxLine], person: str) -> list[OutboxLine]:
    """Give the rows of one person, by login, address or name."""
    key = key_of(person.strip())
    return [row for row in rows if key in (row.login.casefold(), key_of(row.to), row.name.casefold())]


def as_json(row: OutboxLine) -> dict[str, Any]:
    """A row as `allegra.told/1`: `sent_at` when it went out, `goes_at` when a digest takes it along."""
    sent = row.tried_at if row.state == "sent" else None
    goes = row.waits_until if row.state == "digest" else None
    return {
        "who": who(row),
        "address": "" if row.kind is Kind.WEBHOOK else row.to,
        "inside": row.inside,
        "roles": [_PARTS.get(part, part) for part in row.parts],
        "event": row.event,
        "class": row.kind.value,
        "state": row.state,
        "why": row.why or None,
        "said": why_not(Why(row.why), row.said) if row.why else row.said or None,
        "template": row.template or None,
        "sent_at": sent.isoformat() if sent is not None else None,
        "goes_at": goes.isoformat() if goes is not None else None,
        "outbox": row.id,
        "sent_in": row.sent_in or None,
    }
