"""Which files beside the database belong to a backup."""

from __future__ import annotations

from pathlib import Path

from engine.config import load
from engine.desk.state_files import state_files

CONFIG = """
schema = 1
[instance]
secret_file = "keys/mine"
[system]
default_workspace = "support"
[system.mailbox]
protocol = "maildir"
path = "mail"
[workspace.support]
name = "Support"
"""


def test_the_secret_goes_by_one_name_wherever_it_lies(tmp_path: Path) -> None:
    (tmp_path / "allegra.toml").write_text(CONFIG, encoding="utf-8")
    files = state_files(load(tmp_path / "allegra.toml"))
    assert {name: path.relative_to(tmp_path).as_posix() for name, path in files.items()} == {
        "secret": "keys/mine",
        "hooks.json": "var/hooks.json",
    }
