"""What people read, and programs too, holds words, and never how a program writes its own data."""

from __future__ import annotations

import re
from typing import Any

import pytest

BODY = "--x\nContent-Type: text/plain\n\nhello\n--x\nContent-Type: text/html\n\n<p>hello <b>you</b></p>\n--x--\n"
HEAD = ("MIME-Version: 1.0", "Content-Type: multipart/alternative; boundary=x", "Cc: bob@example.com")
FIELDS = """
[[fields]]
name = "Colours"
kind = "list"
values = ["red", "blue", "unknown"]
multiple = true
[[fields]]
name = "People"
kind = "user"
multiple = true
[[fields]]
name = "Customer"
kind = "text"
multiple = true
"""
RULES = """
[[rule]]
name = "a"
when = 'subject contains "Printer"'
then = ['set "Colours" to "unknown"', 'set "People" to "anna"', 'add "anna" as watcher', 'add label "x"',
        'notify "anna"', 'add cc as watcher', 'reply with template "ack"']
"""
HOOK = 'def activity(mail, item, ctx):\n    item["Customer"] = ["unknown", "other"]\n'
OF_A_PROGRAM = re.compile(r"\('|',\)|\b[A-Z]\w+\(\w+=|<\w+ object|<\w+\.\w+: ")


def test_no_command_shows_how_a_program_writes_its_data(desk: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.cli.run.is_terminal", lambda: True)
    desk.load(FIELDS)
    desk.configure('rules = "rules/system.toml"', '[hooks]\ndirectory = "hooks"\nactivity = ["a.py"]\n')
    desk.hook("a.py", HOOK)
    desk.rules("system.toml", RULES)
    desk.mail("Printer", BODY, headers=HEAD)
    desk.mail("Printer too", BODY, sender="x@elsewhere.example", headers=HEAD)
    told = [desk.allegra(*words).output for words in (("run", "--dry-run"), ("run",))]
    assert "unknown, other" in told[0] and "HELD" in told[1]
    commands = [
        *(f"explain {ref} {how}" for ref in ("last", "<test.1@example.com>") for how in ("--all", "--all --json")),
        "replay newer_than:1d", "replay newer_than:1d --json", "mail list --json", "item show 1", "item show 1 --json",
    ]  # fmt: skip
    told += [desk.allegra(*command.split()).output for command in commands]
    desk.rules("system.toml", "")
    for against in ("deployed", "archive"):
        told += [desk.allegra("rules", "diff", "--against", against, *how).output for how in ((), ("--json",))]
        assert "Colours unknown → –" in told[-1]
    told.append(desk.allegra("held", "release", "last-held").output)
    assert [found[0] for text in told for found in OF_A_PROGRAM.finditer(text)] == []
