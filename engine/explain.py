"""Why: a stored (or just made) decision told to a person.

Here: the order and wording of an explanation, from the trace alone plus the texts of the rule files.
Not here: deciding (`pipeline.py`); how rules print their trees (`rules/explain.py`).
Invariant: nothing is decided while explaining; "if it were released" is the same pipeline asked to go on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

import msgspec

from engine import reasons
from engine.cli.common import printable as one_line
from engine.mail.defects import MEANINGS
from engine.model import Decider, Facts, Outcome, StageTrace, Verdict
from engine.pipeline import ORDER

if TYPE_CHECKING:
    from engine.trace import Trace

MARKS = {"ok": "✔", "warn": "!", "stop": "✋", "info": "·"}


@dataclass(frozen=True, slots=True)
class Explained:
    """A decision with what is known around it, ready to be told.

    `sent_to` are the recipients the mail names; `generation` counts from 1, a release or a replay starts the next.
    """

    mail: str
    subject: str
    sender: str
    sent_to: str
    received_at: datetime
    outcome: Outcome
    trace: Trace
    size_bytes: int = 0
    key: str = ""
    item: int = 0
    workspace: str = ""
    generation: int = 1
    attempts: int = 1
    fault: str = ""
    beyond: Trace | None = None
    stored: bool = True
    asked_anew: tuple[str, ...] = ()


Texts = Callable[[str], str]
"""Gives the text of a rule file by its hash, "" if it is not kept."""


def told(explained: Explained, texts: Texts, every_rule: bool = False, only_stage: str = "") -> list[str]:
    """Tell a decision in lines of text. `every_rule` opens every rule, `only_stage` leaves out the other stages."""
    if only_stage:
        return list(_stages(explained, texts, every_rule, only_stage))
    return [
        *_head(explained),
        "",
        *_facts(explained),
        *_stages(explained, texts, every_rule),
        *_beyond(explained),
        *_effects(explained),
        *_history(explained),
        "",
        *_what_to_do(explained),
    ]


def _head(this: Explained) -> Iterator[str]:
    trace, disposition = this.trace, this.trace.disposition
    when = this.received_at.strftime("%a %d %b %Y %H:%M UTC")
    yield printable(f'{this.mail}  "{this.subject}"   {this.sender} → {this.sent_to}   {when}')
    yield ""
    stage = _last(trace)
    number = ORDER.index(stage) + 1 if stage in ORDER else 0
    where = f", stage {number} of {len(ORDER)} ({stage})" if disposition.verdict is not Verdict.ACCEPT else ""
    outcome = this.outcome.upper()
    if this.item:
        outcome += f"  {this.workspace} #{this.item}"
    yield f" {outcome}  in {trace.us / 1000:.1f} ms{where}   code {disposition.code}"
    yield f" because  {printable(disposition.because)}"
    yield f" by       {_by(disposition.by)}"
    if this.fault:
        yield f" fault    {printable(this.fault.strip().splitlines()[-1])}"


def _by(by: Decider) -> str:
    place = f"   {by.file}:{by.line}" if by.file else ""
    name = f'"{by.name}"' if by.kind == "rule" else by.name
    return f"{by.kind} {name}{place}"


def _last(trace: Trace) -> str:
    return trace.stages[-1].name if trace.stages else ""


def _facts(this: Explained) -> Iterator[str]:
    facts = this.trace.facts
    yield f" – ✔ spool     {facts.mailbox} mailbox, {this.key or 'not stored'}, {size(this.size_bytes)}"
    for defect in this.trace.defects:
        said = defect.detail or MEANINGS.get(defect.code, "")
        yield printable(f" – · odd       {defect.code}: {said}")
    yield f" – ✔ facts     {' · '.join(_facts_said(facts))}"


def _facts_said(facts: Facts) -> Iterator[str]:
    auth = facts.authentication
    if auth.authserv_id:
        yield f"dmarc={auth.dmarc} spf={auth.spf} dkim={auth.dkim} ({auth.authserv_id})"
    else:
        yield "authentication: no results from a trusted server"
    account = facts.sender.account
    if account is not None:
        how = "" if facts.sender.matched_by == "exact" else f" by {facts.sender.matched_by}"
        yield f"sender {account.login}{how}" + ("" if account.status == "active" else f" ({account.status})")
    else:
        yield "sender unknown"
    if facts.sender.problem:
        yield facts.sender.problem
    if facts.automatic.reason:
        yield f"{facts.automatic.kind}: {facts.automatic.reason}"
    thread = facts.thread
    if thread.item is not None:
        yield f"answers {thread.item.kind} #{thread.item.id} (by {thread.by}: {thread.marker})"
    else:
        tried = f", tried {', '.join(name for name, _ in thread.tried)}" if thread.tried else ""
        yield f"new conversation{tried}"
    if facts.plus:
        yield f"plus tag {facts.plus}"
    if facts.language:
        yield f"language {facts.language}"
    if facts.cut.why:
        yield f"reply cut at {facts.cut.why}"
    if facts.spam_score is not None:
        yield f"spam {facts.spam_score:g}"
    if facts.released is not None:
        yield f"released by {facts.released.by}" + (f": {facts.released.reason}" if facts.released.reason else "")


def _stages(this: Explained, texts: Texts, every_rule: bool, only: str = "") -> Iterator[str]:
    done = {stage.name: stage for stage in this.trace.stages}
    for number, name in enumerate(ORDER, 1):
        if (only and name != only) or name not in done:
            continue
        yield from _stage(number, done[name], this.trace)
        if name == "route":
            from rules import explain

            for file in this.trace.rules:
                yield from explain.lines(file, texts, every_rule)
    left = [number for number, name in enumerate(ORDER, 1) if name not in done]
    if left and not only:
        yield f" {left[0]}…{left[-1]} not reached." if len(left) > 1 else f" {left[0]} not reached."


def _stage(number: int, stage: StageTrace, trace: Trace) -> Iterator[str]:
    settled = stage is trace.stages[-1] and trace.disposition.verdict is not Verdict.ACCEPT
    notes = [note for note in stage.notes if note.text]
    mark = "✋" if settled else "!" if any(note.mark == "warn" for note in notes) else "✔"
    first, rest = (notes[0].text, notes[1:]) if notes else ("", [])
    quiet = all(note.mark == "ok" for note in notes)
    if quiet and sum(len(note.text) for note in notes) < 90:
        yield printable(f"{number:>2} {mark} {stage.name:<12} {' · '.join(note.text for note in notes)}".rstrip())
    else:
        yield printable(f"{number:>2} {mark} {stage.name:<12} {first}".rstrip())
        yield from (f"        {MARKS.get(note.mark, '·')} {printable(note.text)}" for note in rest)
    for change in stage.changes:
        if change.name not in ("disposition", "hops", "attachments", "item"):
            yield printable(f"        {change.name}: {change.before or '–'} → {change.after or '–'}")


def _beyond(this: Explained) -> Iterator[str]:
    """What else would have happened: the stages behind the one that settled."""
    if this.beyond is None:
        return
    after = this.beyond.stages[len(this.trace.stages) :]
    stops = [f"{stage.name}: {note.text}" for stage in after for note in stage.notes if note.mark == "stop"]
    workspaces = [
        change.after for stage in this.beyond.stages for change in stage.changes if change.name == "workspace"
    ]
    said = [f"would also stop it: {'; '.join(stops)}"] if stops else []
    said += [f"then workspace {workspaces[-1]}"] if workspaces else []
    yield printable(" If it were released now: " + ("; ".join(said) or "it would go through") + ".")


def _effects(this: Explained) -> Iterator[str]:
    if this.trace.effects:
        from collections import Counter

        counted = Counter(this.trace.effects)
        yield " did  " + ", ".join(f"{name}" + (f" ×{n}" if n > 1 else "") for name, n in counted.items())


def _history(this: Explained) -> Iterator[str]:
    if this.generation > 1:
        yield f" This is generation {this.generation} of this mail: it was released, retried or replayed."
    if this.attempts > 1:
        yield f" It took {this.attempts} attempts."
    if not this.stored:
        yield " Decided just now, from the bytes given; nothing was stored."
    if this.asked_anew:
        yield f" Answers from today, not from then: {', '.join(this.asked_anew)}."


def _what_to_do(this: Explained) -> Iterator[str]:
    reason = reasons.REASONS.get(this.trace.disposition.code)
    if reason is None:
        return
    yield " What it means"
    yield f"   {reason.sentence}"
    if reason.what_to_do:
        yield " What you can do"
        for line in reason.what_to_do:
            yield "   " + line.replace("{mail}", this.mail[:8]).replace("{sender}", this.sender)


def as_json(explained: Explained, texts: Texts) -> dict[str, Any]:
    """The explanation as data (`allegra.explain/1`): the trace as it is stored, rules as trees with spans."""
    from rules import explain

    trace = explained.trace
    plain = msgspec.to_builtins(trace)
    plain.pop("answers")
    plain["rules"] = [explain.as_json(file, texts) for file in trace.rules]
    return {
        "mail": explained.mail,
        "subject": explained.subject,
        "from": explained.sender,
        "to": explained.sent_to,
        "received_at": explained.received_at.isoformat(),
        "outcome": explained.outcome.value,
        "code": trace.disposition.code,
        "because": trace.disposition.because,
        "stage": _last(trace),
        "item": explained.item or None,
        "workspace": explained.workspace or None,
        "generation": explained.generation,
        "asked_anew": list(explained.asked_anew),
        "trace": plain,
    }


def printable(text: str) -> str:
    """Make a line safe for a terminal and keep how far it is indented."""
    return " " * (len(text) - len(text.lstrip(" "))) + one_line(text)


def size(size_bytes: int) -> str:
    """A size as people say it."""
    if size_bytes < 1000:
        return f"{size_bytes} B"
    if size_bytes < 1_000_000:
        return f"{size_bytes / 1000:.1f} kB"
    return f"{size_bytes / 1_000_000:.1f} MB"
