"""`re` for scripts means what Python's `re` means, whichever engine answers."""
# ruff: noqa: E501 - a script a line

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hooks.facades import regex
from hooks.facades.pattern import NeedsBacktracking, translate
from hooks.facades.regex import PatternError

_ATOMS = st.sampled_from(
    [*"abü1 _-.", r"\d", r"\w", r"\s", r"\W", r"\S", r"\D", "[ab]", "[^a]", r"[\w-]", r"[^\s]", r"\.", r"\-", "[]a]",
     "[a-c]", "(a)", "(?:ab)", "(a|b)", "(?P<n>b)", "ä", r"\u00fc", r"\x61", r"[\d.]", "{", "}", "]", r"\b", r"\B"]
)  # fmt: skip
_TIMES = st.sampled_from(["", "", "", "*", "+", "?", "*?", "+?", "??", "{2}", "{1,2}", "{,2}", "{1,}?"])
_PATTERNS = st.lists(st.tuples(_ATOMS, _TIMES).map("".join), min_size=1, max_size=5).map("".join)
_ENDS = st.sampled_from([("", ""), ("^", ""), ("", "$"), ("^", "$"), (r"\A", r"\Z")])
_TEXTS = st.text(alphabet="abcAB1 ü\n.-_äÜ\t{}]", max_size=25)
_FLAGS = st.sampled_from([0, re.I, re.M, re.S, re.I | re.M | re.S, re.A])


@settings(max_examples=600, deadline=None)
@given(_PATTERNS, _ENDS, _TEXTS, _FLAGS)
def test_a_pattern_finds_what_python_finds(pattern: str, ends: tuple[str, str], text: str, flags: int) -> None:
    whole = ends[0] + pattern + ends[1]
    try:
        python = re.compile(whole, flags)
    except (re.error, RecursionError):
        return
    try:
        ours = regex.Pattern(whole, int(flags))
    except PatternError:
        return
    if not text and r"\B" in whole:
        return  # what \B means in an empty text depends on the version of Python
    assert [match._span() for match in ours._each(text)] == [match.span() for match in python.finditer(text)]
    assert ours.findall(text) == python.findall(text)
    assert ours.sub("<>", text) == python.sub("<>", text)
    assert ours.split(text) == python.split(text)
    found, expected = ours.match(text), python.match(text)
    assert (found and found.groups()) == (expected and expected.groups())
    assert (ours.fullmatch(text) is None) == (python.fullmatch(text) is None)


def test_half_a_character_is_found_by_the_other_engine() -> None:
    text, ours, python = "ä \ud800b ab", regex.Pattern("[ab]+", 0), re.compile("[ab]+")
    assert ours._plain is not None
    assert [match._span() for match in ours._each(text)] == [match.span() for match in python.finditer(text)]
    assert (ours.sub("<>", text), ours.split(text)) == (python.sub("<>", text), python.split(text))
    for method in ("search", "match", "fullmatch"):
        for each in (text, text[3:], "a\udfff"):
            found, expected = getattr(ours, method)(each), getattr(python, method)(each)
            assert (found and found._span()) == (expected and expected.span())


@pytest.mark.parametrize(
    "pattern", [r"(?=a)", r"(?!a)", r"(?<=a)b", r"(?<!a)b", r"(a)\1", r"(?P<x>a)(?P=x)", r"a*+", r"(?>a)", r"(?x) a"]
)
def test_what_re2_does_not_have_goes_to_the_other_engine(pattern: str) -> None:
    with pytest.raises(NeedsBacktracking):
        translate(pattern, 0)
    assert regex.Pattern(pattern, 0)._plain is None


@pytest.mark.parametrize("pattern", ["(", "a)", "[", "*", "a{2000}", "((a{1000}){1000}){1000}", r"\q", "\ud800"])
def test_a_wrong_pattern_is_an_error_with_a_sentence(pattern: str) -> None:
    with pytest.raises(PatternError, match="in the pattern"):
        regex.Pattern(pattern, 0)


@pytest.mark.parametrize(
    ("template", "expected"),
    [(r"[\1]", "[a]b"), (r"\g<n>\g<1>\g<0>", "aaab"), (r"\n", "\nb"), (r"\\", "\\b"), (r"\\1", "\\1b"), ("ü\\1", "üab"), ("", "b")],
)  # fmt: skip
def test_templates_of_replacements(template: str, expected: str) -> None:
    assert regex.Pattern("(?P<n>a)", 0).sub(template, "ab") == expected
    assert re.sub("(?P<n>a)", template, "ab") == expected


def test_a_bad_template_is_an_error() -> None:
    with pytest.raises(PatternError):
        regex.Pattern("a", 0).sub(r"\q", "a")
    with pytest.raises(IndexError):
        regex.Pattern("a", 0).sub(r"\7", "a")


def test_functions_and_matches_as_scripts_use_them(guard: Any) -> None:
    body = r"""
import re
m = re.search(r"(?P<key>SN|PO)[ :#]*(?P<no>\d+)", mail.body, re.I)
ctx.log(m.group(), m["key"], m[2], m.group("key", "no"), m.groupdict(), m.span("no"), m.start(), m.end(2), m.lastgroup)
ctx.log(re.split(r"[,;]\s*", "a, b;c", maxsplit=1), re.findall(r"(\d)(\d)?", "12 3"), re.subn("a", "b", "aa"))
ctx.log(re.sub(r"\d+", lambda m: "#" * len(m.group()), "x 123"), re.escape("a.b*c"), re.compile("a", re.I | re.M).flags)
ctx.log(re.fullmatch(r"[\w.+-]+@[\w-]+(\.[\w-]+)+", "a.b+c@x-y.example") is not None, re.match("b", "ab"))
"""
    reply = guard(body, mail={"body": "your sn: 123"})
    assert reply["log"] == [
        "sn: 123 sn 123 ('sn', '123') {'key': 'sn', 'no': '123'} (9, 12) 5 12 no",
        "['a', 'b;c'] [('1', '2'), ('3', '')] ('bb', 2)",
        "x ### a\\.b\\*c 10",
        "True None",
    ]
