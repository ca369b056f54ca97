"""Template files looked through: every mistake with its place, also where a mail seldom comes."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.outbox.checking import check
from engine.outbox.names import SAMPLE
from engine.outbox.templates import LANGUAGES, NAMES, Templates, built_in
from rules.problem import Problem, Severity, render


def looked(folder: Path, text: str | bytes, name: str = "ack.en.txt") -> tuple[Problem, ...]:
    (folder / name).write_bytes(text if isinstance(text, bytes) else text.encode())
    ((_, problems),) = check(folder)
    return problems


@pytest.mark.parametrize(
    ("line", "said", "column", "advice"),
    [
        ("{{ tilte }}", 'there is no "tilte"', 4, "did you mean  title ?"),
        ("{% if false %}{{ nosuch }}{% endif %}", 'there is no "nosuch"', 18, "a template may use instance"),
        ("{{ title | uper }}", 'there is no filter "uper"', 12, "did you mean  upper ?"),
        ("{% if not account %}{{ x | shout }}{% endif %}", 'there is no "x"', 24, "a template may use"),
        ("{% if item is evn %}x{% endif %}", 'there is no test "evn"', 15, "did you mean  even ?"),
        ("{% for file in files %}{{ file.nam }}{% endfor %}", 'file has no "nam"', 32, "did you mean  name ?"),
        ("{% for c in changes | list %}{{ c.old }}{% endfor %}", 'c has no "old"', 35, "a template may use"),
        ("{{ item.title }}", 'item has no "title"', 9, "did you mean  title ?"),
        ("{% include 'x' %}", "a template cannot take in another one", 1, ""),
    ],
)
def test_a_name_that_does_not_exist_is_found_with_its_place(
    tmp_path: Path, line: str, said: str, column: int, advice: str
) -> None:
    problem = looked(tmp_path, f"Subject: x\n\n{line}\n")[0]
    assert (problem.code, problem.message, problem.line, problem.column) == ("C183", said, 3, column)
    assert problem.help.startswith(advice) and problem.severity is Severity.ERROR


@pytest.mark.parametrize(
    ("line", "column"),
    [("{% if title %", 1), ("{{ title", 1), ("{% nosuch %}", 4), ("{{ title title }}", 4), ("{% endif %}", 4)],
)
def test_a_syntax_error_is_shown_with_line_and_caret(tmp_path: Path, line: str, column: int) -> None:
    (problem,) = looked(tmp_path, f"Subject: x\n\n{line}")
    assert (problem.code, problem.line) == ("C182", 3)
    assert problem.column == column and "^" in render(problem)


@pytest.mark.parametrize("text", ["", "\n\n", "Subject: {{ title }}\n", "Subject: x\n\n{% if false %}x{% endif %}\n"])
@pytest.mark.parametrize("name", ["ack.en.txt", "ack.en.html"])
def test_a_template_that_says_nothing_is_an_error(tmp_path: Path, text: str, name: str) -> None:
    found = looked(tmp_path, text.partition("\n\n")[2] if name.endswith(".html") else text, name)
    (problem,) = [each for each in found if each.code == "C183"]
    assert problem.severity is Severity.ERROR and "says nothing" in problem.message


def test_a_problem_is_printed_as_compilers_do(tmp_path: Path) -> None:
    (problem,) = looked(tmp_path, "Subject: {{ marker }} {{ tilte }}\n\nx\n")
    assert render(problem).split("\n") == [
        'error[C183]: there is no "tilte"', " --> ack.en.txt:1:26", "  |", "1 | Subject: {{ marker }} {{ tilte }}",
        "  |                          ^^^^^", "  = help: did you mean  title ?",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "text",
    ["{% set x = title %}{{ x }}", "{% for f in files %}{{ loop.index }} {{ f.name }}{% endfor %}",
     "{% macro m(a) %}{{ a }} {{ caller() }}{% endmacro %}{% call m(1) %}x{% endcall %}",
     "{{ title | upper | truncate(3) }}",
     "{% for change in changes %}{{ change.before or '–' }}{% endfor %}", "{{ title.upper() }}",
     "{{ range(3) | join }}",
     "{% with a = item %}{{ a }}{% endwith %}", "{{ reply_reaches[0] if reply_reaches }}"],
)  # fmt: skip
def test_what_is_right_is_no_problem(tmp_path: Path, text: str) -> None:
    assert looked(tmp_path, f"Subject: x\n\n{text}\n") == ()


@pytest.mark.parametrize("text", ["{{ 1 / 0 }}", "{{ roles[0] }}", "{{ title + 1 }}", "{{ 'x' * 10 ** 9 }}"])
def test_what_fails_with_values_or_without_is_found_by_trying(tmp_path: Path, text: str) -> None:
    (problem,) = looked(tmp_path, f"Subject: x\n\n\n{text}\n")
    assert (problem.code, problem.line) == ("C183", 4) and problem.message.startswith("the template fails: ")


@pytest.mark.parametrize(
    ("content", "said"),
    [("Grüße".encode("latin-1"), "not UTF-8 at byte 2"), (b"x" * (256 << 10) + b"x", "longer than 256 kB")],
)
def test_a_file_that_is_not_read_is_an_error(tmp_path: Path, content: bytes, said: str) -> None:
    (problem,) = looked(tmp_path, content)
    assert problem.code == "C182" and said in problem.message


def test_a_file_with_another_name_or_no_subject_is_a_warning(tmp_path: Path) -> None:
    assert [each.code for each in looked(tmp_path, "Hello\n", "ack.xx.txt")] == ["C180", "C181"]


def test_a_former_name_is_told(tmp_path: Path) -> None:
    (problem,) = looked(tmp_path, "Subject: x\n\nx\n", "notify.de.txt")
    assert (problem.code, problem.severity) == ("C170", Severity.INFO)
    assert problem.help == "call the file  notice.de.txt"


def test_files_of_workspaces_are_looked_through(tmp_path: Path) -> None:
    (tmp_path / "support").mkdir()
    assert looked(tmp_path, "Subject: x\n\n{{ x }}\n", "support/ack.en.txt")[0].code == "C183"


def test_what_is_built_in_has_no_problem(tmp_path: Path) -> None:
    for language in LANGUAGES:
        for name in NAMES:
            if name in built_in(language):
                (tmp_path / f"{name}.{language}.txt").write_text(built_in(language)[name].lstrip("\n"), "utf-8")
    assert [(file.name, problems) for file, problems in check(tmp_path) if problems] == []


@pytest.mark.parametrize("text", ["{{ nosuch }}", "{{ title | shout }}", "{% if", "{{ 1/0 }}"])
def test_what_is_found_is_what_would_be_replaced(tmp_path: Path, text: str) -> None:
    problems = looked(tmp_path, text)
    assert any(problem.severity is Severity.ERROR for problem in problems)
    assert Templates(tmp_path).render("ack", "en", SAMPLE).replaced


# ── HTML ──────────────────────────────────────────────────────────────────────────────────────────────────────


def beside(folder: Path, html: str, name: str = "ack.en.html") -> tuple[Problem, ...]:
    (folder / "ack.en.txt").write_text("Subject: x\n\nx\n", "utf-8")
    (folder / name).write_text(html, "utf-8")
    return dict(check(folder))[folder / name]


@pytest.mark.parametrize(
    ("html", "code", "said"),
    [("<p>\n{{ tilte }}", "C183", 'there is no "tilte"'), ("<p>\n{{ text | safe }}", "C183", 'no filter "safe"'),
     ("<p>\n{% if", "C182", "unexpected"), ("<p>{{ content }}", "C183", 'there is no "content"')],
)  # fmt: skip
def test_html_beside_a_text_is_looked_through(tmp_path: Path, html: str, code: str, said: str) -> None:
    (problem,) = beside(tmp_path, html)
    assert problem.code == code and said in problem.message.lower() and problem.file == "ack.en.html"
    assert problem.line == html.count("\n") + 1 and "^" in render(problem)


@pytest.mark.parametrize(
    ("html", "code", "said"),
    [("<html>{{ contnet }}</html>", "C182", 'does not show "content"'), ("{{ content }}{{ nmae }}", "C183", "nmae"),
     ("{% autoescape false %}{{ content }}{% endautoescape %}", "C182", "autoescape")],
)  # fmt: skip
def test_a_layout_is_looked_through(tmp_path: Path, html: str, code: str, said: str) -> None:
    (problem,) = beside(tmp_path, html, "layout.html")
    assert problem.code == code and said in problem.message


@pytest.mark.parametrize(
    "html", ["{{ text | paragraphs }}", "<p>{{ title }}</p>{% if roles %}{{ roles[0] }}{% endif %}"]
)
def test_html_that_is_right_is_no_problem(tmp_path: Path, html: str) -> None:
    assert beside(tmp_path, html) == ()
    assert beside(tmp_path, "{{ content }}{{ language }}", "layout.html") == ()


def test_html_without_its_text_is_not_used_and_a_warning(tmp_path: Path) -> None:
    (tmp_path / "held.de.html").write_text("<p>", "utf-8")
    ((_, (problem,)),) = check(tmp_path)
    assert (problem.code, problem.severity) == ("C180", Severity.WARNING)
    assert problem.help == "write the text, too: allegra templates copy held --language de"
