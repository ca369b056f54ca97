"""Broken TOML, explained."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.config.syntax import read
from rules.problem import render


@pytest.mark.parametrize(
    ("line", "said", "advice", "under_caret"),
    [
        ("p = 'Date d'envoi'", "cannot hold the character '", "'''Date d'envoi'''", "'"),
        ("keyword_aliases = { x = 'Message d'origine' }", "cannot hold the character '", "'''", "'"),
        ('Priorität = "priority"', "the key Priorität needs quotes", '"Priorität"', "Priorität"),
        ('p = "\\d+"', "backslash starts an escape", "single quotes", None),
        ('p = "open', "not closed", "close it", None),
        ("x = yes", "invalid value", "true", "yes"),
        ("x = False", "invalid value", "false", "False"),
        ("name = Help desk", "text needs quotes", '"Help desk"', "Help desk"),
        ("x : 1", "expected '='", "key = value", None),
        ("l = [1 2]", "unclosed array", "comma", None),
    ],
)
def test_the_usual_mistakes_are_explained(line: str, said: str, advice: str, under_caret: str | None) -> None:
    _, (problem, *_) = read(f"a = 1\n{line}\nb = 2\n", "allegra.toml")
    assert said in problem.message
    assert advice in problem.help
    assert (problem.line, problem.code) == (2, "C100")
    if under_caret is not None:
        assert problem.excerpt[problem.column - 1 :][: problem.length] == under_caret
    assert "^" in render(problem)


def test_a_key_that_stands_twice_is_shown_at_its_second_place() -> None:
    _, (problem,) = read("[a]\nx = 1\nx = 2\n", "f")
    assert (problem.line, problem.message) == (3, "this stands in the file a second time")


def test_all_broken_lines_are_reported_and_the_rest_is_read() -> None:
    tables, problems = read("a = oops\nb = 2\nc = nope\n[t]\nd = 4\n", "f")
    assert [problem.line for problem in problems] == [1, 3]
    assert tables == {"b": 2, "t": {"d": 4}}


def test_a_broken_table_header_takes_its_options_with_it() -> None:
    tables, problems = read("[a\nx = 1\n[b]\ny = 2\n", "f")
    assert [problem.line for problem in problems] == [1]
    assert tables == {"b": {"y": 2}}


@given(st.text(st.characters(exclude_categories=("Cs",)), max_size=200))
def test_any_text_is_read_or_has_a_problem_with_a_place(text: str) -> None:
    tables, problems = read(text, "f")
    assert isinstance(tables, dict)
    assert all(1 <= problem.line <= text.count("\n") + 1 for problem in problems)
