"""Trying a condition on stored mail, and a whole mail on the rules: what they would come to.

Here: `ask`, `try_mail`, `try_stored`, `written`. Not here: conditions (`rules/`), deciding (`explain/replay.py`), long
questions (`jobs.py` with `allegra rules try`).
Invariant: nothing is kept. Whoever asks is answered about mail that they may read, for a condition is a way to read;
of a mail that would go on to a place they do not read, nothing is told.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import Struct
from msgspec.structs import replace

from engine.desk import looking
from engine.desk.rule_effect import texts
from engine.desk.why import without_others
from engine.explain import replay, told
from engine.run.engine import Engine
from engine.store.clock import now as utc_now
from engine.store.errors import Refused, Unclear
from engine.workbench.rule_usage import Match, condition_file, condition_problems, facts_of, is_answered_in
from rules import explain
from rules.run import Ledger, evaluate

if TYPE_CHECKING:
    from engine.desk.rule_places import RulePlace
    from engine.desk.scope import Scope
    from engine.explain.explained import Explained
    from rules.document import Document
    from rules.problem import Problem
    from rules.run import RuleFile
    from rules.schema import Values

NEWEST = 100
"""Mails that a condition is asked about at once."""

MOST_CONDITION, MOST_MAIL = 10_000, 1_000_000
"""Characters of a condition, bytes of a mail."""

SHOWN = 20
"""Mails that are named."""

LOOKED_AT = 25
"""Misses among which the nearest one is looked for."""


class Tree(Struct, frozen=True):
    """A mail, and what each part of the condition came to."""

    match: Match
    tree: dict[str, Any]


class Answer(Struct, frozen=True):
    """Of how many of the newest mails a condition holds: some of them, one opened, and the miss that is nearest."""

    problems: tuple[Problem, ...] = ()
    mails: int = 0
    matches: int = 0
    found: tuple[Match, ...] = ()
    hit: Tree | None = None
    miss: Tree | None = None


class Written(Struct, frozen=True):
    """A mail as somebody types it in fields."""

    sender: str = ""
    to: str = ""
    subject: str = ""
    text: str = ""


def problems(engine: Engine, scope: Scope, condition: str, place: str) -> tuple[Problem, ...]:
    """What is wrong with a condition beside the lists and definitions of the file of a place.

    Raises Unclear where it is too long.
    """
    if len(condition) > MOST_CONDITION:
        raise Unclear(f"a condition has at most {MOST_CONDITION:,} characters")
    return condition_problems(condition, _beside(engine, scope, place), engine.book.vocabulary.schema)


def _beside(engine: Engine, scope: Scope, place: str) -> Document | None:
    """The file of a place with its lists and definitions, for who sees its rules."""
    file = engine.book.rules.files.get(place) if scope.may("view_mail", place) else None
    return file.document if file is not None else None


def ask(engine: Engine, scope: Scope, condition: str, place: str) -> Answer:
    """Ask a condition about the newest mails that somebody may read. Raises Unclear where it is too long."""
    if wrong := problems(engine, scope, condition, place):
        return Answer(wrong)
    file = condition_file(condition, _beside(engine, scope, place), engine.book.vocabulary.schema)
    mails, matches, found, hit, misses = 0, 0, list[Match](), None, list[tuple[int, Tree]]()
    for row in engine.store.archive.search("", NEWEST, sight=scope.readable).mails:
        raw = engine.store.archive.raw(row.mail) if row.purged_at is None else None
        if raw is None:
            continue
        mail, facts = facts_of(engine, row.mail, raw)
        if not is_answered_in(facts, scope.readable):
            continue
        values = engine.book.vocabulary.values(mail, facts)
        mails += 1
        match = Match(row.mail, row.received_at, row.sender, row.subject)
        if file.rules[0].test(values):
            matches += 1
            found += [match] if len(found) < SHOWN else []
            hit = hit or Tree(match, _tree(file, values, reply=facts.thread.item is not None))
        elif len(misses) < LOOKED_AT:
            tree = _tree(file, values, reply=facts.thread.item is not None)
            misses.append((_holds(tree), Tree(match, tree)))
    nearest = max(misses, key=lambda each: each[0], default=(0, None))[1]
    return Answer((), mails, matches, tuple(found), hit, nearest)


def _tree(file: RuleFile, values: Values, *, reply: bool) -> dict[str, Any]:
    """What each part of the condition came to, also those that need not be asked."""
    leaves = explain.opened(file, values)
    come = evaluate(file, values, reply, Ledger())
    trace = replace(come.trace, hits=tuple([replace(each, effects=()) for each in come.trace.hits]))
    tree: dict[str, Any] = explain.as_json(trace, lambda _: file.document.text, leaves)["rules"][0]["tree"]
    return tree


def _holds(tree: dict[str, Any]) -> int:
    """How many parts of a condition hold."""
    return (tree.get("ok") is True) + sum(map(_holds, tree.get("kids", ())))


# ── a whole mail ──────────────────────────────────────────────────────────────────────────────────────────────


def written(mail: Written) -> bytes:
    """Make a mail of what somebody typed. Raises Unclear."""
    made = EmailMessage(SMTP)
    try:
        made["From"], made["To"] = mail.sender.strip(), mail.to.strip()
        made["Subject"] = " ".join(mail.subject.split())
        made["Date"] = datetime.now(UTC)
        made["Message-ID"] = "<tried@allegra.invalid>"
        made.set_content(mail.text)
        return made.as_bytes()
    except (ValueError, UnicodeError, IndexError) as error:
        raise Unclear(f"no mail can be made of this: {error}") from None


def sourced(text: str) -> bytes:
    """The bytes of a mail whose source was typed or pasted."""
    return text.replace("\r\n", "\n").replace("\n", "\r\n").lstrip("\r\n").encode("utf-8", "replace")


def try_mail(
    engine: Engine, scope: Scope, content: bytes, mailbox: str, draft: tuple[RulePlace, str] | None = None
) -> dict[str, Any]:
    """Decide about a mail that is not kept, under the rules in force or with a draft in the place of one file.

    Gives what `allegra explain FILE --json` prints. Raises Unclear, Refused.
    """
    if not content.strip() or len(content) > MOST_MAIL:
        raise Unclear(f"a mail to try has at most {MOST_MAIL:,} bytes, and some")
    raw = replay.from_file(None, content, mailbox, utc_now())
    with _ruled(engine, draft) as other:
        return _told(other, scope, replay.explain_bytes(other, raw, "(a mail that is tried)", every_rule=True))


def try_stored(engine: Engine, scope: Scope, ref: str, draft: tuple[RulePlace, str] | None = None) -> dict[str, Any]:
    """Decide about a stored mail again, as `allegra explain REF --rules FOLDER --json`. Raises NotFound, Refused."""
    row = looking.seen(engine.store, ref, scope.readable)
    called = f"your draft of {draft[0].name}" if draft is not None else "the rules in force"
    with _ruled(engine, draft) as other:
        return _told(other, scope, replay.explain_stored(other, row, anew=called, every_rule=True))


@contextmanager
def _ruled(engine: Engine, draft: tuple[RulePlace, str] | None) -> Iterator[Engine]:
    """The engine, or one with a draft in the place of one of its rule files."""
    if draft is None:
        yield engine
        return
    place, text = draft
    with tempfile.TemporaryDirectory(prefix="allegra-rules-") as folder:
        for name, each in (texts(engine.config) | {place.path.name: text}).items():
            (Path(folder) / name).write_text(each, encoding="utf-8", newline="")
        with closing(Engine(engine.config, engine.store, Path(folder))) as other:
            yield other


def _told(engine: Engine, scope: Scope, found: Explained) -> dict[str, Any]:
    facts = found.trace.facts if found.trace is not None else None
    answered = facts.thread.item.workspace if facts is not None and facts.thread.item is not None else ""
    asked = [file.place for file in found.trace.rules] if found.trace is not None else []
    for workspace in filter(None, (found.workspace, answered, *asked)):
        if not scope.may("read_mail", workspace):
            raise Refused("this mail would go to a place whose mail you do not read: no more is told of it")
    return without_others(told.as_json(found, engine.rule_text), scope)
