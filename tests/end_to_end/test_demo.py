"""The first thing a new user types."""

from __future__ import annotations

import json
import platform
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

EXPECTED = {
    "laptop.1@example.com": ("created", "draft.created"),
    "printer.1@mail.bigcorp.example": ("created", "draft.created"),
    "printer.2@mail.bigcorp.example": ("comment", "draft.comment"),
    "pay.1@partner.example": ("held", "rule.hold"),
    "bounce.1@mx.example": ("discarded", "gate.bounce"),
    "inc.1@servicenow.example": ("created", "draft.created"),
    "inc.2@servicenow.example": ("comment", "draft.comment"),
    "news.1@shop.example": ("discarded", "rule.discard"),
    "q.1@elsewhere.example": ("held", "gate.unknown_sender"),
    "nosubject.1@example.com": ("rejected", "gate.empty_subject"),
    "q.2@elsewhere.example": ("note", "thread.stranger"),
    "inv.1@mail.bigcorp.example": ("created", "draft.created"),
    "ooo.1@mail.bigcorp.example": ("note", "gate.auto_reply"),
    "switch.1@example.com": ("created", "draft.created"),
    "bank.1@mail.bigcorp.example": ("held", "hook.guard_hold"),
    "wifi.1@example.com": ("created", "draft.created"),
    "topic.1@example.com": ("comment", "draft.comment"),
    "laptop.2@example.com": ("comment", "draft.comment"),
}


@pytest.fixture
def demo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.chdir(tmp_path)

    def call(*arguments: str) -> Any:
        from engine.cli.main import allegra

        return CliRunner().invoke(allegra, arguments, catch_exceptions=False)

    return call


def test_every_sample_mail_ends_as_the_demo_means_it(demo: Any) -> None:
    lines = [json.loads(line) for line in demo("demo", "--json").stdout.splitlines()]
    ended = {
        line["message_id"].strip("<>"): (line["outcome"], line["code"]) for line in lines if line["mailbox"] == "system"
    }
    assert ended == EXPECTED
    assert [line["outcome"] for line in lines if line["mailbox"] == "support"] == ["duplicate"]


def test_the_demo_can_be_explained_and_run_again(demo: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shown = demo("demo")
    assert shown.exit_code == 0
    assert "Try next" in shown.stdout
    assert f" on {platform.python_implementation()} {platform.python_version()}\n" in shown.stdout
    monkeypatch.chdir(tmp_path / "allegra-demo")
    told = demo("explain", "last-held").stdout
    assert "HELD" in told
    assert demo("run").exit_code == 0
    assert demo("check", "--strict").exit_code == 0, "there is nothing to warn of"
    assert demo("rules", "test").exit_code == 0
    assert demo("log", "--limit", "0").output == "", "much happened; none of it was asked for"


def test_the_demo_shows_a_conversation_from_the_first_mail_and_who_heard_of_each_turn(
    demo: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    talk = demo("demo").stdout.partition("Then bob answered #2")[2]
    turns = ("Printer prints an error", "ack (automatic)", "There is paper stuck", "answer", "Thank you", "(closed)")
    assert sorted(turns, key=talk.index) == list(turns)
    asked = next(line.split()[2] for line in talk.splitlines() if "the printer mail, and who heard" in line)
    monkeypatch.chdir(tmp_path / "allegra-demo")
    told = demo("explain", asked).stdout.partition(" Told\n")[2]
    assert "ack (automatic)" in told and "created, as assignee" in told


def test_a_folder_with_other_things_in_it_is_left_alone(demo: Any, tmp_path: Path) -> None:
    (tmp_path / "allegra-demo").mkdir()
    (tmp_path / "allegra-demo" / "mine.txt").write_text("precious", encoding="utf-8")
    assert demo("demo", "--yes").exit_code != 0
    assert (tmp_path / "allegra-demo" / "mine.txt").read_text(encoding="utf-8") == "precious"
