"""`allegra import` as a person types it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import databases
import pytest
from click.testing import CliRunner, Result

from engine.cli.main import allegra

ROOT = Path(__file__).resolve().parents[2]
EXPORTS = ROOT / "tests" / "moving" / "exports"
CONFIG = """
schema = 1
[system.mailbox]
protocol = "pipe"
addresses = ["help@example.com"]
[workspace.support]
name = "Support"
"""
ITEMS = """
[[workspaces]]
identifier = "support"
[[items]]
id = 7
workspace = "support"
title = "The printer"
"""
Typing = Callable[..., Result]


@pytest.fixture
def typed(tmp_path: Path) -> Typing:
    """Type a command in a folder with a configuration, a database and an item."""
    databases.configured(tmp_path, CONFIG)
    (tmp_path / "items.toml").write_text(ITEMS, "utf-8")

    def type_(*words: str, code: int = 0) -> Result:
        done = CliRunner().invoke(allegra, ["--config", str(tmp_path / "allegra.toml"), *words], catch_exceptions=False)
        assert done.exit_code == code, done.output
        return done

    type_("db", "migrate")
    type_("admin", "load", str(tmp_path / "items.toml"))
    return type_


def written(tmp_path: Path, text: str, name: str = "export.csv") -> str:
    (tmp_path / name).write_text(text, "utf-8")
    return str(tmp_path / name)


def test_threads_are_counted_and_twice_changes_nothing(typed: Typing, tmp_path: Path) -> None:
    file = written(tmp_path, "number,item\n2,7\n")
    done = typed("import", "threads", file, "--from", "redmine", "--dry-run")
    assert "markers      2        0     0" in done.stdout and "this was a dry run" in done.stderr
    assert "markers      2        0     0" in typed("import", "threads", file, "--from", "redmine").stdout
    told = json.loads(typed("import", "threads", file, "--from", "redmine", "--json").stdout)
    assert told == {
        "schema": "allegra.import.threads/1", "table": "markers", "added": 0, "changed": 0, "same": 2, "dry_run": False,
    }  # fmt: skip


def test_what_is_wrong_is_told_with_its_line_and_ends_with_1(typed: Typing, tmp_path: Path) -> None:
    done = typed("import", "threads", written(tmp_path, "number,item\n2,7\nx,8\n"), code=1)
    assert "error[D132]: 2 is a bare number" in done.stderr and "export.csv:3" in done.stderr and not done.stdout


def test_people_are_told_one_by_one_in_a_dry_run(typed: Typing, tmp_path: Path) -> None:
    file = written(tmp_path, "login,name,mail,groups,phone\nanna,Anna,anna@example.com,staff,1\n")
    done = typed("import", "people", file, "--dry-run")
    assert "+ anna  name: Anna  emails: anna@example.com  status: active  groups: staff" in done.stdout
    assert "columns that say nothing here: phone" in done.stderr
    typed("import", "people", file)
    done = typed("import", "people", file)
    assert "1 is there already and stays as it is" in done.stderr and "users      0        0     0" in done.stdout
    first, *_ = (json.loads(line) for line in typed(
        "import", "people", written(tmp_path, "login,name\nanna,Anna Berg\n"), "--update", "--json"
    ).stdout.splitlines())  # fmt: skip
    assert (first["login"], first["done"], first["name"]) == ("anna", "changed", "Anna Berg")


@pytest.mark.parametrize("words", [("--column", "colour=x"), ("--column", "login"), ("--encoding", "klingon")])
def test_what_means_nothing_is_wrong_usage(typed: Typing, tmp_path: Path, words: tuple[str, str]) -> None:
    config, file = str(tmp_path / "allegra.toml"), written(tmp_path, "login\nx\n")
    done = CliRunner().invoke(allegra, ["--config", config, "import", "people", file, *words])
    assert done.exit_code == 2 and not isinstance(done.exception, LookupError)


def test_settings_are_printed_and_what_is_left_stands_on_standard_error(tmp_path: Path) -> None:
    run = CliRunner().invoke(allegra, ["import", "settings", "--from", "redmine", str(EXPORTS / "redmine.cron")])
    assert run.exit_code == 0 and run.stdout.startswith("# Made of the settings of Redmine")
    assert "left to do:" in run.stderr and "then: allegra check --online" in run.stderr
    assert "c0rrect" not in run.output


def test_settings_are_never_written_over_a_file(tmp_path: Path) -> None:
    words = ["import", "settings", "--from", "itop", str(EXPORTS / "itop.xml"), "--output", str(tmp_path / "new.toml")]
    assert CliRunner().invoke(allegra, words).exit_code == 0
    before = (tmp_path / "new.toml").read_bytes()
    again = CliRunner().invoke(allegra, words)
    assert again.exit_code == 1 and "cannot be written" in again.output
    assert (tmp_path / "new.toml").read_bytes() == before and list(tmp_path.iterdir()) == [tmp_path / "new.toml"]


def test_settings_as_json(tmp_path: Path) -> None:
    run = CliRunner().invoke(
        allegra, ["import", "settings", "--from", "eventum", str(EXPORTS / "eventum.sql"), "--json"]
    )  # fmt: skip
    told = json.loads(run.stdout)
    assert (told["schema"], told["from"]) == ("allegra.import.settings/1", "eventum") and told["left"]


def test_an_idle_run_reads_nothing_of_all_this(tmp_path: Path) -> None:
    databases.configured(tmp_path, CONFIG)
    code = (
        "import sys\nfrom engine.cli.main import allegra\n"
        "try:\n    allegra.main(['run'], standalone_mode=False)\nexcept SystemExit:\n    pass\n"
        "print([name for name in sys.modules if name.startswith(('engine.moving', 'yaml', 'engine.mail.old_markers',"
        " 'engine.store.markers', 'xml.parsers'))])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout.strip().endswith("[]")


def test_a_database_that_lies_there_is_not_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "var").mkdir()
    (tmp_path / "var" / "allegra.sqlite3").write_bytes(b"somebody else's")
    run = CliRunner().invoke(allegra, ["import", "settings", "--from", "redmine", str(EXPORTS / "redmine.cron")])
    assert run.exit_code == 0
    assert [each.name for each in (tmp_path / "var").iterdir()] == ["allegra.sqlite3"]
    assert (tmp_path / "var" / "allegra.sqlite3").read_bytes() == b"somebody else's"
