"""The bench: its floor reads as another parser does, its full database is one the engine could have left there, and
each part runs."""

from __future__ import annotations

import os
import subprocess
import sys
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any

import pytest

from bench import desk, floor, measure, passes
from bench.__main__ import PARTS
from bench.corpus import corpus
from bench.filled import fill
from engine.cli.run import run
from engine.store.load import load
from engine.store.store import Store

BESIDE = ("against", "looking", "pages", "sending", "workspaces")
"""Parts that take five seconds and more each: `.ci/run` runs them with as little, beside the tests."""

NOT_HERE = ("hooks", "rules", "reply", "server", "watch", *BESIDE)
"""Parts that take longer than all others together, whatever they are given; a measurement runs them."""

ROOT = Path(__file__).resolve().parent.parent
ITEMS = 300
EACH = ("raw_mail", "inbound", "presentation", "item", "item_label", "comment", "receipt", "event", "outbox")


@pytest.fixture
def full(tmp_path: Path) -> Any:
    with Store.open(tmp_path / "full.db") as store:
        load(store, desk.data())
        fill(store, ITEMS)
        yield store


# ── a full database ───────────────────────────────────────────────────────────────────────────────────────────


def test_a_filled_database_is_sound_and_every_mail_has_its_end(full: Any) -> None:
    rows = full.database.rows
    assert rows("PRAGMA integrity_check") == [("ok",)]
    assert rows("PRAGMA foreign_key_check") == []
    for table in EACH:
        assert rows(f"SELECT count(*) FROM {table}") == [(ITEMS,)], table  # noqa: S608
    joined = "inbound JOIN receipt ON receipt.inbound_id = inbound.id JOIN item ON item.id = receipt.item"
    assert rows(f"SELECT count(*) FROM {joined}") == [(ITEMS,)]  # noqa: S608


def test_no_table_of_a_filled_database_that_a_decision_looks_at_is_empty(full: Any) -> None:
    tables = {name for (name,) in full.database.rows("SELECT name FROM sqlite_master WHERE type = 'table'")}
    empty = {name for name in tables if full.database.rows(f"SELECT 1 FROM {name} LIMIT 1") == []}  # noqa: S608
    gone = {
        "begun_words",
        "imported_marker",
        "left_alone",
        "listed",
        "measure",
        "numbering",
        "rule_draft",
        "rule_hit",
        "rule_text",
        "rule_version",
        "trace",
        "trouble",
        "turn",
    }
    let_in = {"credential", "known_network", "login_failure", "session", "token"}
    assert empty - {"act"} == gone | let_in


def test_the_old_mails_are_found_as_others_are_and_wait_for_nothing(full: Any) -> None:
    (ref,) = full.database.one("SELECT ref FROM inbound WHERE id = 7")
    row = full.archive.find_mail(ref[:10])
    assert (row.sender, row.subject) == ("user07@example.com", "Old mail 7")
    assert full.mailboxes.pending_actions("system", 10) == []
    assert full.outbox.waiting() == 0


def test_the_old_items_are_seen_as_others_are(full: Any) -> None:
    item = full.items.item(20)
    assert (item.workspace, item.closed) == ("partners", False)
    assert ("Customer", "example.com") in item.fields
    assert "user20@example.com" in item.people
    assert len(item.attachment_digests) == 1


def test_a_database_that_would_not_fit_on_the_disk_is_not_begun(tmp_path: Path) -> None:
    with Store.open(tmp_path / "full.db") as store, pytest.raises(SystemExit, match="GB on the disk"):
        fill(store, 10**12)


def test_a_pass_works_on_a_filled_database(tmp_path: Path) -> None:
    passes.prepared(tmp_path, 3, ITEMS)
    assert sum(passes.one_pass(tmp_path)["outcomes"].values()) == 3


# ── the floor ─────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_floor_reads_what_the_slower_parser_of_the_standard_library_reads() -> None:
    for content in corpus(300):
        assert floor.read(content) == slowly(content)


def slowly(content: bytes) -> tuple[str, ...]:
    mail = message_from_bytes(content, policy=policy.default)
    texts = [part.get_content() for part in mail.walk() if part.get_content_maintype() == "text"]
    (sender,) = mail["From"].addresses
    said = [str(mail[name] or "") for name in ("Message-ID", "Subject", "To", "References")]
    return (said[0], said[1], sender.addr_spec, sender.display_name, said[2], said[3], "\n".join(texts))


def test_the_floor_writes_a_row_for_each_mail(tmp_path: Path) -> None:
    passes.prepared(tmp_path, 60)
    assert floor.one_pass(tmp_path, 0.0)["mails"] == 60


# ── the parts ─────────────────────────────────────────────────────────────────────────────────────────────────

JOBS = any(option.name == "jobs" for option in run.params)


@pytest.mark.parametrize("part", [*(part for part in PARTS if part not in NOT_HERE)])
def test_each_part_runs_and_says_what_it_found(part: str) -> None:
    if part == "jobs" and not JOBS:
        pytest.skip("allegra run has no --jobs")
    few = {"MAILS": "4", "ROUNDS": "1", "ITEMS": "50", "BASE": str(ROOT), "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-m", "bench", part], cwd=ROOT, env={**os.environ, **few}, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    heading, *lines = done.stdout.split("\n\n")[1].splitlines()
    assert heading.startswith(f"{part}: ")
    assert len(lines) >= 1


def test_parts_that_are_not_run_here_are_run_beside_the_tests() -> None:
    asked = (ROOT / ".ci" / "run").read_text("utf-8")
    assert f'bench PYTHON="$python" ARGS="{" ".join(BESIDE)}"' in asked


def test_mails_of_another_seed_are_other_mails_under_other_names(tmp_path: Path) -> None:
    for seed in (1, 2):
        desk.make(tmp_path, 20, seed)
    assert len(list((tmp_path / "mail" / "new").iterdir())) == 40
    assert not set(corpus(20, 1)) & set(corpus(20, 2))


def test_parts_that_compare_with_nothing_say_so() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "bench", "against"], cwd=ROOT, env={**os.environ, "BASE": ""}, capture_output=True
    )
    assert b"BASE names no tree" in done.stderr


def test_every_part_that_is_printed_is_measured() -> None:
    assert set(PARTS) - {"against"} <= set(measure.PARTS)
