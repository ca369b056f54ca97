"""Every class of error and warning has a file that must fail for exactly that reason, in those words, at that place.

`tests/bad_rules/CODE_what.toml` beside `CODE_what.expected`, which holds what people read.
"""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path

import pytest

from engine.model.gates import SKIPPABLE
from engine.rulebook.actions import declared
from rules.lint import lint
from rules.load import Source, load_file
from rules.problem import Problem, in_order, render

FILES = sorted((Path(__file__).parent.parent / "bad_rules").glob("*.toml"))
SCHEMA = declared({"gate": frozenset(SKIPPABLE)}, frozenset({"auto_reply"}), 10 << 20)


def problems(path: Path) -> tuple[Problem, ...]:
    privileged = not path.stem.startswith("E160")
    source = Source(path.name, path.read_text(encoding="utf-8"), "" if privileged else "support", privileged)
    file, found = load_file(source, SCHEMA)
    warnings = lint(file, SCHEMA, frozenset({"support", "finance"}), date(2026, 1, 15)) if file else ()
    return in_order((*found, *warnings))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_bad_file_fails_for_its_reason_in_these_words_at_this_place(path: Path) -> None:
    found = problems(path)
    assert {problem.code for problem in found} == {path.stem.split("_")[0]}
    shown = "\n\n".join(map(render, found)) + "\n"
    assert shown == path.with_suffix(".expected").read_text(encoding="utf-8")


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_what_is_underlined_stands_in_the_file(path: Path) -> None:
    lines = path.read_text(encoding="utf-8").split("\n")
    for problem in problems(path):
        assert lines[problem.line - 1] == problem.excerpt
        assert 1 <= problem.column <= len(problem.excerpt) + 1


def test_every_code_of_the_language_has_a_file() -> None:
    folder = Path(__file__).parent.parent.parent / "rules"
    said = {
        code
        for path in folder.glob("*.py")
        for code in re.findall(r'"((?:E1|E2|W4|I5)\d\d)"', path.read_text(encoding="utf-8"))
    }
    assert said - {path.stem.split("_")[0] for path in FILES} == set()
