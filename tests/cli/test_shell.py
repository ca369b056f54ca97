"""What every command does alike: help, wrong usage, options behind the command, sentences instead of tracebacks."""

from __future__ import annotations

import io
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner
from servers.limits import no_file_above

from engine.cli import common, shown
from engine.cli.main import COMMANDS, allegra


def call(*arguments: str, **options: Any) -> Any:
    return CliRunner().invoke(allegra, arguments, catch_exceptions=False, **options)


def commands(group: click.Group = allegra, path: tuple[str, ...] = ()) -> list[tuple[tuple[str, ...], click.Command]]:
    """Every command and sub-command with its words."""
    context = click.Context(group)
    found: list[tuple[tuple[str, ...], click.Command]] = []
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        found.append(((*path, name), command))
        if isinstance(command, click.Group):
            found += commands(command, (*path, name))
    return found


OTHERWISE = [("deliver",), ("health",), ("item", "comment"), ("item", "label")]
"""Commands that say something else: 75, UNKNOWN, which two are in its place, that a word after a minus is a label."""


@pytest.mark.parametrize("words", [words for words, _ in commands()], ids=" ".join)
def test_help_of_every_command_is_whole(words: tuple[str, ...]) -> None:
    told = call(*words, "--help")
    assert told.exit_code == 0
    several = re.compile(r"(\]|\||-|[A-Z])\.\.\.")  # of an argument that may be given often
    assert "..." not in several.sub("", told.output)
    assert "INTEGER RANGE" not in told.output


@pytest.mark.parametrize("words", [words for words, _ in commands() if words not in OTHERWISE], ids=" ".join)
def test_an_option_that_is_none_is_wrong_usage(words: tuple[str, ...]) -> None:
    ended = subprocess_of(*words, "--no-such-option")
    assert ended.returncode == 64
    assert b"No such option" in ended.stderr
    assert ended.stdout == b""


def subprocess_of(*arguments: str) -> subprocess.CompletedProcess[bytes]:
    """Call `main` in this process, which is quicker than to start one, as if it had its own streams."""
    from engine.cli import main

    out, err = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True) for _ in range(2))
    before = sys.argv, sys.stdout, sys.stderr
    sys.argv, sys.stdout, sys.stderr = ["allegra", *arguments], out, err
    try:
        main.main()
        code = 0
    except SystemExit as stop:
        code = int(stop.code or 0)
    finally:
        sys.argv, sys.stdout, sys.stderr = before
    return subprocess.CompletedProcess(arguments, code, out.buffer.getvalue(), err.buffer.getvalue())  # type: ignore[attr-defined]


def test_a_group_tells_its_commands_in_whole_sentences_and_in_their_order() -> None:
    told = " ".join(call("mail", "--help").output.split())
    assert "Clear claims and waiting times of a mail, so that the next run takes it up; never its effects." in told
    assert told.index(" list ") < told.index(" show ") < told.index(" purge ")


def test_a_misspelt_sub_command_is_pointed_to_the_right_one() -> None:
    ended = subprocess_of("held", "relase")
    assert ended.returncode == 64
    assert b"did you mean 'release'?" in ended.stderr
    assert b"there are: list, release" in subprocess_of("held", "qqq").stderr


def test_common_options_may_stand_behind_the_command(tmp_path: Path) -> None:
    missing = tmp_path / "no.toml"
    for arguments in (("--config", str(missing), "mail", "list"), ("mail", "list", "--config", str(missing)),
                      ("mail", "--config", str(missing), "list", "-q", "--no-color")):  # fmt: skip
        told = call(*arguments)
        assert told.exit_code == 78
        assert str(missing) in told.stderr


def test_a_configuration_that_is_not_there_is_said_in_a_sentence(tmp_path: Path) -> None:
    told = call("check", "--config", str(tmp_path / "allegra.toml"))
    assert "there is no such file" in told.output
    assert "--config FILE" in told.output


def test_a_folder_that_may_not_be_written_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: Path, *_: Any, **__: Any) -> None:
        raise PermissionError(13, "Permission denied", str(self))

    monkeypatch.setattr(Path, "mkdir", refuse)
    ended = subprocess_of("demo", "--dir", "nowhere-to-write")
    assert ended.returncode == 69
    assert ended.stderr.decode().strip() == "allegra: nowhere-to-write: Permission denied"


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_completion_script_is_printed(shell: str) -> None:
    assert "_ALLEGRA_COMPLETE" in call("completion", shell).output


def test_no_command_was_forgotten_here() -> None:
    assert {words[0] for words, _ in commands()} == set(COMMANDS)
    assert common.USAGE == 64


def test_json_of_the_version_is_one_object() -> None:
    assert json.loads(call("version", "--json").output)["schema"] == "allegra.version/1"


def test_a_table_gives_way_to_a_narrow_terminal() -> None:
    rows = [("m-4f2a91", "somebody.with.a.long.name@example.com", "A subject that goes on and on")]
    wide = click.unstyle(shown.table(("mail", "from", "subject"), rows))
    narrow = click.unstyle(shown.table(("mail", "from", "subject"), rows, width=50))
    assert "somebody.with.a.long.name@example.com" in wide
    assert max(map(len, narrow.splitlines())) == 50
    assert "…" in narrow
    assert narrow.startswith("MAIL      FROM")


def test_half_a_file_is_not_left_behind_where_the_disk_is_full_and_one_that_was_there_stays(tmp_path: Path) -> None:
    file = tmp_path / "mail.eml"
    with no_file_above(100), pytest.raises(click.ClickException, match="cannot be written"):
        common.save(file, b"x" * 1000)
    assert not file.exists()
    common.save(file, b"mine")
    with pytest.raises(click.ClickException, match="File exists"):
        common.save(file, b"x")
    assert file.read_bytes() == b"mine"
