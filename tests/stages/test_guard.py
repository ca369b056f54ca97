"""Stage 8: what guard scripts say, and what their failures mean."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from builders import JANE, answers, draft, facts, item, mail
from scripted import Scripted, hooked

from engine.config import Config
from engine.model.answers import HookAnswer
from engine.model.draft import AttachmentFate, Draft, Target, Verdict
from engine.model.facts import Release
from engine.scripts.question import mail_of
from engine.stages.guard import Guard
from engine.wording.sentence import sentence

RELEASED = Release("anna", "phoned him")


def decide(config: Config, *said: HookAnswer, released: Release | None = None) -> Draft:
    about = mail()
    return Guard(config).decide(about, facts(about, released=released), draft(title="Printer"), Scripted(said=[*said]))


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return hooked(tmp_path)


def test_F149_a_guard_that_says_nothing_lets_the_mail_pass(config: Config) -> None:
    assert decide(config, HookAnswer("ok")).disposition is None


@pytest.mark.parametrize(
    ("verdict", "expected", "code"),
    [("reject", Verdict.REJECT, "hook.guard_reject"), ("hold", Verdict.HOLD, "hook.guard_hold")],
)
def test_F149_a_guard_refuses_with_its_reason(config: Config, verdict: str, expected: Verdict, code: str) -> None:
    found = decide(config, HookAnswer("ok", verdict, "no mail from there", "guard.py", hook="guard")).disposition
    assert found and (found.verdict, found.code, found.because) == (expected, code, "no mail from there")
    assert (found.by.kind, found.by.name, found.by.file) == ("hook", "guard.py", "hooks/guard.py")


@pytest.mark.parametrize(
    ("option", "code"),
    [("reject", "hook.guard_reject"), ("hold", "hook.guard_hold"), ("discard", "hook.guard_discard")],
)
def test_false_alone_follows_on_refusal(tmp_path: Path, option: str, code: str) -> None:
    config = hooked(tmp_path, f'on_refusal = "{option}"\n')
    found = decide(config, HookAnswer("ok", "refuse", script="guard.py", hook="guard")).disposition
    assert found and found.code == code


@pytest.mark.parametrize(
    ("outcome", "code"),
    [
        ("compile-error", "hook.error"),
        ("runtime-error", "hook.error"),
        ("runtime-denied", "hook.error"),
        ("killed", "hook.error"),
        ("timeout", "hook.timeout"),
        ("memory", "hook.memory"),
        ("sandbox-missing", "hook.sandbox_missing"),
        ("attack", "hook.attack"),
        ("disabled", "hook.disabled"),
    ],
)
def test_every_failure_holds_with_its_code(config: Config, outcome: str, code: str) -> None:
    said = HookAnswer(outcome, script="guard.py", hook="guard", line=4, message="m", error_type="ValueError")
    found = decide(config, said).disposition
    assert found and (found.verdict, found.code, found.by.line) == (Verdict.HOLD, code, 4)
    assert "guard.py" in found.because and "ValueError: m" in found.because


@pytest.mark.parametrize("option", ["continue", "reject"])
@pytest.mark.parametrize("outcome", ["runtime-error", "timeout", "attack", "sandbox-missing", "disabled"])
def test_on_error_softens_mistakes_but_never_attacks(tmp_path: Path, option: str, outcome: str) -> None:
    config = hooked(tmp_path, f'on_error = "{option}"\n')
    decided = decide(config, HookAnswer(outcome, script="guard.py", hook="guard"))
    if outcome in ("attack", "sandbox-missing", "disabled"):
        assert decided.disposition and decided.disposition.verdict is Verdict.HOLD
    elif option == "reject":
        assert decided.disposition and decided.disposition.verdict is Verdict.REJECT
    else:
        assert decided.disposition is None
        assert decided.notes[-1].mark == "warn"


@pytest.mark.parametrize(
    "said",
    [
        HookAnswer("ok", "hold", "look", "guard.py", hook="guard"),
        HookAnswer("timeout", script="guard.py", hook="guard"),
        HookAnswer("disabled", script="guard.py", hook="guard"),
    ],
)
def test_a_release_passes_what_holds_and_says_so(config: Config, said: HookAnswer) -> None:
    decided = decide(config, said, released=RELEASED)
    assert decided.disposition is None
    assert "anna released it" in sentence(decided.notes[-1])


def test_a_release_does_not_pass_a_rejection(config: Config) -> None:
    decided = decide(config, HookAnswer("ok", "reject", "no", "guard.py", hook="guard"), released=RELEASED)
    assert decided.disposition and decided.disposition.verdict is Verdict.REJECT


def test_a_failed_activity_script_is_not_the_guards_business(config: Config) -> None:
    assert decide(config, HookAnswer("timeout", script="activity.py", hook="activity")).disposition is None


def test_nothing_is_asked_where_no_guard_is_configured(tmp_path: Path) -> None:
    look = Scripted(said=[HookAnswer("ok")])
    about = mail()
    before = draft()
    assert Guard(hooked(tmp_path, lists="activity")).decide(about, facts(about), before, look) is before
    assert look.requests == []


def test_missing_fences_and_versions_are_told_on_every_run(config: Config) -> None:
    said = HookAnswer("ok", hashes=(("guard.py", "a" * 64),), missing=("seccomp",), log=("hello",))
    texts = [sentence(note) for note in decide(config, said).notes]
    assert texts == [
        "ran guard.py (aaaaaaaaaaaa)",
        "reduced isolation, without: seccomp",
        "log: hello",
        "the guards let it pass",
    ]


def test_a_guard_without_activity_scripts_holds_on_its_errors(tmp_path: Path) -> None:
    config = hooked(tmp_path, lists="guard")
    found = decide(
        config, HookAnswer("ok", errors=("subject: too short",), script="guard.py", hook="guard")
    ).disposition
    assert found and (found.code, found.because) == ("hook.guard_hold", "subject: too short")


def test_the_question_holds_what_scripts_see(config: Config) -> None:
    about = mail(
        "The printer is on fire.",
        headers=[("X-Priority", "1"), ("Reply-To", "other@bigcorp.example")],
        attachments=[("a.pdf", "application/pdf", b"%PDF-1.4 x"), ("b.pdf", "application/pdf", b"%PDF-1.4 y")],
    )
    fates = (AttachmentFate(about.attachments[0], False), AttachmentFate(about.attachments[1]))
    look = Scripted(said=[HookAnswer("ok")])
    known = facts(about, JANE)
    Guard(config).decide(about, known, draft(title="T", text="D", attachments=fates, labels=("x",)), look)
    asked = look.requests[0]
    seen = json.loads(mail_of(asked, ("body", "html", "headers")))
    thing, context = json.loads(asked.item), json.loads(asked.context)
    assert (asked.guard, asked.activity, asked.workspace) == (("guard.py",), ("activity.py",), "support")
    assert seen["subject"] == "Printer" and seen["from_address"] == "jane@bigcorp.example"
    assert seen["body"].strip() == "The printer is on fire." and seen["reply_to"] == "other@bigcorp.example"
    assert ["X-Priority", "1"] in seen["headers"] and seen["project"] == "support"
    assert [each["name"] for each in seen["attachments"]] == ["b.pdf"]
    assert (thing["values"]["title"], thing["values"]["description"], thing["values"]["tags"]) == ("T", "D", ["x"])
    assert thing["is_new"] is True and thing["schema"]["priority"] == "line"
    assert context["user"] == {"login": "jane", "name": "Jane Doe", "groups": ["customers"]}
    assert context["now"].startswith("2026-11-20T10:31")


def test_a_reply_shows_the_existing_item_and_the_comment(config: Config) -> None:
    about = mail()
    existing = item(7, fields=(("priority", "Low"),))
    look = Scripted(said=[HookAnswer("ok")])
    reply = draft(target=Target.COMMENT, item=existing, text="thanks")
    Guard(config).decide(about, facts(about, thread=answers(existing)), reply, look)
    thing = json.loads(look.requests[0].item)
    assert thing["is_new"] is False
    assert (thing["values"]["id"], thing["values"]["comment"], thing["values"]["priority"]) == (7, "thanks", "Low")
    assert "description" not in thing["schema"]
