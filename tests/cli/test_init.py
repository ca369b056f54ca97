"""`allegra init`: a first file that loads."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from engine.cli.main import allegra
from engine.config import load

CANARY = "c4n4ry-p4ssw0rd"


def init(folder: Path, *arguments: str, answers: str = "") -> Any:
    command = ["init", "--dir", str(folder), *arguments]
    return CliRunner().invoke(allegra, command, input=answers, catch_exceptions=False)


def test_four_questions_make_a_file_that_loads(tmp_path: Path) -> None:
    result = init(tmp_path, "--no-test", answers=f"help@example.com\nmail.example.com\n{CANARY}\ndesk@example.com\n")
    assert result.exit_code == 0 and CANARY not in result.output
    file = tmp_path / "allegra.toml"
    assert file.stat().st_mode & 0o777 == 0o600
    config = load(file, {})
    box = config.mailbox("system")
    assert (box.host, box.username, box.secret(), box.addresses) == (
        "mail.example.com", "help@example.com", CANARY, ("help@example.com",)
    )  # fmt: skip
    assert config.smtp is not None and config.smtp.from_ == "desk@example.com"
    assert config.warnings == ()


def test_a_wrong_answer_is_asked_again(tmp_path: Path) -> None:
    answers = "help\nhelp@example.com\nmail.example.com:993\nmail.example.com\n\nnobody\nDesk <desk@example.com>\n"
    result = init(tmp_path, "--no-test", answers=answers)
    assert result.exit_code == 0 and result.output.count("Error: ") == 3
    assert 'write  host = "mail.example.com"  and  port = 993' in result.output
    assert '"nobody" is no mail address' in result.output
    config = load(tmp_path / "allegra.toml", {})
    assert config.mailbox("system").host == "mail.example.com"
    assert config.smtp is not None and config.smtp.from_ == "Desk <desk@example.com>"


def test_nothing_is_asked_with_yes(tmp_path: Path) -> None:
    result = init(tmp_path / "new", "--yes", "--no-test", "--address", "me@gmail.com")
    assert result.exit_code == 0
    config = load(tmp_path / "new/allegra.toml", {})
    assert config.mailbox("system").host == "imap.gmail.com"
    assert config.mailbox("system").password_env == "ALLEGRA_IMAP_PASSWORD"
    assert config.smtp is not None and config.smtp.host == "smtp.gmail.com"


def test_everything_can_be_given(tmp_path: Path) -> None:
    result = init(
        tmp_path, "--yes", "--no-test", "--address", "a@example.com", "--host", "h.example", "--username", "u",
        "--protocol", "pop3", "--password-file", "pw", "--from", "b@example.com", "--smtp", "none",
    )  # fmt: skip
    assert result.exit_code == 0
    box = load(tmp_path / "allegra.toml", {}).mailbox("system")
    assert (box.protocol, box.port, box.username, box.password_file) == ("pop3", 995, "u", tmp_path / "pw")
    assert load(tmp_path / "allegra.toml", {}).smtp is None


def test_a_file_that_is_there_is_not_touched(tmp_path: Path) -> None:
    (tmp_path / "allegra.toml").write_text("mine", encoding="utf-8")
    result = init(tmp_path, "--yes", "--address", "a@example.com")
    assert result.exit_code == 1 and "not touched" in result.stderr
    assert (tmp_path / "allegra.toml").read_text("utf-8") == "mine"


@pytest.mark.parametrize("address", ["", "nobody", "a b@example.com"])
def test_what_is_no_address_is_refused(tmp_path: Path, address: str) -> None:
    command = ["init", "--dir", str(tmp_path), "--yes", "--address", address]
    result = CliRunner().invoke(allegra, command)
    assert result.exit_code != 0 and not (tmp_path / "allegra.toml").exists()


def test_a_server_that_is_away_is_a_sentence_and_exit_69(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALLEGRA_IMAP_PASSWORD", CANARY)
    result = init(tmp_path, "--yes", "--address", "a@example.com", "--host", "127.0.0.1", "--smtp", "none")
    assert result.exit_code == 69
    assert "mailbox system" in result.stderr and CANARY not in result.output
    assert (tmp_path / "allegra.toml").exists()


def test_F014_the_first_subjects_are_shown(tmp_path: Path, dovecot: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    account = dovecot.account()
    for number in range(7):
        account.deliver(f"From: jane@example.com\r\nSubject: =?utf-8?q?Stra=C3=9Fe?= {number}\r\n\r\nx\r\n".encode())
    monkeypatch.setenv("ALLEGRA_IMAP_PASSWORD", account.password)
    monkeypatch.setenv("ALLEGRA__SYSTEM__MAILBOX__PORT", str(dovecot.imaps))
    monkeypatch.setenv("ALLEGRA__SYSTEM__MAILBOX__CA_FILE", str(dovecot.ca_file))
    result = init(tmp_path, "--yes", "--address", "a@example.com", "--host", "localhost", "--username", account.user)
    assert result.exit_code == 0, result.output
    assert "7 mails wait" in result.stdout and result.stdout.count("Straße") == 5
