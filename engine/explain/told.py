"""Why: a stored (or just made) decision told to a person.

Here: the order and wording of an explanation, from the trace alone plus the texts of the rule files.
Not here: deciding (`decision/pipeline.py`, `replay.py`); the first lines (`head.py`), the lines of a stage
(`stages.py`), a trace as data (`plain.py`), how rules print their trees (`rules/explain.py`).
Invariant: nothing is decided while explaining; without a trace only the receipt is told, and that it is all there is.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from engine.explain import hearers, plain
from engine.explain.head import head
from engine.explain.stages import flow, not_reached, printable, stages
from engine.mail.defects import MEANINGS
from engine.model import reasons
from engine.model.answers import Found
from engine.model.desk import AccountStatus
from engine.model.draft import Mark, Note, Who
from engine.model.facts import Facts
from engine.model.plan import Done, Outcome
from engine.wording.sentence import sentence
from engine.wording.units import sized

if TYPE_CHECKING:
    from engine.explain.explained import Explained
    from rules.explain import Texts

MADE = {
    Done.CREATE_ITEM: ("a new item", "{} new items"),
    Done.CREATE_USER: ("a new account", "{} new accounts"),
    Done.ADD_COMMENT: ("a comment", "{} comments"),
    Done.POST_TO_TOPIC: ("a post to a topic", "{} posts to topics"),
    Done.SET_FIELD: ("a changed field", "{} changed fields"),
    Done.ADD_LABEL: ("a label", "{} labels"),
    Done.ADD_PERSON: ("a person on the item", "{} people on the item"),
    Done.DROP_LABEL: ("a label taken off", "{} labels taken off"),
    Done.DROP_PERSON: ("a person taken off the item", "{} people taken off the item"),
    Done.SET_COPIES: ("people who are copied", "{} lists of people who are copied"),
    Done.CAME_BACK: ("a mail of ours that came back", "{} mails of ours that came back"),
    Done.UNSUBSCRIBE: ("an end to some notices", "an end to some notices"),
    Done.PUBLISH: ("a note made public", "{} notes made public"),
    Done.ATTACH: ("an attachment", "{} attachments"),
    Done.SEND_MAIL: ("a mail to send", "{} mails to send"),
    Done.CALL_WEBHOOK: ("a webhook to call", "{} webhooks to call"),
}
"""What a mail did, in words: one, several."""


def told(this: Explained, texts: Texts, every_rule: bool = False, only_stage: str = "", width: int = 120) -> list[str]:
    """Tell a decision in lines of text, about `width` columns wide.

    `every_rule` opens every rule, `only_stage` leaves out everything but one stage.
    """
    trace = this.trace
    if trace is not None and only_stage:
        return list(stages(trace, texts, this.leaves, every_rule, only_stage, width))
    lines = [*head(this, width), "", *_facts(this, width)]
    if trace is not None:
        lines += [*stages(trace, texts, this.leaves, every_rule, "", width), *not_reached(trace)]
    lines += [*_if_released(this, width), *_effects(this, width), *_history(this)]
    return [*lines, "", *_what_it_means(this), *_what_to_do(this), *_heard(this, width)]


def _heard(this: Explained, width: int) -> Iterator[str]:
    """Who was told, or would be, and who was not and why."""
    if this.hearers:
        yield " Told" if this.stored else " Would be told"
        yield from hearers.lines(this.hearers, this.local, width)


def _facts(this: Explained, width: int) -> Iterator[str]:
    where = f"{this.mailbox} mailbox, {this.key}" if this.stored else f"not stored, as if it came to {this.mailbox}"
    yield printable(f" – ✔ {'spool':<12} {where}, {sized(this.size_bytes)}")
    if this.trace is None:
        return
    for defect in this.trace.defects:
        said = defect.detail or MEANINGS.get(defect.code, "")
        yield printable(f" – · {'odd':<12} {defect.code}: {said}")
    if this.trace.stages:
        yield from flow(f" – ✔ {'facts':<12} ", list(_facts_said(this.trace.facts)), width)


def _facts_said(facts: Facts) -> Iterator[str]:
    auth = facts.authentication
    if auth.authserv_id:
        yield f"dmarc={auth.dmarc} spf={auth.spf} dkim={auth.dkim} (says {auth.authserv_id})"
    else:
        yield "authentication: no results from a trusted server"
    account = facts.sender.account
    if account is not None:
        how = "" if facts.sender.matched_by == Found.EXACT else f" by {facts.sender.matched_by}"
        yield f"sender is {account.login}{how}" + (
            "" if account.status == AccountStatus.ACTIVE else f" ({account.status})"
        )
    else:
        yield "sender unknown"
    if (listed := facts.sender.listed) is not None:
        who = ", ".join(filter(None, (listed.login, listed.name)))
        yield f"directory {listed.directory}: {listed.standing}" + (
            f" ({who or listed.said})" if who or listed.said else ""
        )
    if (form := facts.sender.form) is not None:
        yield f"form {form.name}: {form.why or 'names ' + facts.sender.address.address}"
    if facts.sender.problem:
        yield facts.sender.problem
    if facts.automatic.reason:
        yield f"{facts.automatic.kind.replace('_', ' ')}: {facts.automatic.reason}"
    thread = facts.thread
    if thread.item is not None:
        yield f"answers {thread.item.kind} #{thread.item.id} (by {thread.by.replace('_', '-')}: {thread.marker})"
    else:
        tried = f", tried {', '.join(name.replace('_', '-') for name, _ in thread.tried)}" if thread.tried else ""
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


def _if_released(this: Explained, width: int) -> Iterator[str]:
    """What a release would come to: the same decision, with what holds passed."""
    if this.released is None:
        return
    would = this.released
    said = would.because
    if would.outcome not in (Outcome.CREATED, Outcome.COMMENT, Outcome.NOTE):
        said = f"{would.outcome} all the same, by stage {would.stage}: {said}"
    besides = [sentence(each) for each in would.passed if not _holds(each, this)]
    yield from flow(" If it were released now:  ", [said + (", past this as well:" if besides else "")], width)
    yield from (printable(f"        · {each}") for each in besides)


def _holds(passed: Note, this: Explained) -> bool:
    """Tell whether it is this that holds the mail now: the same code for the same reasons (not in early traces)."""
    stages = this.trace.stages if this.trace is not None else ()
    held = next((note for note in reversed(stages[-1].notes) if note.mark == Mark.STOP), None) if stages else None
    return held is not None and passed.code == held.code and (not held.kind or passed.fields == held.fields)


def _effects(this: Explained, width: int) -> Iterator[str]:
    if this.trace is None or not this.trace.effects:
        return
    counted = Counter(effect for effect in this.trace.effects if effect != Done.TELL)
    if not counted:
        return
    words = [MADE[name][number > 1].format(number) if name in MADE else name for name, number in counted.items()]
    lead = " it made" if this.stored and not this.anew and not this.waits else " would make"
    yield from flow(f"{lead}  ", words, width, ", ")


def _history(this: Explained) -> Iterator[str]:
    if this.before:
        yield f" It was decided before: {', '.join(this.before)}; allegra mail show {this.mail[:8]} lists them."
    if this.attempts > 1:
        yield f" It took {this.attempts} attempts."
    if this.anew:
        yield printable(f" Decided again with {this.anew}; nothing was kept.")
    if not this.stored:
        yield " Decided just now, from the bytes given; nothing was stored."
    if this.unread:
        yield printable(f" Another release wrote its trace; not understood here: {', '.join(this.unread)}.")
    elif this.purged:
        yield f" It was purged on {_day(this)}: its bytes, addresses, subject and trace are gone for good."
    elif this.trace is None and not this.fault and not this.waits:
        yield " Its trace was let go (store.archive.keep_trace): no more is known."
    elif this.erased:
        yield f" Its bytes were let go on {_day(this)} (store.archive.keep)."
    if this.asked_anew:
        yield f" Answers from today, not from then: {', '.join(this.asked_anew)}."


def _day(this: Explained) -> str:
    return f"{this.local(this.erased_at):%Y-%m-%d}" if this.erased_at is not None else "a day that is not known"


def _what_it_means(this: Explained) -> Iterator[str]:
    reason = reasons.REASONS.get(this.code)
    if reason is None:
        return
    yield " What it means"
    yield f"   {reason.sentence}" + ("  A person closed it." if this.by.kind == Who.PERSON else "")
    yield f"   More: allegra help {reason.code}"


_NOW = ("allegra run   decides it now",)
_PUBLISH = ("allegra item publish {item} NOTE   make it a comment; --authorise lets its author reply",)
_SOONER = "allegra mail reset-status {mail}   does not let it wait any longer"


def _what_to_do(this: Explained) -> Iterator[str]:
    reason = reasons.REASONS.get(this.code)
    advice: tuple[str, ...] = reason.what_to_do if reason is not None else ()
    if this.outcome is Outcome.NOTE and this.item and not this.waits:
        advice = (*(line for line in advice if not line.startswith("allegra held")), *_PUBLISH)
    if this.by.kind == Who.PERSON:
        advice = (reasons.RETRY, reasons.RAW)
    if this.would is not None and this.would is not Outcome.DEFERRED:
        advice = _NOW if this.until is None else (_SOONER, *_NOW)
    if this.erased:
        advice = ()
    if not this.stored or this.anew:
        advice = tuple(line for line in advice if "{mail}" not in line and not line.startswith("allegra held"))
    if not advice:
        return
    yield " What you can do"
    said = {"{mail}": this.mail[:8], "{item}": str(this.item), "{sender}": this.sender}
    lines = [re.sub(r"\{(mail|item|sender)\}", lambda name: said[name[0]], line) for line in advice]
    pairs = [re.split(r"\s{2,}", line, maxsplit=1) for line in lines]
    broad = max((len(pair[0]) for pair in pairs if len(pair) > 1), default=0)
    for command, *says in pairs:
        yield printable(f"   {command:<{broad}}   {says[0]}" if says else f"   {command}")


def as_json(this: Explained, texts: Texts) -> dict[str, Any]:
    """The explanation as data (`allegra.explain/1`): the trace with its sentences, rules as trees with spans."""
    trace, would = this.trace, this.released
    return {
        "mail": this.mail,
        "subject": this.subject,
        "from": this.sender,
        "to": this.sent_to,
        "received_at": this.received_at.isoformat(),
        "mailbox": this.mailbox,
        "outcome": this.outcome.value,
        "code": this.code,
        "because": this.because,
        "by": {"kind": this.by.kind, "name": this.by.name, "file": this.by.file or None, "line": this.by.line or None},
        "stage": trace.stages[-1].name if trace is not None and trace.stages else "",
        "item": this.item or None,
        "topic": this.topic or None,
        "workspace": this.workspace or None,
        "erased_at": this.erased_at.isoformat() if this.erased_at is not None else None,
        "purged": this.purged,
        "generation": len(this.before) + 1,
        "stored": this.stored,
        "waits": this.waits,
        "waits_until": this.until.isoformat() if this.until is not None else None,
        "would": this.would.value if this.would is not None else None,
        "if_released": None if would is None else {
            "outcome": would.outcome.value, "because": would.because, "stage": would.stage,
            "passed": [sentence(each) for each in would.passed],
        },
        "told": [hearers.as_json(row) for row in this.hearers],
        "asked_anew": list(this.asked_anew),
        "unread": list(this.unread),
        "trace": plain.trace(trace, texts, this.leaves) if trace is not None else None,
    }  # fmt: skip
