"""`allegra help`: the documents, wherever the engine is installed."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
from click.shell_completion import ShellComplete
from click.testing import CliRunner

from engine.cli.main import allegra
from engine.desk import manual
from engine.model.reasons import REASONS

ROOT = Path(__file__).resolve().parents[2]


def call(*arguments: str) -> Any:
    return CliRunner().invoke(allegra, ["help", *arguments])


def test_every_document_is_a_topic_with_a_line_of_its_own() -> None:
    listed = dict(line.split("  ", 1) for line in call().stdout.splitlines())
    assert {path.stem for path in (ROOT / "docs").glob("*.md")} | {"example", "security"} == set(listed)
    assert listed["rules"].strip() == "Rules"
    assert all(says.strip() for says in listed.values())


@pytest.mark.parametrize("topic", ["rules", "config", "decisions/two-fences"])
def test_a_topic_is_printed_as_it_is(topic: str) -> None:
    assert call(topic).stdout == (ROOT / "docs" / f"{topic}.md").read_text("utf-8")


def test_the_example_of_a_configuration_is_printed_as_it_is() -> None:
    assert call("example").stdout == (ROOT / "allegra.toml.example").read_text("utf-8")


def test_an_unknown_topic_is_wrong_usage_and_the_nearest_is_named() -> None:
    told = call("confg")
    assert (told.exit_code, told.stdout) == (2, "")  # `main` makes 64 of it
    assert "did you mean 'config'?" in told.stderr
    told = call("qqqqqq").stderr
    assert "there are: " in told and "architecture, cli, coming-from, config" in told


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("gates.dmrac", "gates.dmarc"),
        ("Gates.DMRAC", "gates.dmarc"),
        ("rule.hodl", "rule.hold"),
        ("smtp.prot", "smtp.port"),
        ("people.cc.addCcAsWacher", "people.cc.addCcAsWatcher"),
        ("RULSE", "rules"),
    ],
)
def test_what_is_nearly_a_code_an_option_or_a_page_is_suggested(typed: str, meant: str) -> None:
    told = call(typed)
    assert told.exit_code == 2 and f"did you mean {meant!r}?" in told.stderr


@pytest.mark.parametrize(
    ("typed", "meant"), [("c101", "C101"), ("Rule.Hold", "rule.hold"), ("GATES.DMARC", "gates.dmarc"), ("w442", "W442")]
)
def test_case_does_not_matter(typed: str, meant: str) -> None:
    assert call(typed).stdout == call(meant).stdout != ""
    assert call("RULES").stdout == call("rules").stdout


def test_a_topic_is_a_name_and_never_a_path() -> None:
    assert call("../README").exit_code == 2
    assert call("decisions/../rules").exit_code == 2


@pytest.mark.parametrize("code", sorted(REASONS))
def test_a_reason_code_is_told_with_its_sentence(code: str) -> None:
    assert REASONS[code].sentence in call(code).stdout


@pytest.mark.parametrize(
    ("word", "told"),
    [
        ("C101", "There is no such option or section."),
        ("E133", "a field that needs a comparison"),
        ("H103", "a module, name, attribute or statement that hooks may not use"),
        ("smtp.port", "0 follows `ssl`: 465, 587, 25"),
        ("smtp.ssl", '`true`, `"starttls"` (nothing is sent where the server does not offer it), `false`'),
    ],
)
def test_a_code_or_an_option_is_told_from_the_table_it_stands_in(word: str, told: str) -> None:
    assert told in call(word).stdout


def test_an_option_is_told_from_its_own_section_only() -> None:
    assert "smtp" in call("smtp.port").stdout
    assert "mailbox" not in call("smtp.port").stdout


def test_the_shell_offers_what_somebody_may_want_to_hear() -> None:
    shell = ShellComplete(allegra, {}, "allegra", "_ALLEGRA_COMPLETE")
    offered = shell.get_completions(["user", "notify", "anna"], "how=")
    assert [each.value for each in offered] == ["how=now", "how=hourly", "how=daily"]


def test_the_shell_offers_topics() -> None:
    offered = ShellComplete(allegra, {}, "allegra", "_ALLEGRA_COMPLETE").get_completions(["help"], "re")
    assert [(each.value, each.help) for each in offered] == [
        ("reliability", "Reliability"),
        ("replies", "Replies, automatic mail, threads"),
    ]


def test_only_a_terminal_gets_the_pager() -> None:
    command = [sys.executable, "-m", "engine", "help", "decisions/re2"]
    environment = {**os.environ, "PAGER": "sed s/^/PAGED:/", "TERM": "xterm"}
    ours, theirs = pty.openpty()
    try:
        done = subprocess.run(command, cwd=ROOT, env=environment, stdin=theirs, stdout=theirs, check=False)
        seen = os.read(ours, 4096).decode()
    finally:
        os.close(theirs)
        os.close(ours)
    assert done.returncode == 0
    assert seen.startswith("PAGED:")
    plain = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert plain.stdout == (ROOT / "docs" / "decisions" / "re2.md").read_text("utf-8")


def test_an_installed_engine_finds_the_pages_in_its_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    built = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["hatch"]["build"]["targets"]["wheel"]
    for source, target in built["force-include"].items():
        (tmp_path / target).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / target).symlink_to(ROOT / source)
    monkeypatch.setattr(manual, "__file__", str(tmp_path / "engine" / "desk" / "manual.py"))
    assert manual.home() == tmp_path / "engine"
    assert {"rules", "example", "security"} < set(manual.pages())
    assert call("rules").stdout.startswith("# Rules\n")
    assert built["shared-data"] == {"allegra.1": "share/man/man1/allegra.1"}


def test_python_m_engine_is_allegra() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "engine", "--version"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout.split()[0]) == (0, "allegra,")


def test_the_example_is_listed_by_what_it_is_for_people() -> None:
    (line,) = [
        each for each in CliRunner().invoke(allegra, ["help"]).output.splitlines() if each.startswith("example ")
    ]
    assert "allegra.toml" in line and "schema" not in line
