"""The door to the world: questions, their recording, and who answers."""

from __future__ import annotations

import typing
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import databases
import pytest
from builders import ANNA, World, config
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import fields

from engine.lookups import Recorder
from engine.model import questions, trace
from engine.model.answers import AccountMatch, HookAnswer
from engine.model.changes import Counter
from engine.model.desk import ItemFacts
from engine.model.draft import Decider, Disposition, Verdict
from engine.model.facts import Facts
from engine.model.hook_request import HookRequest
from engine.model.questions import (
    QUESTIONS,
    AccountByLogin,
    AccountOf,
    EarlierMail,
    GroupNamed,
    HooksSay,
    ItemByNumber,
    May,
    Question,
)
from engine.model.trace import Trace
from engine.run import world as run_world
from engine.run.engine import Engine
from engine.run.world import WHO_ANSWERS
from engine.store.store import Store

NOW = datetime(2026, 1, 15, 9, tzinfo=UTC)
REQUEST = HookRequest("support", ("guard.py",), (), b'{"subject": "x"}', b"{}", b"{}")


class Weather(Question[str], frozen=True):
    """A question that somebody adds."""

    stored_as = "weather"
    depends_on = ("items",)
    place: str


def titled() -> World:
    """A world where every group is there, by its title."""
    return World(answers={GroupNamed: lambda by: by.name.title()})


def stored(look: Recorder) -> bytes:
    """The trace of a decision that asked what `look` was asked."""
    why = Disposition(Verdict.HOLD, "gate.dmarc", "dmarc=fail", Decider("gate", "dmarc"))
    return trace.encode(Trace("system", Facts("system"), (), why, answers=look.kept()))


def example(kind: type[Question[Any]]) -> Question[Any]:
    """A question of this kind, with some words."""
    words = {str: "words", int: 7, bool: True, tuple[str, ...]: ("<a@x>", "<b@x>"), HookRequest: REQUEST}
    return kind(*[words[field.type] for field in fields(kind)])


# ── asking ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_question_is_asked_once() -> None:
    world = titled()
    look = Recorder(world, NOW)
    assert (look.ask(GroupNamed("staff")), look.ask(GroupNamed("staff"))) == ("Staff", "Staff")
    assert world.asked == [GroupNamed("staff")]


def test_an_answer_of_nobody_is_an_answer_and_not_asked_for_again() -> None:
    world = World(accounts=())
    look = Recorder(world, NOW)
    assert look.ask(AccountByLogin("eve")) is None and look.ask(AccountByLogin("eve")) is None
    assert len(world.asked) == 1


def test_questions_of_the_same_words_are_not_the_same_question() -> None:
    look = Recorder(titled(), NOW)
    assert look.ask(GroupNamed("bob")) == "Bob"
    assert look.ask(AccountByLogin("bob")) is not None
    assert len(look.answers) == 2


def test_a_recorded_answer_is_taken_and_a_new_question_is_marked() -> None:
    look = Recorder(titled(), NOW, recorded={("group", "staff"): "as it was", ("login", "bob"): None})
    assert look.ask(GroupNamed("staff")) == "as it was"
    assert look.ask(AccountByLogin("bob")) is None
    assert look.ask(GroupNamed("other")) == "Other"
    assert look.asked_anew == [GroupNamed("other")]


def test_a_hook_call_is_recorded_by_the_hash_of_what_it_was_given() -> None:
    world = World(answers={HooksSay: lambda _: HookAnswer("ok")})
    first = Recorder(world, NOW)
    answer = first.ask(HooksSay(REQUEST))
    again = Recorder(world, NOW, recorded=dict(first.kept()))
    assert again.ask(HooksSay(REQUEST)) == answer
    assert len(world.asked) == 1
    assert first.kept() == ((("hooks", REQUEST.digest), answer),)


@given(st.lists(st.sampled_from(QUESTIONS)))
def test_what_was_kept_answers_the_same_questions_in_the_same_order(kinds: list[type[Question[Any]]]) -> None:
    first = Recorder(World(), NOW)
    again = Recorder(World(accounts=(), groups=(), catalogs=()), NOW)
    answers = [first.ask(example(kind)) for kind in kinds]
    again.recorded = trace.recording(trace.decode(stored(first)))
    assert [again.ask(example(kind)) for kind in kinds] == answers
    assert again.kept() == first.kept() and again.asked_anew == []


# ── every question ────────────────────────────────────────────────────────────────────────────────────────────


def test_every_question_is_listed_and_has_a_name_of_its_own() -> None:
    made = {each for each in vars(questions).values() if isinstance(each, type) and issubclass(each, Question)}
    assert set(QUESTIONS) == made - {Question}
    assert len({each.stored_as for each in QUESTIONS}) == len(QUESTIONS)


def test_the_names_and_words_are_those_of_the_release_that_brought_them() -> None:
    """Traces keep them for ever."""
    assert {each.stored_as: each.__struct_fields__ for each in QUESTIONS} == {
        "account": ("address", "separators"),
        "login": ("login",),
        "person": ("text",),
        "group": ("name",),
        "may": ("login", "permission", "workspace"),
        "catalog": ("workspace",),
        "item": ("item",),
        "topic": ("topic",),
        "given": ("number", "topic"),
        "item_by_message_ids": ("message_ids",),
        "item_by_field": ("name", "value"),
        "item_by_markers": ("markers",),
        "duplicate": ("workspace", "fingerprint"),
        "sender_rate": ("address", "seconds"),
        "total_rate": ("seconds",),
        "directory": ("directory", "address"),
        "scan": (),
        "hooks": ("request",),
    }


def test_a_duplicate_recorded_with_two_digests_is_found_by_the_one_that_counts() -> None:
    why = Disposition(Verdict.HOLD, "gate.dmarc", "dmarc=fail", Decider("gate", "dmarc"))
    early = Trace("system", Facts("system"), (), why, answers=((("duplicate", "support", "c1", "f1"), "m-1"),))
    look = Recorder(World(), NOW, trace.recording(trace.decode(trace.encode(early))))
    assert (look.ask(EarlierMail("support", "f1")), look.asked_anew) == ("m-1", [])


@pytest.mark.parametrize("kind", QUESTIONS, ids=lambda kind: kind.stored_as)
def test_every_answer_comes_back_from_the_trace_as_it_was(kind: type[Question[Any]]) -> None:
    look = Recorder(World(accounts=(), catalogs=()), NOW)
    look.ask(example(kind))
    assert trace.recording(trace.decode(stored(look))) == dict(look.kept())


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        (AccountOf("anna@example.com", "+"), AccountMatch(ANNA, "exact")),
        (ItemByNumber(7), ItemFacts(7, "support", "Printer", closed_at=NOW, fields=(("priority", "High"),))),
        (May("anna", "add_items", "support"), True),
        (HooksSay(REQUEST), HookAnswer("ok", changes=(("title", '"x"'),), dropped=((1, "big"),))),
    ],
)
def test_an_answer_that_is_more_than_a_word_comes_back_too(question: Question[Any], answer: Any) -> None:
    look = Recorder(World(answers={type(question): lambda _: answer}), NOW)
    look.ask(question)
    assert trace.recording(trace.decode(stored(look))) == {question.stored: answer}


@pytest.mark.parametrize("kind", QUESTIONS, ids=lambda kind: kind.stored_as)
def test_somebody_answers_every_question_with_an_answer_of_its_kind(kind: type[Question[Any]]) -> None:
    with Store.open(databases.fresh()) as store:
        engine = Engine(config(), store)
        answer = Recorder(run_world.World(engine, b"", NOW), NOW).ask(example(kind))
        engine.close()
    wanted = kind.answer_type()
    assert isinstance(answer, wanted)
    assert isinstance(kind.nothing(), wanted)


def test_nobody_answers_what_is_no_question() -> None:
    assert set(WHO_ANSWERS) == set(QUESTIONS)


def test_commit_asks_again_what_depends_on_something_stored_and_never_rates_scanner_or_scripts() -> None:
    assert {each.stored_as for each in QUESTIONS if not each.depends_on} == {
        *("sender_rate", "total_rate", "scan", "hooks", "directory")
    }
    counted = {counter for each in QUESTIONS for counter in each.depends_on}
    assert counted == set(typing.get_args(Counter))


# ── one more ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_question_that_is_added_is_asked_kept_and_read_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its class and who answers it is all: nothing else knows questions by name."""
    monkeypatch.setattr(trace, "QUESTIONS", (*QUESTIONS, Weather))
    monkeypatch.setattr(run_world, "WHO_ANSWERS", {Weather: lambda _: "rain in {}".format})
    world = run_world.World(typing.cast(Engine, SimpleNamespace(store=None)), b"", NOW)
    look = Recorder(world, NOW)
    assert look.ask(Weather("Kiel")) == "rain in Kiel"
    recorded = trace.recording(trace.decode(stored(look)))
    assert recorded == {("weather", "Kiel"): "rain in Kiel"}
    assert Recorder(World(), NOW, recorded).ask(Weather("Kiel")) == "rain in Kiel"
    assert World().ask(Weather("Kiel")) == ""
