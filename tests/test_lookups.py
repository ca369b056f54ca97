"""The door to the world, and its recording."""

from __future__ import annotations

from datetime import UTC, datetime

from engine.lookups import Recorder
from engine.model.questions import HookAnswer, HookRequest

NOW = datetime(2026, 1, 15, 9, tzinfo=UTC)


class Counting:
    """Answers and counts how often it was asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def group(self, name: str) -> str:
        self.asked.append(name)
        return name.title()

    def hooks(self, request: HookRequest) -> HookAnswer:
        self.asked.append("hooks")
        return HookAnswer("ok")


def test_a_question_is_asked_once() -> None:
    world = Counting()
    look = Recorder(world, NOW)
    assert (look.group("staff"), look.group("staff")) == ("Staff", "Staff")
    assert world.asked == ["staff"]


def test_a_recorded_answer_is_taken_and_a_new_question_is_marked() -> None:
    world = Counting()
    look = Recorder(world, NOW, recorded={("group", "staff"): "as it was"})
    assert look.group("staff") == "as it was"
    assert look.group("other") == "Other"
    assert look.asked_anew == [("group", "other")]


def test_a_hook_call_is_recorded_by_the_hash_of_what_it_was_given() -> None:
    world = Counting()
    request = HookRequest("support", ("guard.py",), (), '{"subject": "x"}', "{}", "{}")
    first = Recorder(world, NOW)
    answer = first.hooks(request)
    again = Recorder(world, NOW, recorded=dict(first.answers))
    assert again.hooks(request) == answer
    assert world.asked == ["hooks"]
    assert "x" not in str(list(first.answers))
