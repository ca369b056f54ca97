"""What stands on the lines of a stage, for traces of this release and of the first."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.explain import plain
from engine.explain.stages import stages
from engine.model.draft import Decider, Disposition, Mark, Note, Verdict, Who, note
from engine.model.facts import Facts
from engine.model.trace import Change, StageTrace, Trace, decode, encode
from rules.trace import FileTrace

ROOT = Path(__file__).resolve().parents[2]
ACCEPTED = Disposition(Verdict.ACCEPT, "draft.created", "a new item", Decider(Who.ENGINE, "seal"))


def lines(trace: Trace, only: str = "") -> list[str]:
    return list(stages(trace, lambda digest: "", {}, False, only, 200))


def one(stage: StageTrace, *rules: FileTrace) -> list[str]:
    trace = Trace("system", Facts("system"), (stage, StageTrace("route")), ACCEPTED, rules)
    return lines(decode(encode(trace)), stage.name)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (Change("labels", (), ("a, b", "c")), "labels: a, b, c"),
        (Change("labels", ("a, b",), ("a, b", "c, d")), "labels: c, d"),
        (Change("labels", ("a, b", "c"), ("c",)), "labels: not a, b"),
        (Change("fields", ("priority High",), ()), "fields: not priority High"),
        (Change("title", "before", ""), "title: before → (nothing)"),
        (Change("labels", "a, b", "a, b, c"), "labels: c"),
    ],
)
def test_of_a_list_the_difference_is_told_whatever_stands_in_it(change: Change, told: str) -> None:
    assert one(StageTrace("draft", changes=(change,)))[0].endswith(f"draft        {told}")


def test_a_note_that_reads_like_one_about_a_file_is_still_a_note() -> None:
    file = FileTrace("rules/a.toml", "digest", "")
    notes = (
        note("route.read", file="rules/a.toml", rules=2, matched=("1",)),
        note("route.keyword", workspace="rules/a.toml, 2 rules"),
        Note(mark=Mark.INFO, text="rules/a.toml, or not"),
    )
    told = one(StageTrace("route", notes=notes), file)
    assert told[0].endswith("rules/a.toml, 2 rules, matched 1")
    assert any("✔ a keyword line asks for rules/a.toml, 2 rules" in line for line in told)
    assert any("· rules/a.toml, or not" in line for line in told)


def test_a_trace_of_release_0_1_0_tells_each_file_once_with_its_rules_below() -> None:
    trace = decode((ROOT / "tests" / "model" / "trace_0_1_0.json").read_bytes())
    told = lines(trace, "route")
    assert told[0] == " 3 ✔ route        rules/system.toml, 6 rules, none matched"
    assert "     then         rules/support.toml, 3 rules, matched 1, 2" in told
    assert sum("rules/system.toml, 6 rules" in line for line in told) == 1
    assert told[-4:] == [
        "        workspace: support",
        "        fields: Order number 4711234, category Hardware",
        "        assignee: assigned_to group:onsite",
        "        labels: order",
    ]


def test_as_data_a_note_has_its_sentence_beside_its_kind_and_fields() -> None:
    inner = note("route.would_hold", Mark.STOP, "rule.hold", number=2, rule="VIP", text="look")
    made = note("released.passed", Mark.INFO, "rule.hold", what=inner, who="anna")
    assert plain.note(made) == {
        "text": 'rule 2 "VIP" would hold it: look; passed, because anna released it',
        "mark": "info",
        "code": "rule.hold",
        "kind": "released.passed",
        "fields": {"what": plain.note(inner), "who": "anna"},
    }
    early = plain.note(Note(text="no problems"))
    assert (early["text"], early["mark"], early["code"], early["kind"]) == ("no problems", "ok", "", "")


def test_as_data_a_change_is_text_as_it_always_was() -> None:
    stage = StageTrace("draft", changes=(Change("labels", (), ("a", "b")),))
    trace = Trace("system", Facts("system"), (stage,), ACCEPTED)
    (change,) = plain.trace(trace, lambda digest: "", {})["stages"][0]["changes"]
    assert change == {"name": "labels", "before": "", "after": "a, b"}
