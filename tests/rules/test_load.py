"""Loading: any text gives rules or problems, and what is broken beside the rules does not stop them."""

from __future__ import annotations

from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rules.load import Source, load_file
from rules.problem import Severity, render

_LINES = st.sampled_from(
    ["[[rule]]", "[rule]", "[lists]", "[define]", "[[test]]", 'name = "a"', 'name = "b"', "name = 5",
     "when = 'known'", "when = 'known and'", 'when = """', '"""', "then = ['stop']", "then = 'stop'", "then = []",
     "then = [5]", 'on = "reply"', "on = 3", "x = ['a']", "y = 'x'", "z = {", "mail = { known = true }",
     "mail = 'm-1'", "expect_none = true", "expect = ['no']", "until = 2026-01-01", "until = 'x'", "enabled = 1",
     "# comment", "", "é = 1", "\t", "known = 'known'", "p = 'p or known'"]
)  # fmt: skip


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(lines=st.lists(_LINES, max_size=14))
def test_any_file_loads_or_has_problems_with_places(language: Any, lines: list[str]) -> None:
    text = "\n".join(lines)
    file, problems = language.load(text)
    assert (file is None) is any(problem.severity is Severity.ERROR for problem in problems)
    for problem in problems:
        assert problem.line <= text.count("\n") + 1
        assert render(problem)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(max_size=60))
def test_any_text_is_a_file_or_a_problem(language: Any, text: str) -> None:
    file, problems = language.load(text)
    assert file is not None or problems


def test_a_broken_test_does_not_keep_a_file_from_loading(language: Any) -> None:
    text = "[[rule]]\nname = 'a'\nthen = ['stop']\n[[test]]\nname = 't'\nmail = { nothing = 1 }\nexpect = ['stp']\n"
    file, problems = language.load(text)
    assert file is not None
    assert problems == ()


def test_line_ends_and_a_byte_order_mark_do_not_matter(language: Any) -> None:
    text = "[[rule]]\nname = 'a'\nwhen = 'form'\nthen = ['stop']\n"
    _, plain = language.load(text)
    _, windows = language.load("\ufeff" + text.replace("\n", "\r\n"))
    assert plain == windows
    assert (plain[0].line, plain[0].column) == (3, 9)


def test_a_definition_is_asked_once_for_a_mail(language: Any) -> None:
    asked: list[str] = []
    read = language.schema.direct["score"]
    language.schema.direct["score"] = lambda source: asked.append("score") or read(source)
    rules = "".join(f"[[rule]]\nname = 'r{n}'\nwhen = 'big and known'\nthen = ['add label \"x\"']\n" for n in range(3))
    language.run("[define]\nbig = 'score > 5'\n" + rules, score=6)
    assert asked == ["score"]


def test_the_same_text_with_other_permissions(language: Any) -> None:
    text = "[[rule]]\nname = 'a'\nthen = ['forward to \"a@b.example\"']\n"
    assert load_file(Source("x", text, "", True), language.schema)[0] is not None
    assert [p.code for p in load_file(Source("x", text, "w"), language.schema)[1]] == ["E160"]
