"""`allegra check`: everything an admin writes, looked at in one go."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from engine.cli.main import allegra

BASE = """
[system]
default_workspace = "support"
[system.mailbox]
protocol  = "maildir"
path      = "mail"
addresses = ["help@example.com"]
[workspace.support]
name = "Support"
"""

Check = Callable[..., Any]


@pytest.fixture
def check(tmp_path: Path) -> Iterator[Check]:
    """Write allegra.toml and run the command beside it."""
    before = Path.cwd()
    os.chdir(tmp_path)
    for part in ("new", "cur", "tmp"):
        (tmp_path / "mail" / part).mkdir(parents=True)

    def checking(text: str = "", *arguments: str) -> Any:
        (tmp_path / "allegra.toml").write_text(BASE + text, encoding="utf-8")
        return CliRunner().invoke(allegra, ["check", *arguments], catch_exceptions=False)

    yield checking
    os.chdir(before)


def test_a_sound_configuration_is_clean(check: Check) -> None:
    result = check()
    assert result.exit_code == 0
    assert "allegra.toml" in result.stdout and "✔ 5 keys, 1 workspace, 1 mailbox" in result.stdout
    assert "no problems" in result.stdout


def test_a_file_that_does_not_load_is_exit_78_with_every_problem(check: Check) -> None:
    result = check('[gates]\ndmarc = "refuse"\nbounse = "off"\n')
    assert result.exit_code == 78
    assert "error[C103]" in result.stdout and "error[C101]" in result.stdout
    assert "^^^^^^" in result.stdout and "2 errors   → exit 78" in result.stdout


def test_no_file_is_exit_78(tmp_path: Path) -> None:
    result = CliRunner().invoke(allegra, ["--config", str(tmp_path / "none.toml"), "check"])
    assert result.exit_code == 78 and "allegra init" in result.stdout


def test_a_broken_rule_file_is_shown_with_its_place(check: Check, tmp_path: Path) -> None:
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules/support.toml").write_text(
        '[[rule]]\nname = "Printer"\nwhen = \'form.domain is "a.example"\'\nthen = ["type is \\"Task\\""]\n', "utf-8"
    )
    result = check()
    assert result.exit_code == 1
    assert "rules/support.toml" in result.stdout and "✘" in result.stdout
    assert "--> rules/support.toml:3" in result.stdout


def test_warnings_fail_only_when_asked_to(check: Check, tmp_path: Path) -> None:
    text = "[smtp]\nhost='h.example'\nfrom='help@example.com'\nssl_verification=false\n"
    assert check(text).exit_code == 0
    assert check(text, "--strict").exit_code == 1


def test_a_missing_smtp_section_is_an_info_and_no_finding(check: Check) -> None:
    result = check("", "--strict")
    assert result.exit_code == 0 and "info[C171]: there is no [smtp] section: nobody is sent anything" in result.stdout


def test_templates_are_tried(check: Check, tmp_path: Path) -> None:
    (tmp_path / "templates").mkdir()
    (tmp_path / "templates/ack.en.txt").write_text("Subject: {{ nubmer }}\n\nx\n", "utf-8")
    result = check("[replies]\nheld = 'helld'\n")
    assert result.exit_code == 1
    assert "error[C183]" in result.stdout and "nubmer" in result.stdout
    assert 'error[C184]: there is no template for replies.held = "helld"' in result.stdout


def test_the_database_is_opened_and_never_made(check: Check, tmp_path: Path) -> None:
    from engine.store.store import Store

    assert "not there yet" in check().stdout
    assert not (tmp_path / "var").exists()
    (tmp_path / "var").mkdir()
    Store.open(tmp_path / "var/allegra.sqlite3").close()
    assert "schema up to date" in check().stdout
    (tmp_path / "var/allegra.sqlite3").write_bytes(b"no database at all" * 100)
    result = check()
    assert result.exit_code == 1 and "error[C190]" in result.stdout


def test_a_database_that_is_damaged_or_gone_is_an_error(check: Check, tmp_path: Path) -> None:
    from engine.store.store import Store

    path = tmp_path / "var/allegra.sqlite3"
    path.parent.mkdir()
    with Store.open(path) as store, store.writing():
        for n in range(400):
            store.database.run("INSERT INTO rule_text (digest, text) VALUES (?, ?)", f"{n:064d}", "x" * 900)
    whole = path.read_bytes()
    path.write_bytes(whole[:-40_000] + b"\xff" * 40_000)
    result = check()
    assert result.exit_code == 1 and "error[C197]" in result.stdout and "allegra db restore FILE" in result.stdout
    path.unlink()
    result = check()
    assert result.exit_code == 1 and "is gone or empty, and there was one" in result.stdout


def test_json_is_a_line_a_thing_and_a_summary(check: Check) -> None:
    lines = [json.loads(line) for line in check("", "--json").stdout.splitlines()]
    assert {line["schema"] for line in lines} == {"allegra.check/1"}
    assert lines[0]["checked"] == "allegra.toml" and lines[0]["ok"] is True
    assert lines[-1] == {"schema": "allegra.check/1", "summary": {"error": 0, "warning": 0, "info": 1}, "exit": 0}


def test_github_gets_workflow_commands(check: Check) -> None:
    result = check('[gates]\ndmarc = "refuse"\n', "--format", "github")
    (line,) = [line for line in result.stdout.splitlines() if "C103" in line]
    assert line.startswith('::error file=allegra.toml,line=11,col=9,endColumn=17,title=C103::"refuse" is none of')


def test_sarif_names_rule_place_and_level(check: Check) -> None:
    log = json.loads(check('[gates]\ndmarc = "refuse"\n', "--format", "sarif").stdout)
    (result,) = log["runs"][0]["results"]
    assert (log["version"], result["ruleId"], result["level"]) == ("2.1.0", "C103", "error")
    place = result["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"] == "allegra.toml" and place["region"]["startLine"] == 11


def test_keys_of_the_door_for_programs_are_looked_at(check: Check, tmp_path: Path) -> None:
    (tmp_path / "key").write_text("a-key-that-nobody-guesses\n")
    keys = (
        '[http.keys.a]\nkey = "a-key-that-nobody-guesses"\n[http.keys.b]\nkey_file = "key"\n'
        '[http.keys.c]\nkey_file = "nowhere"\n'
    )
    (tmp_path / "allegra.toml").touch(0o600)
    (tmp_path / "allegra.toml").chmod(0o600)
    result = check(keys)
    assert result.exit_code == 0 and "[http.keys.a]" in result.stdout and "no problems" in result.stdout
    result = check(keys, "--online")
    assert result.exit_code == 1 and "1 error, 1 warning" in result.stdout
    assert "warning[C202]: http key b: it is the same as that of a" in result.stdout
    assert "error[C201]: http key c: key_file" in result.stdout and "No such file" in result.stdout
    short = check('[http.keys.a]\nkey = "short"\n')
    assert short.exit_code == 1 and "error[C201]: http key a: shorter than 16 characters" in short.stdout


def test_online_looks_into_every_mailbox(check: Check, tmp_path: Path) -> None:
    (tmp_path / "mail/new/1.x").write_bytes(b"From: a@example.com\n\nx\n")
    result = check("", "--online")
    assert result.exit_code == 0 and "logged in, 1 mail" in result.stdout
    away = (
        "[workspace.a.mailbox]\nhost='127.0.0.1'\nport=1\nssl=false\nusername='u'\npassword_env='PATH'\ntimeout='1 s'\n"
    )
    result = check(away, "--online")
    assert result.exit_code == 1 and "error[C191]" in result.stdout
