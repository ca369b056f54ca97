"""What stands in a rule file: its rules as written, what is wrong with it, how often each rule was hit, its tests.

Here: `page`, `checked`. Not here: who sees it (`rule_places.py`), saving another text (`rule_saving.py`).
Invariant: only looks; a text that is checked is read as the file would be, with the words and people of now. What a
test asks of stored mail is answered to those who may read it.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import Struct
from msgspec.structs import replace

from engine.desk.plain import plain
from engine.workbench import rule_sources, rule_usage
from engine.workbench.names import Names
from engine.workbench.rule_tests import Runner
from engine.workbench.rule_usage import DAYS_UNTIL_IDLE, facts_of, is_answered_in
from rules import tested
from rules.document import digest
from rules.doubts import doubts
from rules.lint import lint
from rules.load import Source, load_file
from rules.problem import Problem, Severity, in_order

if TYPE_CHECKING:
    from engine.desk.rule_places import RulePlace
    from engine.desk.scope import Scope
    from engine.model.facts import Facts
    from engine.model.mail import Mail
    from engine.run.engine import Engine
    from engine.workbench.rule_usage import Hits
    from rules.run import RuleFile

NO_WORKSPACE = "W442"
"""There is no such workspace; the hint beside it names one."""

MOST_TEXT = 1_000_000
"""Characters of a text that is checked."""


class Card(Struct, frozen=True):
    """A rule as it is written, how often it was hit, and what is wrong with it."""

    number: int
    name: str
    line: int
    on: str = ""
    when: str = ""
    then: tuple[str, ...] = ()
    enabled: bool = True
    shadow: bool = False
    until: str = ""
    owner: str = ""
    note: str = ""
    hits: int = 0
    last_hit: datetime | None = None
    problems: tuple[Problem, ...] = ()


class TestResult(Struct, frozen=True):
    """What a test showed; `lines` say what went wrong."""

    name: str
    line: int
    lines: tuple[str, ...] = ()

    @property
    def passed(self) -> bool:
        """Whether everything was as expected."""
        return not self.lines


class CheckedText(Struct, frozen=True):
    """A text as the file of a place: whether it loads, all that is wrong with it, its rules, what its tests show.

    The tests are None where they were not run.
    """

    text: str
    digest: str
    loads: bool
    problems: tuple[Problem, ...]
    cards: tuple[Card, ...]
    tests: tuple[TestResult, ...] | None = None

    @property
    def warnings(self) -> tuple[Problem, ...]:
        """What does not keep the text from loading, and is worth reading."""
        return tuple([each for each in self.problems if each.severity is Severity.WARNING])

    @property
    def failing(self) -> int:
        """How many tests do not show what they expect."""
        return sum(not each.passed for each in self.tests or ())


def stored(place: RulePlace) -> str:
    """The text of a file as it stands there, "" where there is none. Raises OSError, UnicodeDecodeError."""
    try:
        with place.path.open(encoding="utf-8", newline="") as file:
            return file.read()
    except FileNotFoundError:
        return ""


def now(place: RulePlace) -> tuple[str, str]:
    """The text of a file and its digest, both "" where it cannot be read."""
    try:
        text = stored(place)
    except (OSError, UnicodeDecodeError):
        return "", ""
    return text, digest(text)


def pages(engine: Engine, scope: Scope, places: Iterable[RulePlace]) -> list[CheckedText]:
    """The files of some places, with the hits of their rules; one that cannot be read is a problem."""
    found, names = rule_usage.hits(engine.store, _idle_since()), _names(engine, scope)
    read = []
    for place in places:
        try:
            read.append(_read(engine, names, place, stored(place), found))
        except (OSError, UnicodeDecodeError) as error:
            said = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
            problem = Problem("E002", f"this rule file cannot be read: {said}", place.file)
            read.append(CheckedText("", "", False, (problem,), ()))
    return read


def rows(engine: Engine, scope: Scope, places: Sequence[RulePlace]) -> list[dict[str, Any]]:
    """All rules of some places as rows of one list, each with its file."""
    read = zip(places, pages(engine, scope, places), strict=True)
    return [{"file": place.file, "place": place.name, **plain(card)} for place, page in read for card in page.cards]


def page(engine: Engine, scope: Scope, place: RulePlace) -> CheckedText:
    """The file of a place, with the hits of its rules."""
    (only,) = pages(engine, scope, (place,))
    return only


def checked(engine: Engine, scope: Scope, place: RulePlace, text: str, *, run: bool = False) -> CheckedText:
    """Look through a text as if it were the file of a place; `run` its tests, too, if it loads.

    A hint names nothing of a workspace where somebody has no part.
    """
    if len(text) > MOST_TEXT:  # what is not looked at whole is not sound
        problem = Problem("E002", f"a rule file has at most {MOST_TEXT:,} characters", place.file)
        return CheckedText(text, digest(text), False, (problem,), ())
    looked = _read(engine, _names(engine, scope), place, text, None)
    return replace(looked, tests=tuple(_results(engine, scope, place, text))) if run and looked.loads else looked


def _read(engine: Engine, names: Names, place: RulePlace, text: str, found: Hits | None) -> CheckedText:
    config, schema = engine.config, engine.book.vocabulary.schema
    file, problems = load_file(Source(place.file, text, place.place, not place.place), schema)
    if file is not None:
        linted = lint(file, schema, frozenset(config.workspaces), datetime.now(UTC).date())
        hidden = names.seen is not None
        problems += tuple([replace(each, help="") if hidden and each.code == NO_WORKSPACE else each for each in linted])
        problems += doubts(file, names)
        if found is not None:
            problems += tuple(rule_usage.idle(file, found, _idle_since()))
    problems = in_order(dict.fromkeys(problems))
    return CheckedText(text, digest(text), file is not None, problems, tuple(_cards(text, file, found, problems)))


def _names(engine: Engine, scope: Scope) -> Names:
    """What there is, with hints for somebody at what is of the workspaces where they have a part."""
    return Names(
        engine.config, engine.store, None if scope.admin else frozenset().union(*scope.workspaces.values())
    )  # fmt: skip


def _idle_since() -> datetime:
    return rule_usage.since(f"{DAYS_UNTIL_IDLE}d", datetime.now(UTC))


# ── rules as they are written ─────────────────────────────────────────────────────────────────────────────────


def _cards(text: str, file: RuleFile | None, found: Hits | None, problems: tuple[Problem, ...]) -> Iterator[Card]:
    """The rules of a text that is TOML, those of one that does not load as far as they can be read."""
    try:
        tables = tomllib.loads(text).get("rule", [])
    except (tomllib.TOMLDecodeError, RecursionError):
        return
    tables = [each for each in tables if isinstance(each, dict)] if isinstance(tables, list) else []
    lines = _lines(text)
    for number, table in enumerate(tables, 1):
        begins = lines[number - 1] if number <= len(lines) else 0
        ends = lines[number] if number < len(lines) else 10**9
        of_it = tuple([each for each in problems if begins <= each.line < ends])
        yield _card(number, table, begins, of_it, file, found)


def _card(
    number: int, table: Mapping[str, Any], line: int, problems: tuple[Problem, ...], file: RuleFile | None,
    found: Hits | None,
) -> Card:  # fmt: skip
    rule = file.rules[number - 1] if file is not None else None
    name = rule.name if rule is not None else str(table.get("name", ""))
    key = (file.file, name) if file is not None else ("", "")
    then = table.get("then", ())
    return Card(
        number, name, line, rule.on if rule is not None else str(table.get("on", "")), str(table.get("when", "")),
        tuple(map(str, then)) if isinstance(then, list) else (str(then),),
        table.get("enabled", True) is not False, table.get("shadow", False) is True, str(table.get("until", "")),
        str(table.get("owner", "")), str(table.get("note", "")),
        found.counts[key] if found is not None else 0, found.last.get(key) if found is not None else None, problems,
    )  # fmt: skip


def _lines(text: str) -> list[int]:
    """The lines on which rules begin."""
    return [number for number, line in enumerate(text.split("\n"), 1) if line.strip().startswith("[[rule]]")]


# ── tests ─────────────────────────────────────────────────────────────────────────────────────────────────────


def _results(engine: Engine, scope: Scope, place: RulePlace, text: str) -> Iterator[TestResult]:
    """Run the tests of a text; what is wrong with them is told in their place."""
    vocabulary = engine.book.vocabulary
    file, _ = load_file(Source(place.file, text, place.place, not place.place), vocabulary.schema)
    if file is None:
        return
    if wrong := tested.problems(file.document, vocabulary.schema):
        for each in wrong:
            yield TestResult(each.where or each.code, each.line, (each.message,))
        return
    runner = Runner(engine.config, vocabulary, file, lambda name: _fetched(engine, scope, place, name))
    for result in runner.run():
        yield TestResult(result.test.name, result.test.line, result.lines)


def _fetched(engine: Engine, scope: Scope, place: RulePlace, name: str) -> tuple[Mail, Facts] | None:
    """A mail that a test names: a stored one, for who may read it, or a file below the folder of allegra.toml.

    A condition is a way to read: who is no admin asks only of files among the rules, and those that the file names
    as it stands there.
    """
    if name.startswith("m-"):
        row = engine.store.archive.seen(name, scope.readable)
        raw = engine.store.archive.raw(row.mail) if row is not None else None
        found = facts_of(engine, row.mail, raw) if row is not None and raw is not None else None
        return found if found is not None and is_answered_in(found[1], scope.readable) else None
    folder = engine.config.path.resolve().parent
    path = (folder / name).resolve()
    if not path.is_relative_to(folder) or path.suffix != ".eml" or not path.is_file():
        return None
    among = path.is_relative_to(engine.config.rules.directory.resolve())
    if not (among or scope.admin or name in _named(place)):
        return None
    return rule_sources.from_file(engine.config, Path(path))


def _named(place: RulePlace) -> frozenset[str]:
    """The mails that the tests of a file name, as it stands there."""
    try:
        tables = tomllib.loads(now(place)[0]).get("test", [])
    except (tomllib.TOMLDecodeError, RecursionError):
        return frozenset()
    named = [each.get("mail") for each in tables if isinstance(each, dict)] if isinstance(tables, list) else []
    return frozenset([each for each in named if isinstance(each, str)])
