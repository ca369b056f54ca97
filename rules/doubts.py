"""Names in rules that only the host can judge: people, values, templates. Warnings, each with its place.

Here: the walk over the actions and conditions of a loaded file, and the places of what the host doubts. Not here: what
exists (the host's `Judge`), what the file alone can tell (`lint.py`).
Invariant: only texts that no mail has a say in are asked; the same words at the same place are told once.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from msgspec import Struct

from rules.document import RawRule
from rules.outline import Part
from rules.problem import Problem, Severity
from rules.run import Rule, RuleFile
from rules.syntax import Action, Kind, Literal, Literals, Op, Several


class Doubt(Struct, frozen=True):
    """What is doubted of a sentence: `argument` counts the values that stand in it, from 0."""

    code: str
    message: str
    help: str = ""
    argument: int = 0


class Judge(Protocol):
    """Who knows what exists."""

    def action(self, file: RuleFile, action: Action) -> Iterator[Doubt]:
        """Doubt what an action names; a value that holds a placeholder may be anything."""

    def condition(self, file: RuleFile, field: str, text: str) -> Iterator[Doubt]:
        """Doubt a text that a field is to be."""


def doubts(file: RuleFile, judge: Judge) -> tuple[Problem, ...]:
    """Ask about every rule of a file that is not switched off."""
    found: dict[tuple[int, int, str], Problem] = {}
    raws = {raw.number: raw for raw in file.document.rules}
    for rule in file.rules:
        if rule.enabled:
            for problem in (*_actions(file, raws[rule.number], judge), *_conditions(file, rule, judge)):
                found.setdefault((problem.line, problem.column, problem.code), problem)
    return tuple(found.values())


def _actions(file: RuleFile, raw: RawRule, judge: Judge) -> Iterator[Problem]:
    for position, action in raw.actions:
        for doubt in judge.action(file, action):
            literal = action.arguments[doubt.argument]
            yield _problem(file, doubt, (*raw.path, "then", position), literal, f'rule "{raw.name}"')


def _conditions(file: RuleFile, rule: Rule, judge: Judge) -> Iterator[Problem]:
    for part in rule.part.leaves() if rule.part is not None else ():
        path = ("define", part.within) if part.within else ("rule", rule.number - 1, "when")
        for literal in _named(part):
            field = part.test.subject.name if part.test is not None else ""
            for doubt in judge.condition(file, field, literal.source):
                yield _problem(file, doubt, path, literal, "" if part.within else f'rule "{rule.name}"')


def _named(part: Part) -> Iterator[Literal]:
    """The texts that a test compares a value with as a whole."""
    test = part.test
    if test is None or test.op not in (Op.IS, Op.IN):
        return
    operand = test.operand.values if isinstance(test.operand, Several) else test.operand
    literals = operand.items if isinstance(operand, Literals) else (operand,)
    yield from (each for each in literals if isinstance(each, Literal) and each.kind is Kind.TEXT)


def _problem(file: RuleFile, doubt: Doubt, path: tuple[str | int, ...], literal: Literal, where: str) -> Problem:
    quoted = literal.kind is Kind.TEXT and literal.end - literal.start > 2
    spot = file.document.places.inside(path, literal.start + quoted, literal.end - quoted)
    return Problem(
        doubt.code, doubt.message, file.file, spot.line, spot.column, spot.length, spot.excerpt, where, doubt.help,
        Severity.WARNING,
    )  # fmt: skip
