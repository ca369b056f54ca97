"""A small vocabulary for the language: fields of every type, read from a table, and the engine's actions."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

import pytest

from engine.rulebook.actions import ACTIONS, settings
from rules.load import Source, load_file
from rules.problem import Problem
from rules.run import Evaluation, Ledger, RuleFile, evaluate
from rules.schema import Field, Schema, Type, Values

NOW = datetime(2026, 1, 15, 10, 30, tzinfo=UTC)  # a Thursday

_TYPES = {
    "who": Type.ADDRESS, "people": Type.ADDRESSES, "title": Type.TEXT, "story": Type.TEXT, "names": Type.TEXTS,
    "score": Type.NUMBER, "weight": Type.SIZE, "age": Type.DURATION, "received": Type.DATE, "written": Type.DATE,
    "clock": Type.TIME, "day": Type.DAY, "proof": Type.CHOICE, "known": Type.YESNO, "thing": Type.ITEM,
    "who.domain": Type.TEXT, "limit": Type.NUMBER,
}  # fmt: skip


def _read(name: str) -> Callable[[Any], Any]:
    return lambda source: source.get(name)


def _keyed(name: str) -> Field:
    return Field(f'headers["{name}"]', Type.TEXTS, "", lambda source: source.get(f"headers {name.lower()}", ()))


def make_schema(**more: Any) -> Schema:
    """The vocabulary of these tests."""
    fields = {
        name: Field(name, kind, "", _read(name), choices=("pass", "fail", "none") if kind is Type.CHOICE else ())
        for name, kind in _TYPES.items()
    }
    actions = {each.name: each for each in ACTIONS}
    return Schema(fields, actions, {each.name: each for each in settings()}, keyed={"headers": _keyed}, **more)


class Language:
    """Loads and evaluates rule files in one line."""

    def __init__(self) -> None:
        self.schema = make_schema()

    def load(self, text: str, privileged: bool = True) -> tuple[RuleFile | None, tuple[Problem, ...]]:
        return load_file(Source("test.toml", text, "", privileged), self.schema)

    def file(self, text: str) -> RuleFile:
        file, problems = self.load(text)
        assert file is not None, problems
        return file

    def values(self, **fields: Any) -> Values:
        named = {name.replace("__", "."): value for name, value in fields.items()}
        return Values(self.schema, {"received": NOW, **named}, UTC)

    def holds(self, condition: str, before: str = "", /, **fields: Any) -> bool:
        """Whether a condition holds; what is stored says the same."""
        text = f"{before}\n[[rule]]\nname = 'x'\nwhen = '''{condition}'''\nthen = ['stop']\n"
        evaluation = self.run(text, **fields)
        matched = bool(evaluation.trace.hits)
        assert matched is not bool(evaluation.trace.misses)
        return matched

    def run(self, text: str, reply: bool = False, day: date | None = None, /, **fields: Any) -> Evaluation:
        file = self.file(text)
        ledger = Ledger()
        return evaluate(file, self.values(**fields), reply, ledger, day)

    def codes(self, condition: str) -> list[str]:
        _, problems = self.load(f"[[rule]]\nname = 'x'\nwhen = '''{condition}'''\nthen = ['stop']\n")
        return [problem.code for problem in problems]


@pytest.fixture
def language() -> Language:
    return Language()
