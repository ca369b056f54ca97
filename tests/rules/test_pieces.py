"""A condition with several faults tells them all, each once, and a name that is misspelt once is told once."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.rulebook.actions import declared
from rules.load import Source, load_file
from rules.parse import parse_condition
from rules.pieces import faults
from rules.problem import Problem
from rules.syntax import SyntaxFault


def told(text: str) -> list[tuple[str, str]]:
    with pytest.raises(SyntaxFault) as caught:
        parse_condition(text)
    return [(each.code, text[each.start : each.end]) for each in faults(text, caught.value)]


def problems(text: str) -> list[Problem]:
    return list(load_file(Source("x.toml", text, "", True), declared())[1])


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("auto and", [("E108", "and")]),
        ('form = "x" and subject contians "y"', [("E102", "="), ("E107", "contians")]),
        ('received.time between 18:00 and 08:00 or subject = "x"', [("E102", "=")]),
        ('subject matches /a and b/ and x = "1" or y == "2"', [("E102", "="), ("E102", "==")]),
        ('subject is "a and b or c" and x = "1"', [("E102", "=")]),
        ("(auto and spam.flag", [("E109", "(")]),
        ('auto or (subject = "a" and lang = "b") or cc =', [("E102", "="), ("E102", "=")]),
        ("not and or", [("E101", "and")]),
    ],
)
def test_each_part_of_a_condition_tells_its_fault(text: str, found: list[tuple[str, str]]) -> None:
    assert told(text) == found


@given(
    st.lists(st.sampled_from(["auto", "and", "or", "not", "(", ")", '"x"', "is", "=", "from", "/a/", "["]), max_size=12)
)
def test_the_fault_of_the_whole_is_always_told_and_every_place_is_in_the_text(words: list[str]) -> None:
    text = " ".join(words)
    try:
        parse_condition(text)
    except SyntaxFault as whole:
        found = faults(text, whole)
        assert whole in found and all(0 <= each.start <= len(text) for each in found)


def test_a_definition_that_does_not_parse_is_told_where_it_stands_and_not_where_it_is_used() -> None:
    text = "[define]\nbig = 'size >'\n" + "".join(
        f"[[rule]]\nname = '{name}'\nwhen = 'big and auto'\nthen = ['stop']\n" for name in ("a", "b")
    )
    assert [(each.code, each.line) for each in problems(text)] == [("E108", 2)]


@pytest.mark.parametrize(
    ("action", "said"), [("adde label", "adde label"), ("notfy", "notfy"), ("assing to", "assing to")]
)
def test_a_verb_that_begins_like_another_is_an_unknown_action(action: str, said: str) -> None:
    (problem,) = problems(f"[[rule]]\nname = 'a'\nwhen = 'auto'\nthen = ['{action} \"x\"']\n")
    assert (problem.code, problem.message) == ("E110", f'unknown action "{said}"')
