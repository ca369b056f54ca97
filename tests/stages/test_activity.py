"""Stage 9: changes of activity scripts, judged and put into the draft."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from builders import SUPPORT, answers, draft, facts, item, mail
from msgspec.structs import replace
from scripted import Scripted, hooked

from engine.config import Config
from engine.lookups import Recorder
from engine.model.answers import HookAnswer
from engine.model.desk import Catalog, CustomField
from engine.model.draft import AttachmentFate, Decider, Draft, FieldChange, Target, Verdict, note
from engine.model.facts import Release
from engine.stages.activity import Activity
from engine.stages.guard import Guard
from engine.wording.sentence import sentence

RULE = Decider("rule", "Printers")
CATALOG = replace(
    SUPPORT,
    fields=(
        CustomField("Order number"),
        CustomField("Rooms", "list", ("A 1", "B 2"), multiple=True),
        CustomField("Hours", "float"),
    ),
)


def changed(**values: Any) -> HookAnswer:
    return HookAnswer("ok", changes=tuple((name.replace("__", " "), json.dumps(each)) for name, each in values.items()))


def decide(config: Config, *said: HookAnswer, before: Draft | None = None, **known: Any) -> Draft:
    about = mail()
    look = Scripted(said=[*said], catalogs=(CATALOG, Catalog("finance")))
    return Activity(config).decide(about, facts(about, **known), before or draft(title="Printer", text="D"), look)


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return hooked(tmp_path)


def test_F149_fields_title_text_labels_and_privacy_change(config: Config) -> None:
    said = changed(title="New", description="Text", tags=["mail"], private=True, priority="high", Order__number="5")
    decided = decide(config, said)
    assert (decided.title, decided.text, decided.labels, decided.private) == ("New", "Text", ("mail",), True)
    assert {each.name: each.value for each in decided.fields} == {"priority": "High", "Order number": "5"}
    assert decided.fields[0].by == Decider("hook", "activity.py", "hooks/activity.py")


def test_a_script_has_the_last_word_on_a_field(config: Config) -> None:
    before = draft(title="T", fields=(FieldChange("priority", "Low", RULE), FieldChange("type", "Task", RULE)))
    decided = decide(config, changed(priority="Urgent"), before=before)
    assert {each.name: each.value for each in decided.fields} == {"priority": "Urgent", "type": "Task"}


def test_values_of_every_kind_are_judged(config: Config) -> None:
    said = changed(Rooms=["a 1", "B 2"], Hours=1.5, due_date="2026-12-24", done_ratio=50, assigned_to="bob@example.com")
    assert {each.name: each.value for each in decide(config, said).fields} == {
        "Rooms": ("A 1", "B 2"),
        "Hours": 1.5,
        "due_date": "2026-12-24",
        "done_ratio": 50,
        "assigned_to": "bob",
    }


def test_values_of_scripts_are_tidied_as_those_of_mail_are(config: Config) -> None:
    texts = {"title": " a\u202eb  c\x9b ", "description": "a\x9bb\tc\r\nd", "Order__number": " 5\u202e 6 "}
    decided = decide(config, changed(tags=["", "  ", " new\x9b", "new"], **texts))
    assert (decided.title, decided.text, decided.labels) == ("ab c", "ab\tc\nd", ("new",))
    assert {each.name: each.value for each in decided.fields} == {"Order number": "5 6"}
    assert len(decide(config, changed(title="x" * 900)).title) == 255


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"tags": ["a,b"]}, 'tags: "a,b" has a comma: add two labels'),
        ({"tags": ["x" * 1_900]}, f'tags: "{"x" * 60}…" has more than 100 characters'),
        ({"title": "  \u202e "}, "title: it cannot be empty"),
    ],
)
def test_what_no_mail_may_say_holds(config: Config, values: dict[str, Any], said: str) -> None:
    disposition = decide(config, changed(**values)).disposition
    assert disposition is not None and (disposition.code, disposition.because) == ("hook.activity_errors", said)


def test_labels_that_were_there_are_not_judged_again(config: Config) -> None:
    before = draft(title="T", labels=("by rule, with comma",))
    decided = decide(config, changed(tags=["by rule, with comma", "new"]), before=before)
    assert decided.labels == ("by rule, with comma", "new")


def test_a_field_can_be_emptied(config: Config) -> None:
    before = draft(title="T", fields=(FieldChange("category", "Hardware", RULE),))
    assert decide(config, changed(category=None), before=before).fields[0].value is None


def test_one_wrong_value_drops_all_changes_and_holds(config: Config) -> None:
    decided = decide(config, changed(priority="Hihg", title="New"))
    assert decided.disposition and decided.disposition.code == "hook.activity_errors"
    assert decided.disposition.verdict is Verdict.HOLD
    assert '"Hihg" is no priority here' in decided.disposition.because
    assert decided.title == "Printer"


def test_errors_of_the_script_hold_with_all_messages(config: Config) -> None:
    errors = tuple(f"field {number}: bad" for number in range(7))
    said = HookAnswer("ok", errors=errors, script="activity.py", hook="activity", changes=(("title", '"New"'),))
    decided = decide(config, said)
    assert decided.disposition and decided.disposition.because.endswith("field 4: bad (and 2 more)")
    assert decided.title == "Printer"


def test_a_refusal_in_an_activity_script_holds(config: Config) -> None:
    decided = decide(config, HookAnswer("ok", "reject", "not this one", "activity.py", hook="activity"))
    assert decided.disposition and decided.disposition.verdict is Verdict.HOLD
    assert decided.disposition.because == "not this one"


@pytest.mark.parametrize("outcome", ["runtime-error", "timeout", "memory", "killed"])
def test_a_failure_drops_the_changes_and_holds_or_goes_on_flagged(tmp_path: Path, outcome: str) -> None:
    said = HookAnswer(outcome, script="activity.py", hook="activity", changes=(("title", '"New"'),))
    held = decide(hooked(tmp_path), said)
    assert held.disposition and held.disposition.verdict is Verdict.HOLD and held.title == "Printer"
    decided = decide(hooked(tmp_path, 'on_error = "continue"\n'), said)
    assert decided.disposition is None and decided.title == "Printer"
    assert decided.notes[-1].mark == "warn"


def test_a_release_saves_without_the_changes(config: Config) -> None:
    decided = decide(config, HookAnswer("ok", errors=("no",)), released=Release("anna"))
    assert decided.disposition is None
    assert "anna released it" in sentence(decided.notes[-1])


def test_attachments_are_left_out_by_their_place_among_the_kept(config: Config) -> None:
    about = mail(attachments=[(f"{n}.pdf", "application/pdf", b"%PDF-1.4 " + n.encode()) for n in "abc"])
    big = note("attachment.by_script", reason="big")
    fates = (AttachmentFate(about.attachments[0], False, big), *map(AttachmentFate, about.attachments[1:]))
    decided = decide(
        config, HookAnswer("ok", dropped=((1, "signature"), (9, "?"))), before=draft(title="T", attachments=fates)
    )
    assert [(each.keep, each.because and sentence(each.because)) for each in decided.attachments] == [
        (False, "big"),
        (True, None),
        (False, "signature"),
    ]


def test_a_comment_changes_its_text_and_the_fields_of_the_item(config: Config) -> None:
    existing = item(7)
    before = draft(target=Target.COMMENT, item=existing, text="thanks\nbye")
    decided = decide(config, changed(comment="thanks", title="Printer 2"), before=before, thread=answers(existing))
    assert decided.text == "thanks"
    assert decided.fields[0].name == "title" and decided.title == ""


def test_guard_and_activity_ask_one_question(config: Config) -> None:
    about = mail()
    known, world = facts(about), Scripted(said=[changed(title="New")])
    look = Recorder(world, world.now)
    passed = Guard(config).decide(about, known, draft(title="T"), look)
    assert Activity(config).decide(about, known, passed, look).title == "New"
    assert len(world.requests) == 1


def test_after_a_guard_that_was_passed_over_the_activity_scripts_run_alone(tmp_path: Path) -> None:
    config = hooked(tmp_path, 'on_error = "continue"\n')
    failed = HookAnswer("timeout", script="guard.py", hook="guard")
    about = mail()
    known, world = facts(about), Scripted(said=[failed, changed(title="New")])
    look = Recorder(world, world.now)
    passed = Guard(config).decide(about, known, draft(title="T"), look)
    assert Activity(config).decide(about, known, passed, look).title == "New"
    assert [each.guard for each in world.requests] == [("guard.py",), ()]


def test_a_rule_adds_a_script(config: Config) -> None:
    about = mail()
    world = Scripted(said=[HookAnswer("ok")])
    Activity(config).decide(about, facts(about), draft(title="T", hooks=("redact_iban", "other.py")), world)
    assert world.requests[0].activity == ("activity.py", "redact_iban.py", "other.py")


def test_nothing_is_asked_where_nothing_is_to_run(tmp_path: Path) -> None:
    world = Scripted(said=[HookAnswer("ok")])
    about, before = mail(), draft(title="T")
    assert Activity(hooked(tmp_path, lists="guard")).decide(about, facts(about), before, world) is before
    assert world.requests == []


def test_a_new_item_can_be_moved_to_another_workspace_whose_lists_then_count(config: Config) -> None:
    before = draft(title="T", fields=(FieldChange("category", "Hardware", RULE), FieldChange("type", "Incident", RULE)))
    decided = decide(config, changed(workspace="finance", priority="High"), before=before)
    assert decided.disposition is None, decided.notes
    assert decided.workspace == "finance"
    assert {each.name: each.value for each in decided.fields} == {"type": "Task", "status": "New", "priority": "High"}


def test_a_workspace_that_is_not_there_holds(config: Config) -> None:
    decided = decide(config, changed(workspace="nowhere"))
    assert decided.disposition and decided.disposition.code == "hook.activity_errors"
    assert decided.workspace == "support"
