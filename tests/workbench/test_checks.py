"""Everything an admin writes, looked at for a program; `tests/cli/test_check.py` has what each check finds."""

from __future__ import annotations

from pathlib import Path

from engine.model.extra import Extra
from engine.workbench.checks import look_at

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


def test_a_configuration_that_does_not_load_is_all_that_is_looked_at(tmp_path: Path) -> None:
    file = tmp_path / "allegra.toml"
    file.write_text(BASE + "[gates]\ndmrc = 'hold'\n", encoding="utf-8")
    looked = look_at(file, Extra())
    assert not looked.loads
    assert [(each.name, each.sound) for each in looked.checked] == [("allegra.toml", False)]
    assert [problem.file for problem in looked.problems] == ["allegra.toml"]


def test_what_loads_is_looked_at_with_rules_and_database_and_nothing_is_made(tmp_path: Path) -> None:
    file = tmp_path / "allegra.toml"
    file.write_text(BASE, encoding="utf-8")
    looked = look_at(file, Extra())
    assert looked.loads and all(each.sound for each in looked.checked)
    assert [each.name for each in looked.checked] == ["allegra.toml", "allegra.sqlite3"]
    assert not list(tmp_path.rglob("*.sqlite3"))
