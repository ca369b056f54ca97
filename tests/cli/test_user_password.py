"""`allegra user password`: set, taken away, and never an argument."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from end_to_end.conftest import desk as desk
from end_to_end.conftest import loaded as loaded

from engine.config import load
from engine.desk import access
from engine.desk.passwords import is_right
from engine.store.store import Store

GOOD, OTHER = "correct horse battery", "wrong camel dynamo"
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def office(desk: Any) -> Any:
    desk.configure(more='[log]\nfile = "log"\n')
    return desk


def password(office: Any) -> list[str]:
    return [proof for (proof,) in office.rows("SELECT hash FROM credential")]


def test_a_line_of_standard_input_is_the_password(office: Any) -> None:
    done = office.allegra("user", "password", "anna", "--stdin", stdin=f"{GOOD}\r\nnot this\n".encode())
    assert (done.exit_code, done.stdout, done.stderr) == (0, "user anna: password set\n", "")
    (proof,) = password(office)
    assert is_right(GOOD, proof)
    (line,) = office.lines("log", "event:password.set")
    assert (line["name"], line["via"], line["detail"]["said"]) == ("password.set", "command", "anna")
    assert "password.set by" in (office.folder / "log").read_text()
    said = (office.folder / "log").read_text() + office.allegra("log").stdout
    assert GOOD not in said and proof not in said


def test_it_lets_somebody_in_and_off_does_no_more(office: Any) -> None:
    office.allegra("user", "password", "ANNA@example.com", "--stdin", stdin=GOOD.encode())
    config = load(office.folder / "allegra.toml")
    with Store.open(office.where) as store:
        mine = access.sign_in(store, config, "anna", GOOD, "127.0.0.1", "")
        gone = office.lines("user", "password", "anna", "--off")
        assert gone == [{"schema": "allegra.user/1", "login": "anna", "done": "removed"}]
        assert access.session(store, mine.cookie) is None and password(office) == []
    assert office.allegra("user", "password", "anna", "--off").stdout == "user anna: there is no password\n"
    assert [line["name"] for line in office.lines("log", "event:password.removed")] == ["password.removed"]


@pytest.mark.parametrize(
    ("words", "stdin", "code", "said"),
    [
        (("anna", "--stdin"), b"short\n", 1, "the password has 5 characters: at least 12 are needed"),
        (("anna", "--stdin"), b"", 1, "the password has 0 characters"),
        (("anna", "--stdin"), b"anna@example.com", 1, "the password is an address of the account"),
        (("anna", "--stdin"), b"x7" * 40_000, 1, "more than 1,000 characters"),
        (("anna", "--stdin"), b"\xff" * 20, 2, "standard input is not UTF-8"),
        (("anna",), GOOD.encode(), 2, "there is no terminal to ask at: --stdin"),
        (("anna", "--stdin", "--off"), b"", 2, "give --stdin or --off"),
        (("zoe", "--stdin"), GOOD.encode(), 1, 'there is no user "zoe"'),
        (("zoe", "--off"), b"", 1, 'there is no user "zoe"'),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_in_a_sentence(
    office: Any, words: tuple[str, ...], stdin: bytes, code: int, said: str
) -> None:
    done = office.allegra("user", "password", *words, stdin=stdin)
    assert (done.exit_code, said in done.stderr, password(office)) == (code, True, []), done.stderr


def typed(office: Any, *lines: str) -> tuple[int, str]:
    """Run the command at a terminal, and type these lines; gives the exit code and what the terminal showed."""
    ours, theirs = pty.openpty()
    code = "from engine.cli.main import main; main()"
    child = subprocess.Popen(
        [sys.executable, "-c", code, "user", "password", "anna"], cwd=office.folder, stdin=theirs, stdout=theirs,
        stderr=theirs, start_new_session=True, env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    os.close(theirs)
    shown, written = b"", 0
    while part := _read(ours):
        shown += part
        while written < min(len(lines), shown.count(b"Password of anna: ") + shown.count(b"Once more: ")):
            os.write(ours, f"{lines[written]}\n".encode())
            written += 1
    os.close(ours)
    return child.wait(), shown.decode()


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 4096)
    except OSError:  # whoever had the other end is gone
        return b""


def test_at_a_terminal_it_is_asked_for_twice_and_not_shown(office: Any) -> None:
    code, shown = typed(office, GOOD, GOOD)
    assert (code, "user anna: password set" in shown, GOOD in shown) == (0, True, False), shown
    assert "Password of anna" in shown and "Once more" in shown
    assert is_right(GOOD, password(office)[0])


def test_at_a_terminal_two_that_differ_are_asked_for_again(office: Any) -> None:
    code, shown = typed(office, OTHER, GOOD, GOOD, GOOD)
    assert code == 0 and "do not match" in shown, shown
    assert is_right(GOOD, password(office)[0])
