"""fmt: the usual shape, the same meaning, comments where they were."""

from __future__ import annotations

import tomllib
from importlib.resources import files

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rules.document import read
from rules.format import formatted, sentence

UGLY = """\
# about the file
[define]
x='auto   and(  size>10MB )'   # big


[[rule]]
name="a"\t
when = "headers [ \\"X\\" ]   is   \\"a  b\\""
# between
then=["add label \\"q\\"",  'set due_date + 2 days' ,
  # inside
   'stop'  ]
[[rule]]
name = "it's"
shadow=true
when = '''
 auto # hi
   and size > 1 MB   \x20
'''
then = ['stop']



"""

PRETTY = """\
# about the file
[define]
x = 'auto and (size > 10 MB)'   # big

[[rule]]
name = "a"
when = 'headers["X"] is "a  b"'
# between
then = ['add label "q"',  'set due_date +2 days' ,
  # inside
   'stop'  ]

[[rule]]
name   = "it's"
shadow = true
when   = '''
 auto # hi
   and size > 1 MB   \x20
'''
then   = ['stop']
"""


def test_the_usual_shape() -> None:
    assert formatted("x", UGLY) == PRETTY


def test_formatting_again_changes_nothing() -> None:
    assert formatted("x", PRETTY) == PRETTY


@pytest.mark.parametrize("name", ["system.toml", "support.toml"])
def test_the_examples_have_the_usual_shape(name: str) -> None:
    text = (files("rules") / "examples" / name).read_text(encoding="utf-8")
    assert formatted(name, text) == text


def test_what_is_no_toml_is_left_alone() -> None:
    assert formatted("x", "[[rule]\n") is None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('a  is   "x  y"', 'a is "x  y"'),
        ("( a or b )and not c", "(a or b) and not c"),
        ('a in [ "x" ,"y" ]', 'a in ["x", "y"]'),
        ("a matches  /x  y\\/z/i", "a matches /x  y\\/z/i"),
        ("size>=5kB", "size >= 5 kB"),
        ("this is no sentence  at all", "this is no sentence  at all"),
        ("auto # why  not", "auto # why  not"),
    ],
)
def test_blanks_inside_of_a_sentence(text: str, said: str) -> None:
    assert sentence(text) == said


_PIECES = st.sampled_from(
    ["auto", "and", "or", "not", "(", ")", '"a  b"', "/x y/i", "subject", "is", "contains", ">", "5", "MB", "10MB",
     "in", "[", "]", ",", "+", "2 days", "#", "stop", "add", "label", "list", "  "]
)  # fmt: skip


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(_PIECES, max_size=10), st.lists(_PIECES, max_size=6), st.sampled_from([" ", "  ", ""]))
def test_any_file_keeps_its_meaning_and_comes_to_rest(when: list[str], then: list[str], blank: str) -> None:
    text = f"[[rule]]\nname='n'\nwhen='{blank.join(when)}'\n\n\nthen=['{' '.join(then)}']  # c\n"
    once = formatted("x", text)
    assert once is not None
    assert formatted("x", once) == once
    assert tomllib.loads(once)["rule"][0]["name"] == "n"
    before, after = read("x", text), read("x", once)
    assert [p.code for p in before.problems] == [p.code for p in after.problems]
    assert [(type(r.condition), [a.name for _, a in r.actions]) for r in before.rules] == [
        (type(r.condition), [a.name for _, a in r.actions]) for r in after.rules
    ]
