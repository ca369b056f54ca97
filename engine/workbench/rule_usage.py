"""Rules against stored mail: what a condition would find, what other rules would change, which rules are ever hit.

Here: going through the archive and counting. Not here: printing (`cli/rules.py`), deciding (`decision/pipeline.py`).
Invariant: everything is decided by the same `decide` as on the day, from the recorded answers; nothing is kept.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import Struct

from engine.model import trace as traces
from rules.check import Checker
from rules.document import Document, read
from rules.load import Source, load_file
from rules.parse import parse_condition
from rules.problem import Problem, Severity
from rules.syntax import SyntaxFault

if TYPE_CHECKING:
    from engine.decision.pipeline import Decision
    from engine.model.facts import Facts
    from engine.model.mail import Mail
    from engine.model.trace import Trace
    from engine.rulebook.actions import Vocabulary
    from engine.run.process import Engine
    from engine.store.store import Store
    from rules.run import RuleFile
    from rules.schema import Schema, Values

DAYS_UNTIL_IDLE = 90
"""I500: a rule not hit for so many days is named."""


# ── one condition ─────────────────────────────────────────────────────────────────────────────────────────────


def condition_problems(text: str, beside: Document | None, schema: Schema) -> tuple[Problem, ...]:
    """Check a condition that stands in no file, with the lists and definitions of the file beside it."""
    found: list[Problem] = []

    def report(code: str, message: str, start: int, end: int, help: str) -> None:
        found.append(Problem(code, message, "condition", 1, start + 1, end - start, text, "", help))

    checker = Checker(schema, beside.lists if beside else {})
    checker.definitions.update(beside.definitions if beside else {})
    try:
        checker.condition(parse_condition(text), text, report)
    except SyntaxFault as fault:
        report(fault.code, fault.message, fault.start, fault.end, fault.help)
    return tuple(found)


def condition_file(text: str, beside: Document | None, schema: Schema) -> RuleFile:
    """Make a file of one rule with this condition, which has been checked before."""
    import tomli_w

    tables = {
        "lists": {name: list(values) for name, values in beside.lists.items()} if beside else {},
        "define": {name: definition.text for name, definition in beside.definitions.items()} if beside else {},
    }
    literal = (
        f"'''{text}'''" if "'''" not in text and not text.endswith("'") else tomli_w.dumps({"x": text})[4:].strip()
    )
    rule = f"[[rule]]\nname = 'condition'\non = 'any'\nwhen = {literal}\nthen = ['stop']\n"
    file, problems = load_file(Source("condition", tomli_w.dumps(tables) + rule, "", True), schema)
    if file is None:
        raise ValueError(problems[0].message)
    return file


class Match(Struct, frozen=True):
    """A stored mail that a condition was asked about."""

    mail: str
    received_at: datetime
    sender: str
    subject: str


def matching(engine: Engine, vocabulary: Vocabulary, file: RuleFile, since: datetime) -> Iterator[tuple[Match, bool]]:
    """Ask a condition about the stored mails of a time."""
    rule = file.rules[0]
    for stored in engine.store.archive.stored_mails(since):
        mail, facts = facts_of(engine, stored.mail, stored.raw)
        values: Values = vocabulary.values(mail, facts)
        said = Match(stored.mail, stored.received_at, facts.sender.address.address, mail.subject)
        yield said, rule.test(values)


def facts_of(engine: Engine, reference: str, raw: Any) -> tuple[Mail, Facts]:
    """The mail and what was known about it then; gathered anew where no trace is left."""
    from msgspec.structs import replace

    from engine.decision.facts import gather
    from engine.explain.replay import parse_stored

    mail = parse_stored(engine.config, raw)
    trace = trace_of(engine.store, reference)
    fresh = gather(mail, engine.config, raw.origin.mailbox, engine.look(raw, reference))
    if trace is None:
        return mail, fresh
    return mail, replace(trace.facts, cut=fresh.cut)  # a trace keeps no text


def trace_of(store: Store, reference: str) -> Trace | None:
    """The stored trace of a mail, None if there is none that can be read."""
    stored = store.archive.trace(reference)
    if stored is None:
        return None
    try:
        return traces.decode(stored)
    except msgspec.DecodeError:
        return None


# ── other rules ───────────────────────────────────────────────────────────────────────────────────────────────


class Difference(Struct, frozen=True):
    """How one mail would end otherwise. `rule` is the one that decides now (or did before)."""

    mail: str
    subject: str
    before: str
    after: str
    rule: str
    fields: tuple[str, ...] = ()
    doubtful: str = ""


@dataclass(slots=True)
class Differences:
    """What two sets of rules make of the same mails."""

    total: int = 0
    outcomes: list[Difference] = field(default_factory=list)
    fields: list[Difference] = field(default_factory=list)

    @property
    def unchanged(self) -> int:
        """Mails that end the same in every way looked at."""
        return self.total - len({each.mail for each in (*self.outcomes, *self.fields)})


def compare(before: Engine, after: Engine, since: datetime) -> Differences:
    """Decide the stored mails of a time under two sets of rules."""
    from engine.explain.replay import changed

    found = Differences()
    for mail, then, now in changed(before, after, before.store.archive.stored_mails(since)):
        found.total += 1
        difference = _difference(mail, then, now)
        if difference is None:
            continue
        if difference.before != difference.after:
            found.outcomes.append(difference)
        if difference.fields:
            found.fields.append(difference)
    return found


def compare_archive(after: Engine, since: datetime) -> Differences:
    """Decide the stored mails of a time and compare with what became of them then; fields are not compared."""
    from engine.explain.replay import decide_again

    found = Differences()
    store = after.store
    for stored in store.archive.stored_mails(since):
        row = store.archive.mail(stored.mail)
        now = decide_again(after, stored.raw, trace_of(store, stored.mail), mail=stored.mail)
        found.total += 1
        then, here = _said(row.outcome, row.workspace), _end(now)
        if then != here:
            rule = _decider(now) or (row.by.name if row.by.kind == "rule" else "no rule")
            found.outcomes.append(Difference(stored.mail, row.subject, then, here, rule))
    return found


def _difference(mail: str, then: Decision, now: Decision) -> Difference | None:
    before, after = _end(then), _end(now)
    fields = tuple(_changes(then, now))
    if before == after and not fields:
        return None
    rule = _decider(now) or (f"{_decider(then)} removed" if _decider(then) else "no rule")
    dmarc = now.facts.authentication.dmarc
    freed = then.plan.outcome.value in ("held", "rejected") and now.plan.outcome.value in ("created", "comment")
    doubtful = "DMARC fail" if freed and dmarc == "fail" else ""
    return Difference(mail, now.mail.subject, before, after, rule, fields, doubtful)


def _end(decision: Decision) -> str:
    return _said(decision.plan.outcome.value, decision.plan.workspace)


def _said(outcome: str, workspace: str) -> str:
    """Where a mail ended, with the workspace where that counts."""
    return f"{outcome} {workspace}".strip() if outcome in ("created", "comment") else outcome


def _decider(decision: Decision) -> str:
    """The last rule that had an effect."""
    if decision.plan.disposition.by.kind == "rule":
        return decision.plan.disposition.by.name
    named = [note.text for note in decision.draft.notes if note.code == "rule.route"]
    found = named[-1].split('"') if named else []
    return found[1] if len(found) > 1 else ""


def _changes(then: Decision, now: Decision) -> Iterator[str]:
    left = {change.name: change.value for change in then.draft.fields}
    right = {change.name: change.value for change in now.draft.fields}
    for name in dict.fromkeys((*left, *right)):
        if left.get(name) != right.get(name):
            yield f"{name} {_told(left.get(name))} → {_told(right.get(name))}"
    if set(then.draft.labels) != set(now.draft.labels):
        yield f"labels {', '.join(then.draft.labels) or '–'} → {', '.join(now.draft.labels) or '–'}"


def _told(value: Any) -> str:
    return "–" if value in (None, "") else str(value)


def deployed(store: Store, folder: Path, names: dict[str, str], since: datetime) -> str:
    """Write the rule files of the newest stored decisions into a folder; gives a short name for them, "" if none.

    `names` maps a place ("" is the system) to the file name it has.
    """
    found: dict[str, str] = {}
    for row in store.archive.mails(limit=2000):
        if row.received_at < since or len(found) == len(names):
            break
        trace = trace_of(store, row.mail)
        for file in trace.rules if trace else ():
            found.setdefault(file.place, file.digest)
    for place, digest in found.items():
        text = store.archive.text(digest)
        if place in names and text:
            (folder / names[place]).write_text(text, encoding="utf-8")
    return " ".join(digest[:6] for _, digest in sorted(found.items()))


# ── hits ──────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(slots=True)
class Hits:
    """How often a rule matched, and when last, by (file, name); `cut` counts mails with more text than the limit."""

    counts: Counter[tuple[str, str]] = field(default_factory=Counter)
    last: dict[tuple[str, str], datetime] = field(default_factory=dict)
    cut: Counter[str] = field(default_factory=Counter)
    mails: int = 0
    oldest: datetime | None = None


def hits(store: Store, since: datetime, limit: int = 20_000) -> Hits:
    """Count the hits of all rules, whatever the text of their file was then, in the newest stored decisions."""
    names: dict[str, dict[int, str]] = {}
    found = Hits()
    for row in store.archive.mails(limit=limit):
        if row.received_at < since:
            break
        trace = trace_of(store, row.mail)
        if trace is None:
            continue
        found.mails += 1
        found.oldest = row.received_at
        for file in trace.rules:
            found.cut[file.file] += bool(file.cut)
            if file.digest not in names:
                names[file.digest] = {
                    rule.number: rule.name for rule in read(file.file, store.archive.text(file.digest)).rules
                }
            for hit in file.hits:
                key = (file.file, names[file.digest].get(hit.rule, ""))
                found.counts[key] += 1
                found.last.setdefault(key, row.received_at)
    return found


def idle(file: RuleFile, found: Hits, since: datetime) -> Iterator[Problem]:
    """I500 for rules that were not hit since then, W470 for files whose rules saw shortened texts."""
    places = file.document.places
    if found.oldest is not None and found.oldest <= since + timedelta(days=1):
        for rule in file.rules:
            if rule.enabled and not found.counts[file.file, rule.name]:
                spot = places.value(("rule", rule.number - 1, "name"))
                said, help = f"this rule was not hit for {DAYS_UNTIL_IDLE} days", "remove it if nobody needs it"
                yield Problem(
                    "I500", said, file.file, spot.line, spot.column, spot.length, spot.excerpt, "", help, Severity.INFO
                )
    if found.cut[file.file]:
        said = f"{found.cut[file.file]} mails had more text than rules.regex_text_limit; rules saw its beginning"
        yield Problem("W470", said, file.file, help="raise rules.regex_text_limit", severity=Severity.WARNING)
