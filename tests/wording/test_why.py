"""Everybody who is not told can be told why."""

from __future__ import annotations

import pytest

from engine.model.events import Why
from engine.wording.why import ABSENT, WHY, absent, why_not


def test_every_reason_has_its_sentence_and_no_sentence_is_left_over() -> None:
    assert list(WHY) == list(Why)


@pytest.mark.parametrize("why", list(Why))
def test_a_sentence_stands_alone_and_takes_what_else_was_said(why: Why) -> None:
    alone, more = why_not(why, ""), why_not(why, "{said} [at] all")
    assert alone and "?" not in alone and "{" not in alone and not alone.endswith((".", ":", " "))
    assert "{said} [at] all" in more, "strangers' text is never read as a template"


def test_a_reason_of_another_release_is_told_by_its_name() -> None:
    assert why_not(Why("moon"), "") == "moon"
    assert why_not(Why("moon"), "it is full") == "moon: it is full"


def test_whatever_keeps_somebody_out_is_a_sentence_without_gaps():
    words = ("event", "workspace", "about", "code", "status", "value", "origin", "assignee", "part", "said")
    for kind in ABSENT:
        said = absent(kind, **{word: f"<{word}>" for word in words})
        assert "{" not in said and said[0].islower() and not said.endswith(".")
