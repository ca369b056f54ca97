"""The grammar: sentences to trees, and no text that breaks the parser."""

from __future__ import annotations

import importlib.resources
import logging
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules import syntax
from rules.outline import bare
from rules.parse import ACTIONS, MAX_LENGTH, parse_action, parse_condition
from rules.syntax import Kind, Many, Not, Op, SyntaxFault


def the_test(text: str) -> syntax.Test:
    node = bare(parse_condition(text))
    assert isinstance(node, syntax.Test)
    return node


@pytest.mark.parametrize(
    ("text", "op", "negated"),
    [
        ('a is "x"', Op.IS, False), ('a is not "x"', Op.IS, True), ('a are "x"', Op.IS, False),
        ('a contains "x"', Op.CONTAINS, False), ('a contain "x"', Op.CONTAINS, False),
        ('a does not contain "x"', Op.CONTAINS, True), ('a do not contain "x"', Op.CONTAINS, True),
        ('a starts with "x"', Op.STARTS, False), ('a does not start with "x"', Op.STARTS, True),
        ('a ends with "x"', Op.ENDS, False),
        ('a end with "x"', Op.ENDS, False),
        ('a does not end with "x"', Op.ENDS, True),
        ('a like "*x"', Op.LIKE, False), ('a not like "*x"', Op.LIKE, True), ("a matches /x/i", Op.MATCHES, False),
        ("a does not match /x/", Op.MATCHES, True), ("a > 5", Op.ABOVE, False), ("a <= 5", Op.BELOW_IS, False),
        ("a before 2 days ago", Op.BEFORE, False), ("a after 2026-12-31", Op.AFTER, False),
        ("a between 18:00 and 08:00", Op.BETWEEN, False), ("a in [sat, sun]", Op.IN, False),
        ('a not in list "x"', Op.IN, True), ("a exists", Op.EXISTS, False), ("a is missing", Op.EXISTS, True),
        ("a does not exist", Op.EXISTS, True),
        ("a is not missing", Op.EXISTS, False),
        ("a is empty", Op.EMPTY, False),
        ("a is not empty", Op.EMPTY, True), ("a", Op.ALONE, False), ("auth.dmarc is none", Op.IS, False),
    ],
)  # fmt: skip
def test_every_comparison_is_read(text: str, op: Op, negated: bool) -> None:
    found = the_test(text)
    assert (found.op, found.negated) == (op, negated)
    assert text[found.start : found.end] == text


def test_quantifiers_amounts_and_lists() -> None:
    found = the_test('all cc end with any of ["@a", "@b",]')
    assert (found.quantifier, found.operand.amount) == ("all", "any")
    assert [item.source for item in found.operand.values.items] == ["@a", "@b"]
    assert the_test('x is none of list "y"').operand.amount == "none"


def test_headers_have_a_key() -> None:
    assert the_test('headers["X-Flag"] is "YES"').subject.key == "X-Flag"


def test_values_know_what_they_look_like() -> None:
    kinds = {'"a"': Kind.TEXT, "5": Kind.NUMBER, "-1.5": Kind.NUMBER, "5 MB": Kind.SIZE, "5MB": Kind.SIZE,
             "2 days": Kind.DURATION, "1 hour": Kind.DURATION, "2 days ago": Kind.AGO, "+2 days": Kind.AHEAD,
             "2026-12-31": Kind.DATE, "08:00": Kind.TIME, "pass": Kind.WORD}  # fmt: skip
    for source, kind in kinds.items():
        assert the_test(f"a is {source}").operand.kind is kind, source


def test_and_binds_before_or_and_brackets_before_both() -> None:
    node = parse_condition("a or b and c")
    assert isinstance(node, Many)
    assert not node.every
    assert isinstance(node.kids[1], Many)
    assert isinstance(bare(parse_condition("not (a or b)")), Not)


def test_comments_end_with_their_line_but_not_inside_texts_and_patterns() -> None:
    node = parse_condition('a is "#1" # one\n and b matches /#\\d/ # two')
    assert isinstance(node, Many)
    assert len(node.kids) == 2


def test_texts_hold_backslashes_as_they_are() -> None:
    assert the_test(r'a is "C:\new\"').operand.source == "C:\\new\\"


@pytest.mark.parametrize(
    ("text", "name", "arguments"),
    [
        ('route to workspace "finance"', "route_to_workspace", ["finance"]),
        ("route to system", "route_to_system", []),
        ('set priority "High"', "set", ["priority", "High"]), ('set priority to "High"', "set", ["priority", "High"]),
        ('set "PO number" to "{po}"', "set", ["PO number", "{po}"]),
        ("set due_date +2 days", "set", ["due_date", "2 days"]),
        ('add label "x"', "add_label", ["x"]), ('assign to "anna"', "assign_to", ["anna"]),
        ('assign to group "g"', "assign_to_group", ["g"]), ('assign to group "g" by turn', "assign_by_turn", ["g"]),
        ("add cc as editor", "add_cc", ["editor"]),
        ("add to as watcher", "add_to", ["watcher"]), ('add "anna" as reader', "add_person", ["anna", "reader"]),
        ('thread by "ref" = "{ref}"', "thread_by", ["ref", "{ref}"]), ("start new item", "start_new_item", []),
        ('reject with "no"', "reject", ["no"]), ('discard because "spam"', "discard", ["spam"]),
        ('hold because "?"', "hold", ["?"]),
        ('reply with template "ack"', "reply_with", ["ack"]),
        ("no reply", "no_reply", []), ("set author to original sender", "original_sender", []),
        ('forward to "a@b.example"', "forward_to", ["a@b.example"]), ('notify "anna"', "notify", ["anna"]),
        ('drop attachments like "*.exe"', "drop_attachments", ["*.exe"]),
        ('skip gate "auto_reply" because "x"', "skip_gate", ["auto_reply", "x"]), ('run hook "x"', "run_hook", ["x"]),
        ("stop", "stop", []), ("continue", "continue_", []),
    ],
)  # fmt: skip
def test_every_action_is_read(text: str, name: str, arguments: list[str]) -> None:
    action = parse_action(text)
    assert (action.name, [argument.source for argument in action.arguments]) == (name, arguments)


def test_every_action_of_the_grammar_is_declared() -> None:
    grammar = (importlib.resources.files("rules") / "grammar.lark").read_text(encoding="utf-8")
    block = grammar[grammar.index("\naction:") : grammar.index("\ntarget:")]
    assert sorted(line.split("-> ")[1].strip() for line in block.splitlines() if "-> " in line) == sorted(ACTIONS)


def told_while_tables_are_made(grammar: str, caplog: pytest.LogCaptureFixture) -> list[str]:
    """What lark says when it makes the tables: conflicts it settles by itself are told to its logger alone."""
    import lark

    with caplog.at_level(logging.DEBUG, logger="lark"):
        lark.Lark(grammar, parser="lalr", start=["condition", "action"], debug=True, maybe_placeholders=True)
    return [record.getMessage() for record in caplog.records if "onflict" in record.getMessage()]


def test_the_grammar_has_no_conflicts(caplog: pytest.LogCaptureFixture) -> None:
    grammar = (importlib.resources.files("rules") / "grammar.lark").read_text(encoding="utf-8")
    assert told_while_tables_are_made(grammar, caplog) == []


def test_a_conflict_of_a_grammar_would_be_seen(caplog: pytest.LogCaptureFixture) -> None:
    dangling = 'condition: "if" condition | "if" condition "else" condition | "x"\naction: condition'
    assert told_while_tables_are_made(dangling, caplog)


def test_importing_the_language_does_not_import_lark() -> None:
    code = "import sys, rules.load, rules.run, rules.explain, rules.lint; print('lark' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_a_condition_without_end_is_refused_not_parsed() -> None:
    for text in ("a or " * MAX_LENGTH, "not " * 500 + "a", "(" * 5000):
        with pytest.raises(SyntaxFault) as caught:
            parse_condition(text)
        assert caught.value.code == "E116"


_WORDS = st.sampled_from(
    ["a", "subject", "is", "not", "and", "or", "(", ")", "[", "]", '"x"', '"', "/x/", "5", "5 MB", "any of",
     "list", "in",
     ",",
     "contains", "does", "between", "2 days", "ago", "+", "=", "#", "exists", "\n", "set", "to", "add", "as", "{", "ü",
     "headers"]
)  # fmt: skip


@given(st.lists(_WORDS, max_size=12).map(" ".join) | st.text(max_size=40))
def test_any_text_is_a_tree_or_one_fault_inside_of_it(text: str) -> None:
    for parse in (parse_condition, parse_action):
        try:
            parse(text)
        except SyntaxFault as fault:
            assert 0 <= fault.start <= fault.end
            assert fault.start <= max(len(text), 1)
            assert fault.message
            assert not {"FIELD", "STRING", "LPAR", "$END", "_DOES", "any_of", "ORDER"} & set(fault.help.split())
