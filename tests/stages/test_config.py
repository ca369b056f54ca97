"""Stage 1: a mail waits while what decides about it is broken."""

from __future__ import annotations

from builders import NOW, facts, mail

from engine.lookups import Recorder
from engine.model.draft import Draft, Verdict
from engine.stages.config import ConfigStage
from engine.wording.sentence import sentence
from rules.problem import Problem

BROKEN = Problem("E130", 'there is no field called "form"', "rules/system.toml", 3, 9)
LOOK = Recorder(None, NOW)


def test_F021_a_mail_waits_for_its_broken_file_and_the_sentence_names_the_place() -> None:
    stage = ConfigStage({"system": (BROKEN,)})
    settled = stage.decide(mail(), facts(), Draft(), LOOK)
    assert settled.disposition is not None
    assert (settled.disposition.verdict, settled.disposition.code) == (Verdict.DEFER, "config.broken")
    assert settled.disposition.because == 'rules/system.toml:3:9: there is no field called "form"'
    assert (settled.disposition.by.file, settled.disposition.by.line) == ("rules/system.toml", 3)


def test_more_problems_are_counted() -> None:
    stage = ConfigStage({"system": (BROKEN, BROKEN, BROKEN)})
    settled = stage.decide(mail(), facts(), Draft(), LOOK)
    assert settled.disposition is not None
    assert settled.disposition.because.endswith("(and 2 more)")


def test_another_mailbox_is_not_concerned() -> None:
    stage = ConfigStage({"support": (BROKEN,)})
    draft = stage.decide(mail(), facts(), Draft(), LOOK)
    assert draft.disposition is None
    assert [sentence(note) for note in draft.notes] == ["no problems"]


def test_what_all_mail_needs_stands_in_the_way_of_every_mailbox() -> None:
    missing = Problem("C113", "there is no script hooks/guard.py", "allegra.toml", 7, 10)
    settled = ConfigStage({"support": (BROKEN,)}, (missing,)).decide(mail(), facts(), Draft(), LOOK)
    assert settled.disposition is not None
    assert (settled.disposition.verdict, settled.disposition.code) == (Verdict.DEFER, "config.broken")
    assert settled.disposition.because == "allegra.toml:7:10: there is no script hooks/guard.py"
