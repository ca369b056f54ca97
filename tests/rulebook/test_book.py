"""Rule files in force: a broken one is never used, and its mail waits or the last good text stays."""

from __future__ import annotations

from pathlib import Path

from engine.config import load
from engine.rulebook.book import load_rules

GOOD = "[[rule]]\nname = 'good'\nthen = ['add label \"x\"']\n"
BROKEN = "[[rule]]\nname = 'bad'\nthen = ['add lable \"x\"']\n"

CONFIG = """
[instance]
state_dir = "var"
[system]
default_workspace = "support"
[system.mailbox]
protocol = "maildir"
path = "mail"
addresses = ["help@example.com"]
[workspace.support]
name = "Support"
"""


def desk(folder: Path, system: str, more: str = "") -> Path:
    (folder / "rules").mkdir(exist_ok=True)
    (folder / "rules" / "system.toml").write_text(system, encoding="utf-8")
    path = folder / "allegra.toml"
    path.write_text(CONFIG + more, encoding="utf-8")
    return path


def test_the_mail_of_a_broken_file_waits(tmp_path: Path) -> None:
    book = load_rules(load(desk(tmp_path, BROKEN)))
    assert [problem.code for problem in book.broken["system"]] == ["E111"]
    assert book.rules.files == {}
    assert book.rules.broken[""].startswith("rules/system.toml:3")


def test_a_process_that_runs_on_keeps_its_last_good_rules_and_says_so(tmp_path: Path) -> None:
    before = load_rules(load(desk(tmp_path, GOOD)))
    after = load_rules(load(desk(tmp_path, BROKEN)), before=before)
    assert [rule.name for rule in after.rules.files[""].rules] == ["good"]
    assert (after.broken, after.fallen_back) == ({}, ("rules/system.toml",))
    assert [problem.code for problem in after.problems] == ["E111"]


def test_last_good_survives_the_process_where_it_is_wanted(tmp_path: Path) -> None:
    more = '[rules]\non_error = "last-good"\n'
    load_rules(load(desk(tmp_path, GOOD, more)))
    again = load_rules(load(desk(tmp_path, BROKEN, more)))
    assert [rule.name for rule in again.rules.files[""].rules] == ["good"]
    assert again.fallen_back == ("rules/system.toml",)
    assert load_rules(load(desk(tmp_path, BROKEN))).broken


def test_without_a_good_text_the_mail_waits_all_the_same(tmp_path: Path) -> None:
    assert load_rules(load(desk(tmp_path, BROKEN, '[rules]\non_error = "last-good"\n'))).broken
