"""[[test]]s beside the rules: what they build, what they find, what they say when they fail."""

from __future__ import annotations

from importlib.resources import files
from typing import Any

import pytest
from builders import config, facts, mail
from msgspec.structs import replace

from engine.rulebook.actions import Vocabulary
from engine.rulebook.sight import FIELDS
from engine.workbench.rule_tests import Result, Runner, built
from rules.load import Source, load_file
from rules.schema import Type
from rules.tested import problems

CONFIG = config("[workspace.finance]\nname = 'F'\n[workspace.partners]\nname = 'P'\n")
VOCABULARY = Vocabulary(CONFIG)

RULES = """
[[rule]]
name = "Spam"
when = 'spam.flag'
then = ['discard because "spam"']

[[rule]]
name = "Invoices"
when = 'subject contains "invoice"'
then = ['add label "money"', 'route to workspace "finance"']

[[rule]]
name = "VIP"
when = 'from.domain is "big.example"'
then = ['hold because "look first"']
"""


def runner(tests: str, place: str = "", rules: str = RULES, fetch: Any = None) -> Runner:
    file, problems = load_file(Source("rules/x.toml", rules + tests, place, not place), VOCABULARY.schema)
    assert file is not None, problems
    return Runner(CONFIG, VOCABULARY, file, fetch or (lambda name: None))


def results(tests: str, **options: Any) -> list[Result]:
    return list(runner(tests, **options).run())


@pytest.mark.parametrize(("place", "name"), [("", "system"), ("support", "support")])
def test_the_tests_of_the_examples_pass_and_cover_every_condition(place: str, name: str) -> None:
    text = (files("rules") / "examples" / f"{name}.toml").read_text(encoding="utf-8")
    running = runner("", place, text)
    assert [(result.test.name, result.lines) for result in running.run() if not result.passed] == []
    both, of = running.coverage.both(running._file)
    assert both == of


def test_a_test_passes_that_expects_what_happens() -> None:
    tests = """
[[test]]
name             = "all of it"
mail             = { subject = "An Invoice" }
expect           = ['add label  "money"', 'route to workspace "finance"']
expect_not       = ['discard because "spam"']
expect_rule      = "Invoices"
expect_workspace = "finance"
[[test]]
name        = "nothing"
mail        = { subject = "x" }
expect_none = true
"""
    assert [result.lines for result in results(tests)] == [(), ()]


def test_a_test_that_fails_says_what_it_got_and_which_rule_was_not_reached() -> None:
    tests = """
[[test]]
name   = "a VIP is looked at first"
mail   = { from = "ceo@big.example", subject = "invoice" }
expect = ['hold because "look first"']
"""
    assert results(tests)[0].lines == (
        'expected  hold because "look first"',
        'got       add label "money"      (rule 2 "Invoices", rules/x.toml:7)',
        'got       route to workspace "finance"      (rule 2 "Invoices", rules/x.toml:7)',
        'rule 3 "VIP" would have matched, but was not reached: rule 2 ended the file',
        "= help: move it above rule 2   (W410)",
    )


WHY = """
[[rule]]
name = "Big"
when = 'from.domain is "big.example" and not auto'
then = ['set priority "High"', 'route to workspace "finance"']

[[rule]]
name = "Asked"
on   = "reply"
when = 'subject contains "ask"'
then = ['add label "asked {from.domain}"']

[[rule]]
name    = "Off"
enabled = false
then    = ['add label "off"']
"""


@pytest.mark.parametrize(
    ("mail", "expectation", "lines"),
    [
        ('from = "a@mail.big.example"', "expect = ['set priority \"High\"']",
         ['rule 1 "Big" did not match: from.domain is "big.example"   ⟵ "mail.big.example"   '
          "← close: sub-domain of big.example"]),
        ('from = "a@big.example", auto = true', "expect_workspace = 'finance'",
         ['rule 1 "Big" did not match: not: auto is true']),
        ('from = "a@other.example"', "expect_rule = 'Big'",
         ['rule 1 "Big" did not match: from.domain is "big.example"   ⟵ "other.example"']),
        ('subject = "I ask"', "expect = ['add label \"asked x.example\"']",
         ['rule 2 "Asked" was not considered: only for "reply", this mail is "new"']),
        ('subject = "x"', "expect = ['add label \"off\"']",
         ['rule 2 "Asked" was not considered: only for "reply", this mail is "new"',
          'rule 3 "Off" was switched off: enabled = false']),
        ('from = "a@big.example"', "expect_not = ['set priority \"High\"']",
         ['rule 1 "Big" matched:', "   ✔ all of these", '     ✔ from.domain is "big.example"   ⟵ "big.example"',
          "     ✔ not", "       ✘ auto   ⟵ no"]),
    ],
)  # fmt: skip
def test_a_test_that_fails_names_the_condition_and_the_value(mail: str, expectation: str, lines: list[str]) -> None:
    tests = f"[[test]]\nname = 't'\nmail = {{ {mail} }}\n{expectation}\n"
    (result,) = results(tests, rules=WHY)
    assert [line for line in result.lines if not line.startswith(("expected ", "got "))] == lines


@pytest.mark.parametrize("key", ["expect", "expect_not"])
def test_what_is_wrong_with_a_test_is_said_once(key: str) -> None:
    text = f"[[test]]\nname = 't'\nmail = {{ subject = 'x' }}\n{key} = 5\nexpect_none = true\n"
    file, _ = load_file(Source("rules/x.toml", RULES + text, "", True), VOCABULARY.schema)
    assert file is not None
    assert [problem.code for problem in problems(file.document, VOCABULARY.schema)] == ["E114"]


@pytest.mark.parametrize(
    ("expectation", "line"),
    [
        ("expect_not = ['add label \"money\"']", 'expected  not add label "money"'),
        ('expect_workspace = "support"', 'expected  workspace "support"'),
        ('expect_rule = "VIP"', 'expected  rule "VIP" to match'),
        ("expect_none = true", "expected  no rule to match"),
    ],
)
def test_every_expectation_can_fail(expectation: str, line: str) -> None:
    tests = f"[[test]]\nname = 't'\nmail = {{ subject = 'invoice' }}\n{expectation}\n"
    assert results(tests)[0].lines[0] == line


def test_a_mail_may_come_from_a_file_or_the_archive() -> None:
    about = mail(subject="invoice 5")
    tests = "[[test]]\nname = 't'\nmail = 'm-4711'\nexpect_rule = 'Invoices'\n"
    tests += "[[test]]\nname = 'u'\nmail = 'gone'\nexpect_none = true\n"
    found = results(tests, fetch=lambda name: (about, facts(about)) if name == "m-4711" else None)
    assert [result.passed for result in found] == [True, False]
    assert found[1].lines == ("there is no mail 'gone'",)


@pytest.mark.parametrize("field", FIELDS, ids=lambda field: field.name)
def test_every_field_can_be_given(field: Any) -> None:
    examples: dict[Type, tuple[Any, Any]] = {
        Type.ADDRESS: ("a@b.example",) * 2,
        Type.ADDRESSES: (["a@b.example"], ("a@b.example",)),
        Type.TEXT: ("some text",) * 2,
        Type.TEXTS: (["one", "two"], ("one", "two")),
        Type.NUMBER: (3, 3),
        Type.SIZE: ("2 MB", 2.0 * (1 << 20)),
        Type.DURATION: ("2 days", 172800.0),
        Type.TIME: ("22:30", 1350),
        Type.DAY: ("sat", 5),
        Type.YESNO: (True, True),
        Type.ITEM: (4711, 4711),
    }
    if field.type is Type.DATE:
        return
    written, held = examples.get(field.type, (field.choices[0],) * 2 if field.choices else (None, None))
    _, _, values = built({field.name: written}, VOCABULARY.schema, "", VOCABULARY)
    assert values[field.name] == held


def test_fields_follow_from_what_is_given() -> None:
    given = {
        "from": "Jane <jane@big.example>", "subject": "Re: x",
        "thread": {"closed_for": "40 days", "item": 17},
        "headers": {"X-A": "1"}, "item": {"PO": "5"}, "attachments": {"name": ["a.exe"]},
        "sender": {"groups": ["staff"]},
    }  # fmt: skip
    about, known, values = built(given, VOCABULARY.schema, "support", VOCABULARY)
    assert (values["from.domain"], values["from.name"], values["subject.clean"]) == ("big.example", "Jane", "x")
    assert (values["thread.found"], values["thread.closed"], values["thread.item"]) == (True, True, 17)
    assert (values["attachments"], values["attachments.count"], values["sender.known"]) == (True, 1, True)
    assert (known.mailbox, known.workspace) == ("support", "support")
    header = VOCABULARY.schema.field("headers", "x-a")
    assert header is not None and values[header.name] == ("1",)
    assert replace(about, subject="") != about
