"""Stage 5: empty and undesired subjects."""

from __future__ import annotations

from typing import Any

import pytest
from builders import World, answers, config, draft, facts, item, mail

from engine.model.draft import Draft, Verdict
from engine.model.facts import Auto, Automatic
from engine.stages.subject import Subject


def decide(subject: str | None, toml: str = "", automatic: Automatic | None = None, **more: Any) -> Draft:
    about = mail(subject=subject)
    known = facts(about, automatic=automatic or Automatic(), **more)
    return Subject(config(toml)).decide(about, known, draft(), World())


@pytest.mark.parametrize("subject", [None, "", "   ", "\t", "=?utf-8?q?_?="])
def test_F038_an_empty_subject_is_refused_by_default(subject: str | None) -> None:
    decided = decide(subject)
    assert decided.disposition and decided.disposition.code == "gate.empty_subject"
    assert decided.disposition.verdict is Verdict.REJECT


def test_F038_F076_an_empty_subject_becomes_the_default_title_where_that_is_set() -> None:
    decided = decide("", '[gates]\nempty_subject = "default-title"\ndefault_title = "Without a word"\n')
    assert decided.disposition is None
    assert decided.title == "Without a word"


def test_F038_an_empty_subject_passes_with_the_gate_off() -> None:
    assert decide("", '[gates]\nempty_subject = "off"\n').disposition is None


@pytest.mark.parametrize("subject", ["Out of Office: back on Monday", "Réponse automatique : absent", "ABWESENHEIT"])
def test_F041_undesired_subjects_are_discarded(subject: str) -> None:
    decided = decide(subject)
    assert decided.disposition and decided.disposition.code == "gate.undesired_subject"
    assert decided.disposition.verdict is Verdict.DISCARD


def test_F041_F050_patterns_are_the_ones_configured() -> None:
    toml = "[gates]\nundesired_subject_patterns = ['|^lottery|i']\nundesired_subject = \"reject\"\n"
    decided = decide("Lottery: you won", toml)
    assert decided.disposition and decided.disposition.verdict is Verdict.REJECT
    assert decide("We are out of office supplies", toml).disposition is None


OUT = Automatic(Auto.AUTO_REPLY, "subject: Out of Office")


def test_F041_undesired_subjects_are_asked_before_automatic_replies_are_taken() -> None:
    decided = decide("Out of Office: Printer", automatic=OUT)
    assert decided.disposition and decided.disposition.code == "gate.undesired_subject"
    assert decide("Samodejni odgovor: Printer", automatic=OUT).disposition is None


def test_F040_automatic_reply_that_answers_an_item_is_left_to_become_a_note() -> None:
    assert decide("Out of Office: Printer", automatic=OUT, thread=answers(item(7))).disposition is None


def test_F039_bounce_is_never_asked_for_its_subject() -> None:
    assert decide("Out of Office: Printer", automatic=Automatic(Auto.BOUNCE, "a report")).disposition is None


def test_an_automatic_reply_without_a_subject_is_left_to_its_stage() -> None:
    assert decide("", automatic=Automatic(Auto.AUTO_REPLY, "X-Autoreply: yes")).disposition is None
