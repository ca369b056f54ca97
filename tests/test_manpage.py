"""allegra(1), the manual page, is what the commands are. `python tests/test_manpage.py` writes allegra.1 anew."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "allegra.1"


def page() -> str:
    """The whole page, in the macros that every man program knows."""
    from engine import __version__

    return "\n".join((f'.TH ALLEGRA 1 "" "allegra {__version__}" "User Commands"', *_head(), *_commands(), *_end(), ""))


def _head() -> Iterator[str]:
    from engine.cli.main import allegra

    context = click.Context(allegra, info_name="allegra")
    yield from (".SH NAME", r"allegra \- turn incoming mail into work items")
    yield from (".SH SYNOPSIS", ".B allegra", r"[\fIOPTIONS\fR] \fICOMMAND\fR [\fIARGUMENTS\fR]")
    yield ".SH DESCRIPTION"
    yield from _paragraphs(allegra.help or "")
    yield from (".SH OPTIONS", *_options(allegra, context))


def _commands() -> Iterator[str]:
    from engine.cli.main import COMMANDS, allegra

    top = click.Context(allegra, info_name="allegra")
    yield ".SH COMMANDS"
    for name in COMMANDS:
        command = allegra.get_command(top, name)
        assert command is not None
        inner = command.commands if isinstance(command, click.Group) else {"": command}
        for word, each in inner.items():
            context = click.Context(each, info_name=f"allegra {name} {word}".strip())
            arguments = [one.make_metavar(context) for one in each.params if isinstance(one, click.Argument)]
            yield rf".SS {_plain(' '.join((name, word, *arguments)).replace('  ', ' '))}"
            yield from _paragraphs(each.help or "")
            yield from _options(each, context)


def _options(command: click.Command, context: click.Context) -> Iterator[str]:
    for each in command.get_params(context):
        told = each.get_help_record(context) if isinstance(each, click.Option) else None
        if told is not None and "--help" not in each.opts:
            yield from (".TP", rf"\fB{_plain(told[0])}\fR", _plain(told[1]))


def _end() -> Iterator[str]:
    text = (ROOT / "docs" / "cli.md").read_text("utf-8")
    codes = re.findall(r"^\| (\d+)(?:, [\d, ]+)? \| ([^|]+) \| ([^|]+) \| ([^|]+) \|$", text, re.MULTILINE)
    yield ".SH EXIT STATUS"
    for code, *meanings in codes:
        said = next(each for each in meanings if each.strip() not in ("–", ""))
        yield from (".TP", rf"\fB{code}\fR", _plain(said.strip().replace("`", "")))
    yield ".PP"
    yield _plain("allegra help cli tells which command says which.")
    yield from (".SH ENVIRONMENT", ".TP", r"\fBALLEGRA_CONFIG\fR", "The configuration file, where --config names none.")
    yield from (".TP", r"\fBALLEGRA__SECTION__KEY\fR", "Any option of the configuration.")
    yield from (".TP", r"\fBNO_COLOR\fR", "No colours.", ".TP", r"\fBPAGER\fR", "Shows the pages of allegra help.")
    yield from (".SH FILES", ".TP", r"\fBallegra.toml\fR", "The configuration; allegra help example shows all of it.")
    yield from (".SH SEE ALSO", "allegra help", "lists the documents that come with the program.")


def _paragraphs(text: str) -> Iterator[str]:
    for number, each in enumerate(text.replace("\b\n", "").split("\n\n")):
        if number:
            yield ".PP"
        yield _plain(" ".join(each.split()))


def _plain(text: str) -> str:
    """Text in which nothing is a request: backslashes, hyphens, a dot or quote at the start of a line."""
    made = text.replace("\\", r"\e").replace("-", r"\-").replace("'", r"\(aq")
    return rf"\&{made}" if made.startswith(".") else made


def test_the_manual_page_is_what_the_commands_are() -> None:
    assert PAGE.read_text("utf-8") == page(), "run: python tests/test_manpage.py"


def test_every_command_and_every_exit_code_has_its_place() -> None:
    from engine.cli import common
    from engine.cli.main import COMMANDS

    told = page()
    assert [name for name in COMMANDS if f".SS {name}".replace("-", r"\-") not in told] == []
    assert r".SS mail reset\-status REFS..." in told
    codes = (common.DONE, common.FINDINGS, common.USAGE, common.AWAY, common.LATER, common.BROKEN_CONFIG)
    assert [code for code in codes if rf"\fB{code}\fR" not in told] == []


@pytest.mark.skipif(shutil.which("groff") is None, reason="groff is not installed")
def test_groff_finds_nothing_wrong_with_the_page() -> None:
    done = subprocess.run(
        ["groff", "-man", "-Kutf8", "-Tutf8", "-ww", "-rCHECKSTYLE=2"], input=PAGE.read_bytes(), capture_output=True
    )
    assert (done.returncode, done.stderr.decode()) == (0, "")


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    PAGE.write_text(page(), "utf-8")
