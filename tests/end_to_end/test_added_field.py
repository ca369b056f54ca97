"""A program that adds a row to the table of fields has the field everywhere, with nothing else to do."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
ADDED = """
from engine.model import fields
fields.COMMON = fields.COMMON.plus(fields.Field(
    "impact", "list", "how many it hits", values=("Low", "High"), aliases=("severity",),
    labels={"en": "impact", "de": "auswirkung"}, default="Low",
))
from engine.cli.main import main
main()
"""
PROVEN = "Authentication-Results: mx.example.com; dmarc=pass header.from=example.com"
GERMAN = "Der Drucker im zweiten Stock druckt seit heute nicht mehr, und wir wissen nicht warum."
MAILS = {
    "default": "x",
    "english": "Impact: high\n\nx",
    "german": f"Auswirkung: HIGH\n\n{GERMAN}",
    "rule": "x",
    "script": "x",
}
OPTIONS = """
[items]
allow_override = ["severity"]
[workspace.finance.items]
impact = "high"
[hooks]
activity = ["say.py"]
"""
RULE = """
[[rule]]
name = "High"
when = 'subject is "rule"'
then = ['set severity "High"']
"""
SCRIPT = """
def activity(mail, item, ctx):
    item.tags.append("was " + item.impact)
    if mail.subject == "script":
        item.severity = "high"
"""
DATA = """
[[items]]
id        = 50
workspace = "support"
title     = "Old"
fields    = { impact = "High" }
"""


@pytest.fixture
def extended(desk: Any) -> Any:
    """A desk whose commands run in a program with one field more."""

    def lines(*arguments: str) -> list[dict[str, Any]]:
        environ = {**os.environ, "PYTHONPATH": str(ROOT)}
        command = [sys.executable, "-c", ADDED, *arguments, "--json"]
        done = subprocess.run(command, cwd=desk.folder, env=environ, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return [json.loads(line) for line in done.stdout.splitlines()]

    desk.lines = lines
    desk.configure(more=OPTIONS)
    desk.rules("system.toml", RULE)
    desk.hook("say.py", SCRIPT)
    return desk


def test_keywords_rules_scripts_and_defaults_set_an_added_field(extended: Any) -> None:
    for subject, body in MAILS.items():
        extended.mail(subject, body + "\n", headers=[PROVEN])
    assert [line["outcome"] for line in extended.run()] == ["created"] * 5
    found = {item["title"]: item for item in map(extended.item, range(1, 6))}
    assert {title: item["fields"]["impact"] for title, item in found.items()} == {
        "default": "Low", "english": "High", "german": "High", "rule": "High", "script": "High",
    }  # fmt: skip
    assert {title: item["labels"] for title, item in found.items()} == {
        "default": ["was Low"], "english": ["was High"], "german": ["was High"], "rule": ["was High"],
        "script": ["was Low"],
    }  # fmt: skip


def test_an_added_field_is_configured_loaded_and_told(extended: Any) -> None:
    shown = {row["key"]: row["value"] for row in extended.lines("config", "show", "--origin")}
    assert (shown["items.impact"], shown["workspace.finance.items.impact"]) == ("Low", "high")
    assert "impact" in {row.get("set") for row in extended.lines("rules", "actions")}
    (extended.folder / "more.toml").write_text(DATA, encoding="utf-8")
    extended.lines("admin", "load", "more.toml")
    assert extended.item(50)["fields"] == {"impact": "High"}
