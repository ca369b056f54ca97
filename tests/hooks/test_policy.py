"""Bad input: every script that cannot run is an error with a place and what to do."""

from __future__ import annotations

import ast
import sys
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hooks import policy, source
from hooks.problem import CODES, ScriptProblem

Compile = Callable[[str], tuple[ScriptProblem, ...]]


def test_the_place_and_the_way_out_of_a_forbidden_import(compiled: Compile) -> None:
    (problem,) = compiled("def guard(mail, ctx):\n    import os\n")
    assert (problem.code, problem.line, problem.column, problem.length) == ("H102", 2, 12, 2)
    assert problem.message == '"import os" is not allowed in a hook'
    assert "email.utils" in problem.help


def test_columns_count_characters_not_bytes(compiled: Compile) -> None:
    (problem,) = compiled("x = 'äöü', mail.__class__\n")
    assert (problem.column, problem.length) == (12, 14)


def test_all_problems_come_at_once_and_in_order(compiled: Compile) -> None:
    problems = compiled("import os\nclass A: pass\neval('1')\n")
    assert [(problem.line, problem.code) for problem in problems] == [(1, "H102"), (2, "H105"), (3, "H103")]
    assert {problem.code for problem in problems} <= CODES.keys()


@pytest.mark.parametrize(
    ("text", "code", "line"),
    [
        ("def guard(mail, ctx:\n", "H101", 1),
        ("def guard(mail, ctx):\nreturn 1\n", "H101", 2),
        ("x = 1\nreturn x\n", "H101", 2),
        ("x = 1\n# \u202e hidden\n", "H106", 2),
        ("x = '\u200b'\n", "H106", 1),
        ("x = 1\x00\n", "H106", 1),
        ("x = 1\rimport os\n", "H106", 1),
        ("\ufeffx = 1\n", "H106", 1),
        ("x = '" + "a" * 70_000 + "'\n", "H107", 0),
        ("x = [" + "1," * 25_000 + "]\n", "H107", 1),
        ("x = " + "not " * 500 + "1\n", "H107", 1),
        ("x = " + "-" * 9_000 + "1\n", "H107", 0),
        ("x = 1" + "0" * 4_280 + "\n", "H107", 1),
        ("nonlocal x\n", "H101", 1),
        ("def f():\n    global print\n", "H103", 2),
    ],
)  # fmt: skip
def test_a_script_that_cannot_be_compiled(text: str, code: str, line: int, compiled: Compile) -> None:
    problem = compiled(text)[0]
    assert (problem.code, problem.line) == (code, line), problem


def test_bytes_are_utf8_or_an_error_with_a_line() -> None:
    assert source.decode(b"x = 1\ny = '\xe4'\n")[1] == ScriptProblem(
        "H110", "this is not UTF-8: byte 0xe4", 2, help="save the file as UTF-8"
    )
    assert source.decode(b"\xef\xbb\xbfx = 1\n") == ("x = 1\n", None)


def test_ten_megabytes_of_source_are_refused_without_being_parsed() -> None:
    text, problem = source.decode(b"x = 1\n" * 2_000_000)
    assert text == "" and problem is not None and problem.code == "H107"


def test_an_encoding_line_is_not_honoured(compiled: Compile) -> None:
    assert compiled("# -*- coding: utf-7 -*-\nx = '+AG8-'\n") == ()


@pytest.mark.parametrize(
    ("text", "code"),
    [("x = 1\n", "H108"), ("def guard(): pass\n", "H109"), ("def guard(a, b, c): pass\n", "H109"),
     ("guard = 5\n", "H108"), ("def guard(mail, *, ctx): pass\n", "H109"), ("def activity(m, i, c): pass\n", "H108"),
     ("raise ValueError('has no function, must take')\n", "")],
)  # fmt: skip
def test_a_script_needs_its_function(text: str, code: str, jailed: Any) -> None:
    result = jailed(text)
    assert result.outcome == "runtime-error"
    assert result.code == code


@pytest.mark.parametrize(
    "text", ["def guard(mail, ctx, more=1): pass\n", "def guard(*both): pass\n", "guard = lambda mail, ctx: None\n"]
)
def test_a_function_that_can_be_called_is_good_enough(text: str, jailed: Any) -> None:
    assert jailed(text).outcome == "ok"


_WORDS = st.sampled_from(
    [
        *(
            [
                "def",
                "class",
                "return",
                "import",
                "from",
                "lambda",
                "yield",
                "async",
                "await",
                "with",
                "match",
                "case",
                "try",
                "except",
                "finally",
                "raise",
            ]
        ),
        *(
            [
                "global",
                "nonlocal",
                "for",
                "while",
                "if",
                "else",
                "in",
                "is",
                "not",
                "and",
                "or",
                "del",
                "assert",
                "pass",
                "break",
                "continue",
            ]
        ),
        *(
            [
                "mail",
                "ctx",
                "item",
                "_x",
                "__x__",
                "_getattr_",
                "getattr",
                "open",
                "eval",
                "print",
                "format",
                "True",
                "None",
                "x",
                "y",
                "z",
                "f",
                "1",
                "0",
                "1e9",
            ]
        ),
        *(
            [
                "99999999999",
                "'a'",
                '"b"',
                "f'{x}'",
                "f'{x:{y}}'",
                "(",
                ")",
                "[",
                "]",
                "{",
                "}",
                ":",
                ",",
                ".",
                ";",
                "=",
                "==",
                ":=",
                "+=",
                "*=",
                "**",
                "*",
                "@",
                "/",
                "//",
                "%",
            ]
        ),
        *(["<<", ">>", "|", "&", "^", "~", "->", "...", "#", "lambda:", "os", "sys", "re", "json"]),
        *("\n", "\n    ", "\n        "),
    ]
)
_SOURCES = st.lists(_WORDS, max_size=40).map(" ".join)


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(_SOURCES)
def test_the_compiler_takes_anything_and_never_raises(compiled: Compile, text: str) -> None:
    _takes(compiled, text)


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.text(max_size=300))
def test_the_compiler_takes_any_text_and_never_raises(compiled: Compile, text: str) -> None:
    _takes(compiled, text)


def _takes(compiled: Compile, text: str) -> None:
    limit = sys.getrecursionlimit()
    problems = compiled(text)
    assert sys.getrecursionlimit() == limit
    assert all(problem.code in CODES and problem.line >= 0 for problem in problems)


@settings(max_examples=150, deadline=None)
@given(_SOURCES)
def test_no_attribute_or_item_is_left_unguarded(text: str) -> None:
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        return
    checked = policy.Policy(text)
    checked.visit(tree)
    if checked.problems:
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute | ast.Subscript):
            assert not isinstance(node.ctx, ast.Load)
        if isinstance(node, ast.Import | ast.ImportFrom):
            assert all(alias.asname != "_" for alias in node.names)
        assert not isinstance(node, ast.ClassDef | ast.With | ast.Match | ast.Await | ast.TryStar)
