"""Completion: what the grammar takes next, with names and values out of the vocabulary."""

from __future__ import annotations

import pytest

from engine.rulebook.actions import declared
from rules.complete import completions


@pytest.mark.parametrize(
    ("text", "start", "some", "never"),
    [
        ("", "condition", {"from", "not", "any", 'headers["'}, {"and", "is"}),
        ("from.d", "condition", {"from.domain"}, {"from"}),
        ("from ", "condition", {"is", "contains", "in", "exists", "and", "before"}, {"from"}),
        ("auth.dmarc is ", "condition", {"pass", "fail", "not"}, {"subject"}),
        ("received.weekday in [sat, ", "condition", {"sun", "mon"}, {"subject"}),
        ("(auto", "condition", {"auto.list"}, set()),
        ("(auto ", "condition", {")", "or"}, set()),
        ("", "action", {"route", "set", "stop"}, {"from"}),
        ("set pr", "action", {"priority", "private"}, {"from"}),
        ("add cc as ", "action", {"reader", "editor", "watcher"}, {"cc"}),
        ("route ", "action", {"to"}, {"workspace"}),
    ],
)
def test_the_words_that_may_follow(text: str, start: str, some: set[str], never: set[str]) -> None:
    found = set(completions(text, start, declared()))
    assert some <= found
    assert not never & found


def test_nothing_follows_what_is_no_beginning_or_an_open_text() -> None:
    assert completions("and ", "condition", declared()) == ()
    assert completions('subject is "ab', "condition", declared()) == ()
