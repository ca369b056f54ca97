"""`allegra config`: what is in force, and where it comes from."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from engine.cli.main import allegra

ROOT = Path(__file__).resolve().parents[2]
CANARY = "c4n4ry-p4ssw0rd"
TEXT = f"""[system.mailbox]
host = "imap.example.com"
username = "help@example.com"
password = "{CANARY}"
[gates]
dmarc = "hold"
[workspace.finance.gates]
dmarc = "reject"
"""

Show = Callable[..., Any]


@pytest.fixture
def config(tmp_path: Path) -> Show:
    file = tmp_path / "allegra.toml"
    file.write_text(TEXT, encoding="utf-8")
    file.chmod(0o600)

    def showing(*arguments: str) -> Any:
        return CliRunner().invoke(allegra, ["--config", str(file), "config", *arguments], catch_exceptions=False)

    return showing


def test_show_is_toml_with_masked_secrets(config: Show) -> None:
    result = config("show")
    assert result.exit_code == 0
    tables = tomllib.loads(result.stdout)
    assert tables["system"]["mailbox"]["password"] == "***"
    assert tables["system"]["mailbox"]["port"] == 993
    assert tables["workspace"]["finance"]["gates"] == {"dmarc": "reject"}


def test_show_origin_says_where_every_value_comes_from(config: Show) -> None:
    lines = config("show", "--origin").stdout.splitlines()
    assert 'workspace.finance.gates.dmarc = "reject"   workspace.finance.gates, allegra.toml:8' in lines
    assert 'gates.dmarc = "hold"   gates, allegra.toml:6' in lines
    assert "gates.hop_limit = 50   default" in lines


def test_get_prints_one_value(config: Show) -> None:
    assert config("get", "gates.dmarc").stdout == "hold\n"
    assert config("get", "workspace.finance.gates.bounce").stdout == "discard\n"
    assert config("get", "limits.raw").stdout == "50 MB\n"
    assert json.loads(config("get", "errors.retry", "--json").stdout)["value"][0] == "1 min"


def test_get_of_something_else_is_exit_1_with_a_hint(config: Show) -> None:
    result = config("get", "gates.dmrc")
    assert result.exit_code == 1 and "did you mean gates.dmarc?" in result.stderr


def test_G25_no_output_holds_the_password(config: Show) -> None:
    for arguments in (("show",), ("show", "--origin"), ("show", "--json"), ("show", "--json", "--origin"),
                      ("get", "system.mailbox.password")):  # fmt: skip
        result = config(*arguments)
        assert result.exit_code == 0 and CANARY not in result.output


def test_json_is_an_object_a_line(config: Show) -> None:
    (whole,) = map(json.loads, config("show", "--json").stdout.splitlines())
    assert whole["schema"] == "allegra.config/1" and whole["config"]["gates"]["dmarc"] == "hold"
    lines = [json.loads(line) for line in config("show", "--json", "--origin").stdout.splitlines()]
    assert all({"schema", "key", "value", "origin"} == line.keys() for line in lines)


@pytest.mark.parametrize(("command", "name"), [("schema", "allegra.schema.json"), ("example", "allegra.toml.example")])
def test_what_is_shipped_is_printed_as_it_is_and_without_a_configuration(command: str, name: str) -> None:
    result = CliRunner().invoke(allegra, ["--config", "/nowhere/allegra.toml", "config", command])
    assert (result.exit_code, result.stdout_bytes) == (0, (ROOT / name).read_bytes())


def test_a_new_folder_gets_both_and_the_editor_finds_the_schema(tmp_path: Path) -> None:
    code = "import sys; from engine.cli.main import allegra; allegra.main(sys.argv[1:])"
    for command, name in (("example", "allegra.toml"), ("schema", "allegra.schema.json")):
        with (tmp_path / name).open("wb") as stream:
            done = [sys.executable, "-c", code, "config", command]
            subprocess.run(done, stdout=stream, env={**os.environ, "LC_ALL": "C", "PYTHONPATH": str(ROOT)}, check=True)
    first = (tmp_path / "allegra.toml").read_text("utf-8").partition("\n")[0]
    schema = json.loads((tmp_path / first.removeprefix("#:schema ")).read_text("utf-8"))
    assert "gates" in schema["properties"]


def test_a_file_that_does_not_load_is_exit_78(tmp_path: Path) -> None:
    (tmp_path / "allegra.toml").write_text("x = 1\n", encoding="utf-8")
    result = CliRunner().invoke(allegra, ["--config", str(tmp_path / "allegra.toml"), "config", "show"])
    assert result.exit_code == 78 and "error[C101]" in result.stderr


def test_without_a_terminal_a_warning_is_told_once_a_day_and_anew_when_it_changes(config: Show, tmp_path: Path) -> None:
    file, marker = tmp_path / "allegra.toml", tmp_path / "var" / "warned"
    file.chmod(0o644)
    assert "C160" in config("get", "gates.dmarc").stderr and not marker.parent.exists()
    assert "C160" in config("get", "gates.dmarc").stderr  # nothing can be kept before the first run
    marker.parent.mkdir()
    assert ["C160" in config("get", "gates.dmarc").stderr for _ in range(3)] == [True, False, False]
    os.utime(marker, (0, 0))
    assert ["C160" in config("get", "gates.dmarc").stderr for _ in range(2)] == [True, False]
    file.write_text(TEXT.replace('host = "imap', 'ssl_verification = false\nhost = "imap'), "utf-8")
    assert "C161" in config("get", "gates.dmarc").stderr


def test_quiet_tells_no_warning(tmp_path: Path) -> None:
    file = tmp_path / "allegra.toml"
    file.write_text(TEXT, "utf-8")
    file.chmod(0o644)
    told = CliRunner().invoke(allegra, ["-q", "--config", str(file), "config", "get", "gates.dmarc"])
    assert (told.stderr, told.stdout) == ("", "hold\n")
