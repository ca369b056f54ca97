"""Lints: silent where the owner did the right thing (their findings are in tests/bad_rules)."""

from __future__ import annotations

from datetime import date

import pytest

from engine.rulebook.actions import declared
from rules.lint import lint
from rules.load import Source, load_file


def codes(text: str) -> list[str]:
    schema = declared(max_size_bytes=10 << 20)
    file, problems = load_file(Source("x.toml", text, "", True), schema)
    assert file is not None, problems
    return [problem.code for problem in lint(file, schema, frozenset({"support"}), date(2026, 1, 15))]


def rule(name: str, when: str, then: str, on: str = "any") -> str:
    return f"[[rule]]\nname = '{name}'\non = '{on}'\nwhen = '''{when}'''\nthen = ['''{then}''']\n"


END = rule("end", "invite", 'add label "x"')


@pytest.mark.parametrize(
    "text",
    [
        rule("a", "auto", 'route to workspace "support"') + rule("b", "not auto", 'discard because "x"') + END,
        rule("a", "auto", 'route to workspace "support"', "new")
        + rule("b", "spam.flag", 'discard because "x"', "reply")
        + END,
        rule("a", "auto", 'route to workspace "support"') + rule("b", "spam.flag", 'discard because "the safety net"'),
        rule("a", "auto and spam.flag", 'route to workspace "support"') + rule("b", "auto", 'add label "x"'),
        rule("a", "auto", 'set priority "High"', "new") + rule("b", "auto", 'set priority "Low"', "reply"),
        rule("a", 'from is "a@b.example" and auth.dmarc is pass', 'set status "Closed"'),
        rule("a", "sender.known and attachments", 'reject with "no"'),
        rule("a", "(sender.known or auth.arc is pass) and attachments", 'reply with template "x"'),
        rule("a", 'lang is not any of ["a", "b"]', 'add label "x"'),
        rule("a", 'lang is "a" or lang is "b"', 'add label "x"'),
        rule("a", "spam.score > 2 and spam.score < 8", 'add label "x"'),
        rule("a", r"subject matches /(?P<a>x)/ and auto", 'add label "{a}"'),
        rule("a", 'from ends with "@x.example"', 'add label "x"'),
        "[define]\nx = 'auto'\ny = 'x'\n" + rule("a", "y", 'add label "x"'),
    ],
)
def test_nothing_to_say(text: str) -> None:
    assert codes(text) == []


HIGH, LOW = 'set priority "High"', 'set priority "Low"'
WIDE, NARROW = rule("wide", "auto", HIGH), rule("narrow", "auto and spam.flag", LOW)


@pytest.mark.parametrize(
    "text",
    [
        WIDE + rule("narrow", "auto and spam.flag", 'set status "Waiting"'),
        rule("wide", "auto", 'add label "a"') + rule("narrow", "auto and spam.flag", 'add label "b"'),
        rule("wide", "auto", "continue") + rule("narrow", "auto and spam.flag", "continue"),
        rule("wide", "auto", 'route to workspace "support"').replace("then = [", "then = ['continue', ")
        + rule("narrow", "auto and spam.flag", 'route to workspace "support"'),
        rule("wide", "auto", HIGH, "new") + rule("narrow", "auto and spam.flag", LOW),
        NARROW + WIDE,
        WIDE.replace("then", "shadow = true\nthen") + NARROW,
        WIDE.replace("then", "enabled = false\nthen") + NARROW,
        WIDE.replace("then", "until = 2027-01-20\nthen") + NARROW,
        WIDE + NARROW.replace("then", "enabled = false\nthen"),
    ],
)
def test_what_may_win_is_not_called_lost(text: str) -> None:
    assert codes(text) == []


@pytest.mark.parametrize(
    ("text", "lost"),
    [
        (WIDE + NARROW, 1),
        (WIDE + rule("narrow", "auto and spam.flag", LOW, "reply"), 1),
        (WIDE + rule("same", "auto", LOW), 1),
        (WIDE.replace("when = '''auto'''\n", "") + NARROW, 1),
        (WIDE + rule("same", "auto", HIGH) + NARROW, 2),
        (WIDE + NARROW.replace("then", "shadow = true\nthen"), 1),
        (WIDE.replace("then = [", "then = ['add label \"x\"', ") + NARROW, 1),
    ],
)
def test_what_never_wins_is_said_once_for_each_rule(text: str, lost: int) -> None:
    assert codes(text) == ["W402"] * lost


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (rule("a", 'from is "a@b.example" and not auth.dmarc is pass', 'set status "Closed"'), "W430"),
        (rule("a", 'from is "a@b.example" and (auth.dmarc is pass or auto)', 'thread by "x" = "y"'), "W430"),
        (rule("a", 'subject contains "x" or sender.known', 'reject with "no"'), "W460"),
        (rule("a", "auto", "stop") + rule("b", "auto and spam.flag", 'add label "x"'), "W401"),
        (rule("a", "auto", 'add label "x"').replace("then", "until = 2026-01-20\nthen"), "I500"),
    ],
)
def test_half_a_proof_is_none(text: str, code: str) -> None:
    assert codes(text) == [code]
