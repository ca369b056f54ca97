"""Terminals of all kinds: other encodings, readers that go away, completion, hostile text, JSON."""

from __future__ import annotations

import io
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from engine.cli.main import allegra


@pytest.mark.parametrize("encoding", ["latin-1", "ascii", "cp1252"])
def test_a_terminal_without_our_characters_gets_question_marks(desk: Any, encoding: str) -> None:
    desk.mail("Grüße → ✔")
    desk.run()
    environ = {"PYTHONIOENCODING": encoding, "PYTHONUTF8": "0"}
    ended = desk.start("explain", "last")
    assert ended.wait() == 0
    ended.communicate()
    desk.environ = environ
    other = desk.start("explain", "last")
    out, err = other.communicate()
    assert other.returncode == 0
    assert err == b""
    assert b"CREATED" in out


@pytest.mark.parametrize("words", [("rules", "fields"), ("log", "--json"), ("item", "list"), ("stats",)], ids=" ".join)
def test_a_reader_that_goes_away_has_read_enough_and_sees_no_traceback(desk: Any, words: tuple[str, ...]) -> None:
    for _ in range(3):
        desk.mail()
    desk.run()
    running = desk.start(*words)
    running.stdout.close()
    assert running.stderr.read() == b""
    running.stderr.close()
    assert running.wait() == 0


HUGE = "9" * 20


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        ("item show HUGE", 1, "there is no item #HUGE"),
        ("item close HUGE --as anna", 1, "there is no item #HUGE"),
        ("item merge HUGE --into 1 --as anna", 1, "there is no item #HUGE"),
        ("topic show HUGE", 1, "there is no topic HUGE"),
        ("outbox show HUGE", 1, "the outbox has no row HUGE"),
        ("log item:HUGE", 0, "nothing found"),
        ("stats --last 1000000d", 2, "'1000000d' is more than 100 years"),
        ("db restore allegra.toml --gap HUGE", 2, "HUGE is not in the range 0<=x<=1000000000"),
    ],
)
def test_a_number_that_is_too_large_is_not_there_or_out_of_range(desk: Any, words: str, code: int, said: str) -> None:
    told = desk.allegra(*words.replace("HUGE", HUGE).split())
    assert (told.exit_code, told.stdout) == (code, "")  # 2 is what `main` makes 64 of
    assert said.replace("HUGE", HUGE) in told.stderr


def test_a_limit_that_is_too_large_is_none(desk: Any) -> None:
    desk.mail()
    desk.run()
    for words in ("item list", "mail list", "log"):
        assert len(desk.lines(*words.split(), "--limit", HUGE)) == len(desk.lines(*words.split())) > 0


def offered(folder: Path, *words: str) -> list[str]:
    """What bash would offer for the last word."""
    environ = {"_ALLEGRA_COMPLETE": "bash_complete", "COMP_WORDS": " ".join(("allegra", *words)),
               "COMP_CWORD": str(len(words))}  # fmt: skip
    before, cwd = dict(os.environ), Path.cwd()
    os.environ.update(environ)
    os.chdir(folder)
    try:
        out = io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True)
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(sys, "stdout", out)
            with pytest.raises(SystemExit):
                allegra.main(prog_name="allegra", complete_var="_ALLEGRA_COMPLETE")
        return [line.partition(",")[2] for line in out.buffer.getvalue().decode().splitlines() if line]  # type: ignore[attr-defined]
    finally:
        os.chdir(cwd)
        os.environ.clear()
        os.environ.update(before)


def test_the_shell_offers_commands_and_names_of_the_configuration(desk: Any) -> None:
    assert offered(desk.folder, "held", "re") == ["release", "reject"]
    assert offered(desk.folder, "run", "--mailbox", "s") == ["system", "support"]
    assert offered(desk.folder, "item", "list", "--workspace", "f") == ["finance"]
    assert "route" in offered(desk.folder, "explain", "--stage", "")
    assert "gates.dmarc" in offered(desk.folder, "config", "get", "gates.d")
    (desk.folder / "allegra.toml").write_text("broken = = 1\n", encoding="utf-8")
    assert offered(desk.folder, "run", "--mailbox", "s") == []


HOSTILE = "=?utf-8?q?bad=1b[31mred=07=e2=80=ae_x?= \x1b]0;title\x07"
NEVER = ("\x1b", "\x07", "\u202e", "\x9b")


@pytest.mark.parametrize(
    "words",
    [("mail", "list"), ("mail", "show", "last"), ("mail", "headers", "last"), ("explain", "last"),
     ("explain", "last", "--all"), ("held", "list"), ("item", "list"), ("item", "show", "1"), ("item", "comments", "1"),
     ("item", "attachments", "1"), ("replay", "newer_than:1d"), ("mailbox", "list"), ("mailbox", "peek", "system"),
     ("mail", "list", "--json"), ("explain", "last", "--json"), ("item", "show", "1", "--json")],
    ids=" ".join,
)  # fmt: skip
def test_control_characters_of_strangers_never_reach_a_terminal(hostile: Any, words: tuple[str, ...]) -> None:
    told = hostile.allegra(*words)
    assert told.exit_code == 0
    assert not [char for char in NEVER if char in told.output]


@pytest.fixture
def hostile(desk: Any) -> Any:
    body = ("--x\nContent-Type: text/plain\n\nhello \x1b[31m\n--x\nContent-Type: text/plain; name=\"e\x1b[31mvil\"\n"
            "Content-Disposition: attachment; filename=\"e\x1b[31mvil\"\n\nabc\n--x--\n")  # fmt: skip
    head = ("MIME-Version: 1.0", "Content-Type: multipart/mixed; boundary=x")
    desk.mail(HOSTILE, body, '"A\x1b[2J" <anna@example.com>', headers=head)
    desk.mail(HOSTILE + " again", "bye", '"A\x1b[2J" <str\x1bange@example.org>')
    desk.run()
    desk.mail(HOSTILE + " waits")
    return desk


@pytest.mark.parametrize("words", [("mail", "raw", "last"), ("item", "file", "1", "1")], ids=" ".join)
def test_bytes_of_strangers_are_shown_to_a_terminal_without_control_characters(
    hostile: Any, words: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "\x1b" in hostile.allegra("mail", "raw", "last").output
    monkeypatch.setattr("engine.cli.mail.is_terminal", lambda: True)
    assert not [char for char in NEVER if char in hostile.allegra(*words).output]


def test_every_command_with_json_prints_objects_with_a_schema(desk: Any) -> None:
    desk.mail()
    (made,) = desk.run()
    desk.mail("held", sender="x@elsewhere.example")
    desk.run()
    commands = (
        "mail list", "mail show last", "mail headers last", f"mail purge {made['mail']}", f"mail settle {made['mail']}",
        "mail retry last", "mail reset-status last", "run", "held list", "explain last-held", "replay last-held",
        "held release last-held", "item list", "item show 1", "check", "config show", "config get gates",
        "mailbox list", "user list", "group list", "workspace list", "db migrate",
        "rules fields", "rules actions", "hooks limits", "version",
    )  # fmt: skip
    for command in commands:
        lines = desk.lines(*command.split())
        assert lines, command
        assert all(line["schema"].startswith("allegra.") and line["schema"].endswith("/1") for line in lines), command
