"""Rules against mail of files and stored mail: what a condition would find, which rules are ever hit.

Here: going through files and the archive, and counting. Not here: printing (`cli/rules.py`), what other rules would
change (`rule_changes.py`).
Invariant: nothing is kept.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import Struct

from engine.model import trace as traces
from engine.model.figures import TEXT_CUT
from engine.model.sight import ALL
from engine.model.told import Told, nobody
from rules.check import Checker
from rules.document import Document, read
from rules.load import Source, load_file
from rules.parse import parse_condition
from rules.problem import Problem, Severity
from rules.syntax import SyntaxFault

if TYPE_CHECKING:
    from pathlib import Path

    from engine.config import Config
    from engine.model.facts import Facts
    from engine.model.mail import Mail
    from engine.model.sight import Sight
    from engine.model.trace import Trace
    from engine.rulebook.actions import Vocabulary
    from engine.run.engine import Engine
    from engine.store.store import Store
    from rules.explain import Leaves
    from rules.run import Rule, RuleFile
    from rules.schema import Schema, Values
    from rules.trace import FileTrace

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


_NO_LITERAL = r"^\n|[\x00-\x08\x0b-\x1f\x7f]"
"""What cannot stand in a literal of TOML as it is."""


def condition_file(text: str, beside: Document | None, schema: Schema) -> RuleFile:
    """Make a file of one rule with this condition, which has been checked before."""
    import tomli_w

    tables = {
        "lists": {name: list(values) for name, values in beside.lists.items()} if beside else {},
        "define": {name: definition.text for name, definition in beside.definitions.items()} if beside else {},
    }
    as_it_is = "'''" not in text and not text.endswith("'") and not re.search(_NO_LITERAL, text)
    literal = f"'''{text}'''" if as_it_is else tomli_w.dumps({"x": text})[4:].strip()
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


def matching(
    engine: Engine, vocabulary: Vocabulary, file: RuleFile, since: datetime, sight: Sight = ALL, told: Told = nobody
) -> Iterator[tuple[Match, bool]]:
    """Ask a condition about the stored mails of a time that are seen."""
    rule = file.rules[0]
    for stored in engine.store.archive.stored_mails(since, sight=sight, told=told):
        mail, facts = facts_of(engine, stored.mail, stored.raw)
        if not is_answered_in(facts, sight):
            continue
        values: Values = vocabulary.values(mail, facts)
        said = Match(stored.mail, stored.received_at, facts.sender.address.address, mail.subject)
        yield said, rule.test(values)


class Asked(Struct, frozen=True):
    """A mail out of a file that a condition was asked about: what it came to, and each part of the condition."""

    path: Path
    mail: Mail
    trace: FileTrace
    leaves: Leaves


def on_files(config: Config, vocabulary: Vocabulary, file: RuleFile, paths: Iterable[Path]) -> Iterator[Asked]:
    """Ask a condition about mails in files. Raises what `from_file` raises."""
    from msgspec.structs import replace

    from engine.workbench.rule_sources import from_file
    from rules.explain import opened
    from rules.run import Ledger, evaluate

    for path in paths:
        mail, facts = from_file(config, path)
        come = evaluate(file, vocabulary.values(mail, facts), facts.thread.item is not None, Ledger())
        hits = tuple(replace(hit, effects=()) for hit in come.trace.hits)  # of the rule around the condition
        yield Asked(path, mail, replace(come.trace, hits=hits), opened(file, vocabulary.values(mail, facts)))


@dataclass(slots=True)
class Tally:
    """Of how many mails a condition was asked, how many it matched, and how many in each week, this one first."""

    mails: int = 0
    matches: int = 0
    weeks: dict[int, int] = field(default_factory=dict)

    def count(self, match: Match, matched: bool, now: datetime) -> None:
        """Count a mail."""
        week = (now - match.received_at).days // 7
        self.mails += 1
        self.matches += matched
        self.weeks[week] = self.weeks.get(week, 0) + matched

    @property
    def by_week(self) -> list[int]:
        """Matches by week, the oldest first."""
        return [self.weeks.get(week, 0) for week in range(max(self.weeks, default=0), -1, -1)]


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


def is_answered_in(facts: Facts, sight: Sight) -> bool:
    """Tell whether a mail answers nothing, or an item of a workspace whose mail is seen: conditions ask that, too."""
    item = facts.thread.item
    return sight.all or item is None or item.workspace in sight.workspaces


def trace_of(store: Store, reference: str) -> Trace | None:
    """The stored trace of a mail, None if there is none that can be read."""
    stored = store.archive.trace(reference)
    if stored is None:
        return None
    try:
        return traces.decode(stored)
    except msgspec.DecodeError:
        return None


# ── hits ──────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(slots=True)
class Hits:
    """How often a rule matched, and when last, by (file, name); `cut` counts mails with more text than the limit.

    `oldest` is the day of the first mail that was ever counted.
    """

    counts: Counter[tuple[str, str]] = field(default_factory=Counter)
    last: dict[tuple[str, str], datetime] = field(default_factory=dict)
    cut: Counter[str] = field(default_factory=Counter)
    oldest: datetime | None = None


def hits(store: Store, since: datetime) -> Hits:
    """Count the hits of all rules since the beginning of a day (UTC), whatever the text of their file was then."""
    names: dict[str, dict[int, str]] = {}
    found = Hits(oldest=store.counting.first_day())
    for (file, digest, number), count, last_at in store.counting.hits(since):
        if number == TEXT_CUT:
            found.cut[file] += count
            continue
        if digest not in names:
            names[digest] = {rule.number: rule.name for rule in read(file, store.archive.text(digest)).rules}
        key = (file, names[digest].get(number, ""))
        found.counts[key] += count
        found.last[key] = max(last_at, found.last.get(key, last_at))
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


class Listed(Struct, frozen=True):
    """A rule of a file, and how often it was hit."""

    file: RuleFile
    rule: Rule
    hits: int = 0
    last_hit: datetime | None = None

    @property
    def state(self) -> str:
        """Tell when the rule is asked: off, shadow, or of which mails."""
        rule = self.rule
        return "off" if not rule.enabled else "shadow" if rule.shadow else rule.on


def listed(files: Iterable[RuleFile], found: Hits | None) -> Iterator[Listed]:
    """Go through the rules of all files in their order."""
    for file in files:
        for rule in file.rules:
            key = (file.file, rule.name)
            yield Listed(file, rule, found.counts[key] if found else 0, found.last.get(key) if found else None)


def since(last: str, now: datetime) -> datetime:
    """Give the moment that a time such as 12h, 30d, 8w, 6m or 1y ago was. Raises ValueError."""
    found = re.fullmatch(r"(\d{1,5})\s*([hdwmy])", last)
    if not found:
        raise ValueError(f"{last!r} is no time: write 12h, 30d, 8w, 6m or 1y")
    hours = {"h": 1, "d": 24, "w": 168, "m": 730, "y": 8766}[found[2]]
    return now - timedelta(hours=min(int(found[1]) * hours, 400_000))
