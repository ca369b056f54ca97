"""The sentences of the rules in force are kept from run to run, and nothing is ever decided by an old one."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import databases
import pytest
from deciding import NOW, raw
from msgspec.structs import replace
from rulebook.test_book import GOOD, desk

from engine.config import Config, load
from engine.model.extra import Extra
from engine.rulebook import sentences
from engine.rulebook.book import load_rules
from engine.run.engine import Engine
from engine.run.process import process
from engine.store.store import Store
from rules import parse
from rules.parse import parse_action, parse_condition
from rules.schema import Field, Type
from rules.trees import NONE

ROOT = Path(__file__).resolve().parents[2]
BIG = "[[rule]]\nname = 'big'\nwhen = 'size > 6 MB'\nthen = ['add label \"x\"']\n"


@pytest.fixture(autouse=True)
def as_a_new_process(monkeypatch: pytest.MonkeyPatch) -> None:
    forget(monkeypatch)


def forget(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parse, "_known", NONE)
    for each in (parse_condition, parse_action):
        each.cache_clear()


def kept(config: Config) -> Path:
    return config.instance.state_dir / "rule-sentences"


def keep(config: Config) -> bytes:
    sentences.keep(config, load_rules(config).rules.files.values())
    return kept(config).read_bytes()


def names(config: Config) -> list[str]:
    return [rule.name for rule in load_rules(config).rules.files[""].rules]


def is_grammar_needed_by(config: Config) -> bool:
    """Whether a process of its own reads the tables of the grammar to load the rules."""
    code = (
        "import sys, pathlib; from engine.config import load; from engine.rulebook.book import load_rules\n"
        "from rules import tables\n"
        "load_rules(load(pathlib.Path(sys.argv[1]))); print(tables._tables.cache_info().currsize > 0)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(config.path)], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return done.stdout.strip() == "True"


def test_rules_that_did_not_change_are_loaded_without_the_grammar(tmp_path: Path) -> None:
    config = load(desk(tmp_path, BIG))
    assert is_grammar_needed_by(config)
    keep(config)
    assert not is_grammar_needed_by(config)


def test_a_changed_rule_is_seen_at_once_and_kept_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = load(desk(tmp_path, BIG))
    before = keep(config)
    desk(tmp_path, BIG.replace("6 MB", "7 MB").replace("big", "other"))
    forget(monkeypatch)
    assert names(config) == ["other"]
    after = keep(config)
    assert b"7 MB" in after and b"6 MB" not in after and len(after) == len(before)


def test_a_changed_vocabulary_is_seen_although_the_sentence_is_kept(tmp_path: Path) -> None:
    config = load(desk(tmp_path, BIG.replace("size", "crm.size")))

    def with_field(type: Type) -> Config:
        return replace(config, extra=Extra((Field("crm.size", type, "", lambda sight: None),)))

    keep(with_field(Type.SIZE))
    assert names(with_field(Type.SIZE)) == ["big"]
    for other in (with_field(Type.DAY), config):
        (problem,) = load_rules(other).broken["system"]
        assert (problem.line, problem.column > 1) == (3, True)


def test_a_file_that_does_not_load_is_told_with_its_place_as_ever(tmp_path: Path) -> None:
    config = load(desk(tmp_path, BIG))
    told = [load_rules(load(desk(tmp_path, BIG.replace("6 MB", "6 stones")))).problems]
    desk(tmp_path, BIG)
    keep(config)
    told.append(load_rules(load(desk(tmp_path, BIG.replace("6 MB", "6 stones")))).problems)
    assert told[0] == told[1] and (told[0][0].line, told[0][0].column > 1) == (3, True)


@pytest.mark.parametrize("damage", [b"", b"nothing of ours", b"\x80\x04.", b"{}" * 5000])
def test_a_damaged_file_is_ignored_and_made_anew(tmp_path: Path, damage: bytes, monkeypatch: Any) -> None:
    config = load(desk(tmp_path, BIG))
    sound = keep(config)
    kept(config).write_bytes(damage)
    forget(monkeypatch)
    assert names(config) == ["big"]
    assert keep(config) == sound


def test_only_a_plain_file_of_ours_that_nobody_else_may_write_is_read(tmp_path: Path, monkeypatch: Any) -> None:
    config = load(desk(tmp_path, BIG))
    keep(config)
    assert (kept(config).stat().st_mode & 0o777, [each.name for each in kept(config).parent.iterdir()]) == (
        0o600, ["rule-sentences"],
    )  # fmt: skip
    assert sentences._kept(kept(config)) != NONE
    kept(config).chmod(0o620)
    assert sentences._kept(kept(config)) == NONE
    kept(config).chmod(0o600)
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    assert sentences._kept(kept(config)) == NONE
    monkeypatch.undo()
    kept(config).rename(tmp_path / "elsewhere")
    kept(config).symlink_to(tmp_path / "elsewhere")
    assert sentences._kept(kept(config)) == NONE
    kept(config).unlink()
    os.mkfifo(kept(config))
    assert sentences._kept(kept(config)) == NONE


def test_where_nothing_can_be_written_the_rules_load_all_the_same(tmp_path: Path) -> None:
    config = load(desk(tmp_path, BIG))
    (tmp_path / "var").write_text("no folder")
    sentences.keep(config, load_rules(config).rules.files.values())
    assert names(config) == ["big"]


def test_two_processes_that_keep_at_once_leave_one_whole_file(tmp_path: Path) -> None:
    config = load(desk(tmp_path, BIG))
    code = (
        "import sys, pathlib; from engine.config import load; from engine.rulebook import sentences\n"
        "from engine.rulebook.book import load_rules\n"
        "config = load(pathlib.Path(sys.argv[1])); files = load_rules(config).rules.files\n"
        "for _ in range(100): (config.instance.state_dir / 'rule-sentences').unlink(missing_ok=True); "
        "sentences.keep(config, files.values())"
    )
    command = [sys.executable, "-c", code, str(config.path)]
    running = [subprocess.Popen(command, cwd=ROOT) for _ in range(2)]
    assert [each.wait(60) for each in running] == [0, 0]
    keep(config)
    assert [each.name for each in kept(config).parent.iterdir()] == ["rule-sentences"]
    assert sentences._kept(kept(config)) != NONE


def test_a_run_keeps_sentences_and_a_rehearsal_does_not(tmp_path: Path) -> None:
    config = load(desk(tmp_path, GOOD))
    with Store.open(databases.fresh(), clock=lambda: NOW) as store:
        with store.rehearsal():
            process(Engine(config, store), store.ledger.spool([raw(key="1")], "a"), NOW)
        assert not kept(config).exists()
        process(Engine(config, store), store.ledger.spool([raw(key="2")], "a"), NOW)
        assert kept(config).exists()
        written = kept(config).stat().st_mtime_ns
        process(Engine(config, store), store.ledger.spool([raw(key="3")], "a"), NOW)
        assert kept(config).stat().st_mtime_ns == written, "what did not change is not written again"
