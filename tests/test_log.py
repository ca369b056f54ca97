"""The log is written whole and clean, to the file that has the name now, and is never in anybody's way."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest
from builders import config as configured
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from engine import log
from engine.config import Config
from engine.config.secrets import Secrets
from engine.log import Entry, problem, write

Configure = Callable[..., Config]
ENTRY = Entry("info", "mail.created", "from jane@example.com", 12, "m-4f2a", "system", 3.21)


@pytest.fixture
def configure(tmp_path: Path) -> Configure:
    def configuring(file: str = "allegra.log", more: str = "") -> Config:
        log._told.clear()
        return configured(f"[log]\nfile = '{tmp_path / file}'\n{more}")

    return configuring


def test_a_line_says_when_what_and_about_what(configure: Configure, tmp_path: Path) -> None:
    write(configure(), [ENTRY, Entry("error", "mailbox.failed", "login failed", mailbox="finance")])
    first, second = (tmp_path / "allegra.log").read_text().splitlines()
    at, said = first.split(" ", 1)
    assert datetime.fromisoformat(at).tzinfo is not None
    assert said == "info    mail.created m-4f2a #12 system 3.2ms from jane@example.com"
    assert second.split(" ", 1)[1] == "error   mailbox.failed finance login failed"


def test_a_line_of_json_is_an_object_with_every_name(configure: Configure, tmp_path: Path) -> None:
    write(configure(more="format = 'json'"), [ENTRY, Entry("warning", "act")])
    first, second = map(json.loads, (tmp_path / "allegra.log").read_text().splitlines())
    assert {**first, "at": ""} == {
        "schema": "allegra.log/1", "at": "", "level": "info", "event": "mail.created", "mail": "m-4f2a", "item": 12,
        "mailbox": "system", "ms": 3.21, "said": "from jane@example.com",
    }  # fmt: skip
    assert (second["mail"], second["item"], second["mailbox"], second["ms"], second["said"]) == (None,) * 4 + ("",)


@pytest.mark.parametrize(("level", "lines"), [("debug", 4), ("info", 3), ("warning", 2), ("error", 1)])
def test_only_what_reaches_the_level_is_logged(configure: Configure, tmp_path: Path, level: str, lines: int) -> None:
    write(configure(more=f"level = '{level}'"), [Entry(each, "act") for each in log.LEVELS])
    assert len((tmp_path / "allegra.log").read_text().splitlines()) == lines


def test_what_somebody_wants_to_see_goes_to_standard_error_from_debug_on(
    configure: Configure, capsys: pytest.CaptureFixture[str]
) -> None:
    write(replace(configured(), verbose=True), [Entry("debug", "mail.fault", "x")])
    assert capsys.readouterr().err.endswith("debug   mail.fault x\n")
    assert not configured().logs and configure().logs


def test_a_log_that_was_moved_away_goes_on_under_its_name(configure: Configure, tmp_path: Path) -> None:
    config, file = configure("logs/allegra.log"), tmp_path / "logs" / "allegra.log"
    before = os.umask(0o022)
    try:
        write(config, [ENTRY])
        file.rename(tmp_path / "logs" / "allegra.log.1")
        write(config, [ENTRY, ENTRY])
    finally:
        os.umask(before)
    assert len(file.read_text().splitlines()) == 2
    assert stat.S_IMODE(file.stat().st_mode) == 0o640


def test_a_log_that_cannot_be_written_is_told_once_and_nothing_breaks(
    configure: Configure, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "folder").mkdir()
    config = configure("folder")
    write(config, [ENTRY])
    write(config, [ENTRY])
    said = capsys.readouterr().err
    assert said.startswith(f"allegra: the log {tmp_path / 'folder'} cannot be written: Is a directory; lines are lost")
    assert said.count("\n") == 1
    assert problem(tmp_path / "folder") == "it is a folder"
    assert problem(tmp_path / "new" / "a.log") == "" and not (tmp_path / "new").exists()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full")
def test_a_full_disk_loses_lines_and_nothing_else(capsys: pytest.CaptureFixture[str]) -> None:
    log._told.clear()
    write(configured("[log]\nfile = '/dev/full'\n"), [ENTRY])
    assert "No space left on device" in capsys.readouterr().err


def test_a_pipe_that_nobody_reads_makes_nobody_wait(
    configure: Configure, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    os.mkfifo(tmp_path / "pipe")
    write(configure("pipe"), [ENTRY])
    assert "cannot be written" in capsys.readouterr().err


def test_no_secret_is_logged(configure: Configure, tmp_path: Path) -> None:
    Secrets("smtp", "hunter2hunter2").read()
    write(configure(), [Entry("info", "outbox.failed", "535 hunter2hunter2 is wrong")])
    assert "hunter2" not in (tmp_path / "allegra.log").read_text()


@given(st.text(max_size=80), st.sampled_from(["text", "json"]))
def test_whatever_a_stranger_writes_is_one_line_that_a_terminal_can_show(
    tmp_path_factory: pytest.TempPathFactory, said: str, shape: str
) -> None:
    file = tmp_path_factory.mktemp("log") / "a.log"
    config = configured(f"[log]\nfile = '{file}'\nformat = '{shape}'\n")
    write(config, [Entry("info", "mail.held", said + "\x1b[31m\u202e\ud800\r\nallegra: fine" + "x" * 1000)])
    content = file.read_text("utf-8")
    assert content.count("\n") == 1 and content.endswith("\n") and len(content) < 800
    assert not set(content) & {"\x1b", "\r", "\u2028", "\u202e", "\0"}
