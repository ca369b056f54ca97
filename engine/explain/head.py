"""The first lines of an explanation: which mail, what became of it, why, and who said so.

Here: those lines. Not here: what stands below them (`told.py`).
Invariant: a mail that is not decided is never told as if it were.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from engine.decision.pipeline import ORDER
from engine.explain.stages import printable
from engine.model.draft import Decider, Verdict, Who
from engine.model.plan import Outcome

if TYPE_CHECKING:
    from engine.explain.explained import Explained
    from engine.model.trace import Trace


def head(this: Explained, width: int) -> Iterator[str]:
    """Say which mail it is, what became of it, why, and who decided."""
    when = f"{this.local(this.received_at):%a %d %b %Y %H:%M %Z}"
    subject = f'"{this.subject}"' if this.subject.strip() else "(purged)" if this.purged else "(no subject)"
    first, second = f"{this.mail}  {subject}", f"{this.sender or '(nobody)'} → {this.sent_to or '(nobody)'}   {when}"
    if len(first) + len(second) + 3 > width:
        yield printable(first)
        yield printable(f"  {second}")
    else:
        yield printable(f"{first}   {second}")
    yield ""
    if this.waits:
        yield from _waiting(this)
    else:
        yield from _verdict_lines(this)
    if this.fault.strip():
        yield printable(f" fault    {this.fault.strip().splitlines()[-1]}")


def _waiting(this: Explained) -> Iterator[str]:
    """A mail that is not decided, or not finally: why it waits, or what would become of it."""
    until = f" until {this.local(this.until):%Y-%m-%d %H:%M %Z}" if this.until is not None else ""
    if this.would is None:
        yield printable(f" {this.outcome.upper()}  it waits{until}" + (f"   code {this.code}" if this.code else ""))
        if this.because:
            yield printable(f" because  {this.because}")
    else:
        yield f" {this.outcome.upper()}  it waits{until or ' for the next run'}"
        yield printable(f" now      it would be {_past(this.would)} ({this.code}): {this.because}")


def _past(outcome: Outcome) -> str:
    words = {Outcome.COMMENT: "a comment", Outcome.NOTE: "a note", Outcome.DUPLICATE: "a duplicate"}
    return words.get(outcome, outcome.value)


def _verdict_lines(this: Explained) -> Iterator[str]:
    """What became of it, why, by whom."""
    trace = this.trace
    by_person = this.by.kind == Who.PERSON
    said = f" {this.outcome.upper()}{_target(this)}"
    if trace is not None and trace.stages and not by_person:
        said += f"  in {trace.us / 1000:.0f} ms" if trace.us >= 10_000 else f"  in {trace.us / 1000:.1f} ms"
        if trace.disposition.verdict is not Verdict.ACCEPT:
            stage = trace.stages[-1].name
            said += f", stage {ORDER.index(stage) + 1} of {len(ORDER)} ({stage})" if stage in ORDER else ""
    yield printable(said + (f"   code {this.code}" if this.code else ""))
    if this.because:
        yield printable(f" because  {this.because}")
    if this.by.kind != Who.ENGINE:
        yield printable(f" by       {_by(this.by, trace)}")
    if by_person and trace is not None:
        then = trace.disposition
        yield printable(f" before   {_verdict(then.verdict)}: {then.because}   ({_by(then.by, trace)})")


def _target(this: Explained) -> str:
    """What was made or changed, as people write it."""
    if not this.item and not this.topic:
        return ""
    return f"  {this.workspace} " + (f"topic {this.topic}" if this.topic else f"#{this.item}")


def _verdict(verdict: Verdict) -> str:
    return {Verdict.ACCEPT: "accepted", Verdict.HOLD: "held", Verdict.REJECT: "rejected"}.get(verdict, f"{verdict}ed")


def _by(by: Decider, trace: Trace | None) -> str:
    """Name who decided, a rule with its number and its place."""
    place = f"   {by.file}:{by.line}" if by.file and by.line else f"   {by.file}" if by.file else ""
    if by.kind != Who.RULE:
        return f"{by.name}, a person" if by.kind == Who.PERSON else f"{by.kind} {by.name}{place}"
    ended = next((file.ended for file in trace.rules if file.file == by.file and file.ended), 0) if trace else 0
    return f'rule {f"{ended} " if ended else ""}"{by.name}"{place}'
