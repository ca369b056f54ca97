"""The decision as a whole: its order, its trace, its one path."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, get_args, get_type_hints

import pytest
from deciding import NOW, raw

from engine.decision import pipeline
from engine.decision.pipeline import ORDER
from engine.explain import replay
from engine.model.draft import Disposition, Draft, Verdict
from engine.model.mail import Part
from engine.model.plan import Outcome
from engine.run.engine import Engine
from engine.run.process import process

ROOT = Path(__file__).resolve().parents[2]


def test_the_stages_run_in_the_documented_order(engine: Engine) -> None:
    assert tuple(stage.name for stage in engine.pipeline.stages) == ORDER
    flow = (ROOT / "docs" / "flow.md").read_text(encoding="utf-8")
    assert tuple(re.findall(r"^ *\| \d+ \| `(\w+)` \|", flow, re.MULTILINE)) == ORDER


def test_one_stage_is_one_file_and_has_one_test() -> None:
    for name in ORDER:
        assert (ROOT / "engine" / "stages" / f"{name}.py").is_file(), name
        assert (ROOT / "tests" / "stages" / f"test_{name}.py").is_file(), name


def test_a_settled_draft_is_not_asked_further(engine: Engine) -> None:
    decision = replay.decide_again(engine, raw(subject=""))
    assert decision.plan.disposition.verdict is Verdict.REJECT
    assert [stage.name for stage in decision.trace.stages] == list(ORDER[:5])


def test_going_on_beyond_tells_more_and_decides_the_same(engine: Engine) -> None:
    plain = replay.decide_again(engine, raw(sender="max@elsewhere.example"))
    beyond = replay.decide_again(engine, raw(sender="max@elsewhere.example"), beyond=True)
    assert plain.plan.disposition.verdict is Verdict.HOLD
    assert beyond.plan == plain.plan
    assert [stage.name for stage in beyond.trace.stages] == list(ORDER)


@pytest.mark.parametrize("name", ORDER)
def test_the_way_may_end_before_any_stage(engine: Engine, name: str) -> None:
    come = replay.decide_again(engine, raw(sender="max@elsewhere.example"), beyond=True, until=name)
    whole = replay.decide_again(engine, raw(sender="max@elsewhere.example"), beyond=True)
    assert [stage.name for stage in come.trace.stages] == list(ORDER[: ORDER.index(name)])
    assert [stage.changes for stage in come.trace.stages] == [
        stage.changes for stage in whole.trace.stages[: len(come.trace.stages)]
    ]
    assert come.reached.disposition is None


def test_a_draft_that_is_settled_earlier_does_not_come_to_where_the_way_would_end(engine: Engine) -> None:
    come = replay.decide_again(engine, raw(subject=""), until="guard")
    assert come.reached == come.draft
    assert come.plan.disposition.verdict is Verdict.REJECT


def test_the_same_mail_is_decided_the_same_twice(engine: Engine) -> None:
    first, second = (replay.decide_again(engine, raw()) for _ in range(2))
    assert first.plan == second.plan
    assert first.draft == second.draft


def test_a_recording_answers_although_the_world_has_changed(engine: Engine) -> None:
    first = replay.decide_again(engine, raw())
    assert first.plan.outcome is Outcome.CREATED
    with engine.store.writing():
        engine.store.directory.remove_account("anna")
    assert replay.decide_again(engine, raw()).plan.outcome is Outcome.HELD
    again = replay.decide_again(engine, raw(), first.trace)
    assert again.plan == first.plan
    assert again.look.asked_anew == []


def test_a_dry_run_and_a_run_give_equal_plans(engine: Engine) -> None:
    mails = [raw(key="1"), raw("", key="2"), raw(sender="max@elsewhere.example", key="3")]
    with engine.store.rehearsal():
        rehearsed = [
            each.decision.plan for each in process(engine, engine.store.ledger.spool(mails, "a"), NOW) if each.decision
        ]
    done = [each.decision.plan for each in process(engine, engine.store.ledger.spool(mails, "a"), NOW) if each.decision]
    assert rehearsed == done
    assert len(done) == 3


def test_html_body_is_told_in_a_few_words_however_many_pictures_it_shows() -> None:
    part = Part("text/html", 0, 10, path="1.2", pictures=tuple((f"cid{n}", "ab" * 32) for n in range(500)))
    assert pipeline.told(part) == "text/html 1.2"


def test_what_a_trace_does_not_tell_as_a_change_stands_last_in_a_draft() -> None:
    quiet = Draft.__struct_fields__[len(pipeline._NAMES) :]
    assert quiet == ("hops", "quoted", "attachments", "asked", "notes", "rule_traces")


def test_a_trace_has_words_for_everything_a_draft_holds() -> None:
    def held(hint: Any) -> set[type]:
        inside = get_args(hint)
        return set().union(*map(held, inside)) if inside else {hint}

    hints = {name: held(hint) for name, hint in get_type_hints(Draft).items() if name in pipeline._NAMES}
    structs = {kind for kinds in hints.values() for kind in kinds if hasattr(kind, "__struct_fields__")}
    assert structs <= {Disposition, *pipeline._TOLD}
    made = [kind(*getattr(kind, "__struct_fields__")) for kind in pipeline._TOLD]  # noqa: B009
    assert all(map(pipeline.told, made))
