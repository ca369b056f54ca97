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

from engine.explain.replay import changed, decide_again
from engine.model.draft import Who
from engine.rulebook.book import files as rule_files
from engine.run.engine import Engine
from engine.workbench.rule_usage import trace_of

if TYPE_CHECKING:
    from engine.decision.pipeline import Decision
    from engine.store.store import Store

DEPLOYED, ARCHIVE = "deployed", "archive"
"""What rules can be compared with beside a folder: the rules of the newest decisions, and what was decided."""


class NotDeployed(Exception):
    """No stored decision of that time names its rules."""


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
    found = Differences()
    store = after.store
    for stored in store.archive.stored_mails(since):
        row = store.archive.mail(stored.mail)
        now = decide_again(after, stored.raw, trace_of(store, stored.mail), mail=stored.mail)
        found.total += 1
        then, here = _said(row.outcome, row.workspace), _end(now)
        if then != here:
            rule = _decider(now) or (row.by.name if row.by.kind == Who.RULE else "no rule")
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
    if decision.plan.disposition.by.kind == Who.RULE:
        return decision.plan.disposition.by.name
    routed = [note for note in decision.draft.notes if note.code == "rule.route"]
    return str(routed[-1].field("rule") or "") if routed else ""


def _changes(then: Decision, now: Decision) -> Iterator[str]:
    left = {change.name: change.value for change in then.draft.fields}
    right = {change.name: change.value for change in now.draft.fields}
    for name in dict.fromkeys((*left, *right)):
        if left.get(name) != right.get(name):
            yield f"{name} {_told(left.get(name))} → {_told(right.get(name))}"
    if set(then.draft.labels) != set(now.draft.labels):
        yield f"labels {', '.join(then.draft.labels) or '–'} → {', '.join(now.draft.labels) or '–'}"


def _told(value: Any) -> str:
    return "–" if value in (None, "", ()) else ", ".join(value) if isinstance(value, tuple) else str(value)


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


def against(after: Engine, what: str, since: datetime) -> tuple[Differences, str]:
    """Compare the rules of an engine with others over the stored mail of a time; gives what the others are called.

    `what` is `DEPLOYED`, `ARCHIVE` or a folder. Raises NotDeployed, NotADirectoryError.
    """
    if what == ARCHIVE:
        return compare_archive(after, since), "what was decided then"
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
            return compare(before, after, since), called
