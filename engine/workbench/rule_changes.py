"""Other rules against stored mail: which mails would end otherwise, and in what.

Here: deciding the archive under two sets of rules, and finding the rules of the newest decisions.
Not here: printing (`cli/rule_lines.py`), deciding (`decision/pipeline.py`).
Invariant: everything is decided by the same `decide` as on the day, from the recorded answers; nothing is kept.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from engine.decision.pipeline import told
from engine.explain.replay import changed, decide_again
from engine.explain.stages import elements
from engine.model.draft import Who
from engine.model.sight import ALL, Sight
from engine.model.told import Told, nobody
from engine.rulebook.book import files as rule_files
from engine.run.engine import Engine
from engine.workbench.rule_usage import trace_of

if TYPE_CHECKING:
    from engine.decision.pipeline import Decision
    from engine.model.draft import Draft
    from engine.model.trace import Trace
    from engine.store.store import Store

DEPLOYED, ARCHIVE = "deployed", "archive"
"""What rules can be compared with beside a folder: the rules of the newest decisions, and what was decided."""


ELSEWHERE = "elsewhere"
"""Where a mail ends that goes to a place whose mail is not seen."""


class NotDeployed(Exception):
    """No stored decision of that time names its rules."""


class Difference(Struct, frozen=True):
    """How one mail would end otherwise, or with something else. `rule` is the one that decides now (or did before)."""

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
    all: list[Difference] = field(default_factory=list)

    @property
    def outcomes(self) -> list[Difference]:
        """Mails that end otherwise."""
        return [each for each in self.all if each.before != each.after]

    @property
    def fields(self) -> list[Difference]:
        """Mails of which something else is made."""
        return [each for each in self.all if each.fields]

    @property
    def unchanged(self) -> int:
        """Mails that end the same in every way looked at."""
        return self.total - len(self.all)

    def add(self, difference: Difference | None) -> None:
        """Count a mail, with what differs."""
        self.total += 1
        if difference is not None:
            self.all.append(difference)


def compare(before: Engine, after: Engine, since: datetime, sight: Sight = ALL, told: Told = nobody) -> Differences:
    """Decide the stored mails of a time that are seen under two sets of rules."""
    found, rules = Differences(), _rules(after)
    for mail, then, now in changed(before, after, before.store.archive.stored_mails(since, sight=sight, told=told)):
        if not (_is_seen(then, sight) and _is_seen(now, sight)):
            found.add(_elsewhere(mail, then, now, sight))
            continue
        ends = _end(then), _end(now)
        fields = tuple(_changes(_made(then.draft), _made(now.draft)))
        if ends[0] == ends[1] and not fields:
            found.add(None)
            continue
        freed = then.plan.outcome.value in ("held", "rejected") and now.plan.outcome.value in ("created", "comment")
        doubtful = "DMARC fail" if freed and now.facts.authentication.dmarc == "fail" else ""
        rule = _decider(now) or _not_now(_decider(then), rules)
        found.add(Difference(mail, now.mail.subject, *ends, rule, fields, doubtful))
    return found


def compare_archive(after: Engine, since: datetime, sight: Sight = ALL, told: Told = nobody) -> Differences:
    """Decide the stored mails of a time that are seen and compare with what became of them, as far as traces tell."""
    found, store, rules = Differences(), after.store, _rules(after)
    for stored in store.archive.stored_mails(since, sight=sight, told=told):
        row, trace = store.archive.mail(stored.mail), trace_of(store, stored.mail)
        now = decide_again(after, stored.raw, trace, mail=stored.mail)
        if not _is_seen(now, sight):
            found.add(Difference(stored.mail, row.subject, _said(row.outcome, row.workspace), ELSEWHERE, ""))
            continue
        ends = _said(row.outcome, row.workspace), _end(now)
        fields = tuple(_changes(_traced(trace), _traced(now.trace))) if trace is not None else ()
        if ends[0] == ends[1] and not fields:
            found.add(None)
            continue
        rule = _decider(now) or _not_now(row.by.name if row.by.kind == Who.RULE else "", rules)
        found.add(Difference(stored.mail, row.subject, *ends, rule, fields))
    return found


def _is_seen(decision: Decision, sight: Sight) -> bool:
    """Tell whether a mail ends in a place whose mail is seen, and no rules of others were asked on its way."""
    places = {decision.plan.workspace, *[file.place for file in decision.trace.rules]}
    return sight.all or places <= {"", *sight.workspaces}


def _elsewhere(mail: str, then: Decision, now: Decision, sight: Sight) -> Difference | None:
    """Tell of a mail that goes to a place whose mail is not seen that it does, and no more: others decide there."""
    ends = [_end(each) if _is_seen(each, sight) else ELSEWHERE for each in (then, now)]
    rule = _decider(now) if _is_seen(now, sight) else ""
    return Difference(mail, now.mail.subject, ends[0], ends[1], rule) if ends[0] != ends[1] else None


# ── where a mail ends, and by which rule ──────────────────────────────────────────────────────────────────────


def _end(decision: Decision) -> str:
    return _said(decision.plan.outcome.value, decision.plan.workspace)


def _said(outcome: str, workspace: str) -> str:
    """Where a mail ended, with the workspace where that counts."""
    return f"{outcome} {workspace}".strip() if outcome in ("created", "comment") else outcome


def _decider(decision: Decision) -> str:
    """The last rule that had an effect."""
    if decision.plan.disposition.by.kind == Who.RULE:
        return decision.plan.disposition.by.name
    routed = [note for note in decision.draft.notes if note.code == "rule.route"]
    return str(routed[-1].field("rule") or "") if routed else ""


def _rules(engine: Engine) -> dict[str, bool]:
    """The rules there are, by name, and whether each is asked."""
    return {rule.name: rule.enabled for file in engine.book.rules.files.values() for rule in file.rules}


def _not_now(rule: str, rules: dict[str, bool]) -> str:
    """Say why a rule that decided before does not now."""
    if not rule:
        return "no rule"
    if rule not in rules:
        return f"{rule} removed"
    return f"{rule} no longer decides" if rules[rule] else f"{rule} switched off"


# ── what is made of a mail ────────────────────────────────────────────────────────────────────────────────────

_DECIDED = ("assignee", "labels", "people", "cc_role", "notifies", "forwards", "reply", "no_reply", "drop_names",
            "hooks", "skips", "private", "thread_by", "start_new")  # fmt: skip
"""Parts of a draft, beside the fields, that rules decide."""


def _made(draft: Draft) -> dict[str, Any]:
    """What rules and all that follows them decided, by name."""
    made = {change.name: change.value for change in draft.fields}
    made |= {name: getattr(draft, name) for name in _DECIDED}
    return made | {"assignee": draft.assignee.value if draft.assignee is not None else None}


def _traced(trace: Trace) -> dict[str, Any]:
    """The same as a trace tells it: the last word about each part."""
    last = {change.name: change.after for stage in trace.stages for change in stage.changes}
    fields = (each.partition(" ") for each in elements(last.get("fields", ())))
    made: dict[str, Any] = {name: value for name, _, value in fields}
    made |= {name: value for name, value in last.items() if name in _DECIDED and value != "false"}
    return made | {"assignee": str(last.get("assignee", "")).removeprefix("assigned_to ")}


def _changes(then: dict[str, Any], now: dict[str, Any]) -> Iterator[str]:
    for name in dict.fromkeys((*then, *now)):
        left, right = _texts(then.get(name)), _texts(now.get(name))
        if sorted(left) != sorted(right):
            words = (told(", ".join(each)) or "–" for each in (left, right))
            yield f"{name.replace('_', ' ')} {' → '.join(words)}"


def _texts(value: Any) -> tuple[str, ...]:
    """A value as the texts in it: none for nothing."""
    if isinstance(value, tuple):
        return tuple(map(told, value))
    return () if value in (None, "", False) else (value if isinstance(value, str) else told(value),)


# ── the two sets of rules ─────────────────────────────────────────────────────────────────────────────────────


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


def against(
    after: Engine, what: str, since: datetime, sight: Sight = ALL, told: Told = nobody
) -> tuple[Differences, str]:
    """Compare the rules of an engine with others over the mail of a time that is seen; gives how those are called.

    `what` is `DEPLOYED`, `ARCHIVE` or a folder. Raises NotDeployed, NotADirectoryError.
    """
    if what == ARCHIVE:
        return compare_archive(after, since, sight, told), "what was decided then"
    with tempfile.TemporaryDirectory() as scratch:
        folder, called = Path(what), what
        if what == DEPLOYED:
            folder = Path(scratch)
            names = {place: path.name for place, path in rule_files(after.config)}
            named = deployed(after.store, folder, names, since)
            if not named:
                raise NotDeployed("no stored decision of that time names its rules")
            called = f"last deployed rules ({named})"
        elif not folder.is_dir():
            raise NotADirectoryError(f"there is no folder {what!r}")
        with closing(Engine(after.config, after.store, rules_directory=folder)) as before:
            return compare(before, after, since, sight, told), called
